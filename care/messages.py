"""What leaves the house: a weekly digest to each person about her own children, by e-mail or to a school's own channel.

No message holds a child's name. It says how many need someone and links to the page, where raksa.access says what is
to be seen; so a mail that is passed on, or read over a shoulder, tells nothing. A link runs out after a week and opens
nothing by itself: it names a page, and whoever follows it signs in as herself.

    post = sender(settings)                                  # SMTP, a webhook, or None where nothing is set
    post.send(digest(address, Numbers(...), link(key, "/today", now, settings), "th"))

Nothing is sent to a guardian from here: a letter is printed, and a person hands it over (care/visit_paper.py).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import smtplib
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Protocol
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import Engine, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from raksa.audit import Base, Moment
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.thai import format_date

LINK_DAYS = 7
_WAIT = 20  # seconds a server may say nothing
_MAIL = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\"]{1,190}")


class MailRow(Base):
    __tablename__ = "mail_address"

    username: Mapped[str] = mapped_column(ForeignKey("person.username", ondelete="CASCADE"), primary_key=True)
    address: Mapped[str] = mapped_column(String(254))
    weekly: Mapped[bool]
    changed_at: Mapped[datetime] = mapped_column(Moment)


@dataclass(frozen=True)
class Receiver:
    """Where an account is written to, and whether it wants the weekly digest."""

    username: str
    address: str
    weekly: bool


@dataclass(frozen=True)
class Message:
    """One message to one person: plain text, no child's name."""

    to: str
    subject: str
    text: str


@dataclass(frozen=True)
class Numbers:
    """What a digest counts in one person's scope. None: not for this role, or hidden because it is small."""

    as_of: date
    listed: int | None
    new: int | None = None
    unwritten: int | None = None
    crossed: int | None = None
    unrecorded: int | None = None
    overdue: int | None = None


class Sender(Protocol):
    def send(self, message: Message, now: datetime) -> None:
        """Hand a message over. Raises RaksaError if it was not taken; then nothing was sent."""


# ---------------------------------------------------------------------------------------------------- who is written to
def set_address(people: Engine, username: str, address: str, weekly: bool, now: datetime) -> Receiver:
    """Note where an account is written to. Raises RaksaError if that is no address."""
    address = address.strip()
    if not _MAIL.fullmatch(address):
        raise RaksaError(f"{address!r} is no e-mail address. Write it as name@school.ac.th.")
    with Session(people) as session, session.begin():
        session.merge(MailRow(username=username, address=address, weekly=weekly, changed_at=now))
    return Receiver(username, address, weekly)


def receivers(people: Engine) -> list[Receiver]:
    """Every account with an address, by name of the account."""
    with Session(people) as session:
        rows = session.scalars(select(MailRow).order_by(MailRow.username))
        return [Receiver(row.username, row.address, row.weekly) for row in rows]


# ---------------------------------------------------------------------------------------------------------------- links
def link(key: str, path: str, now: datetime, settings: Settings) -> str:
    """An address that leads to a page of ours until a week from now. It opens nothing without signing in."""
    if not path.startswith("/") or path.startswith("//") or urlsplit(path).netloc:
        raise RaksaError(f"A link leads to a page of Raksa, not to {path!r}. Begin it with one stroke.")
    until = int((now + timedelta(LINK_DAYS)).timestamp())
    return f"{settings.public_url.rstrip('/')}/from-mail?to={_signer(key).dumps([path, until])}"


def linked(key: str, token: str, now: datetime) -> str | None:
    """The page a link leads to; None if it has run out or is not one of ours."""
    try:
        path, until = _signer(key).loads(token)
    except (BadSignature, ValueError, TypeError):
        return None
    return str(path) if now.timestamp() < until else None


def _signer(key: str) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt="raksa.from-mail", signer_kwargs={"digest_method": hashlib.sha256})


# --------------------------------------------------------------------------------------------------------------- digest
_LINES = (
    ("crossed", "ขาดเรียนถึงเกณฑ์ที่ต้องติดตามในสัปดาห์นี้: {n} คน", "Crossed a line of days away this week: {n}"),
    ("new", "เพิ่งเข้ามาในรายชื่อ: {n} คน", "New on the list: {n}"),
    ("unwritten", "ยังไม่มีใครบันทึกการติดต่อ: {n} คน", "On the list, nobody has written anything yet: {n}"),
    ("overdue", "งานที่เลยกำหนด: {n} เรื่อง", "Past their date: {n}"),
    ("unrecorded", "ห้องที่ยังไม่ได้ส่งการเช็กชื่อ: {n} ห้อง", "Classes whose marks have not arrived: {n}"),
    ("listed", "อยู่ในรายชื่อทั้งหมด: {n} คน", "On the list in all: {n}"),
)


def digest(to: Receiver, numbers: Numbers, url: str, language: str = "th") -> Message | None:
    """The weekly digest; None if there is nothing to say. What is None in the numbers is left out, never said as 0."""
    at = ("th", "en").index(language) + 1
    said = [line[at].format(n=f"{n:,}") for line in _LINES if (n := getattr(numbers, line[0])) is not None]
    if not any(getattr(numbers, line[0]) for line in _LINES):
        return None
    day = format_date(numbers.as_of, language)
    head, foot = {
        "th": (
            f"สรุปประจำสัปดาห์จากรักษา ข้อมูลถึงวันที่ {day}",
            f"เปิดดูและบันทึกได้ที่\n{url}\n\nลิงก์นี้ใช้ได้ {LINK_DAYS} วัน และต้องเข้าใช้ด้วยบัญชีของท่านเอง\n"
            "อีเมลนี้ไม่มีชื่อนักเรียน โปรดอย่าใส่ชื่อนักเรียนเมื่อส่งต่อ",
        ),
        "en": (
            f"Raksa this week, as known on {day}",
            f"Look and write at\n{url}\n\nThe link holds for {LINK_DAYS} days; you sign in as yourself.\n"
            "This mail names no child. Please add no name when you pass it on.",
        ),
    }[language]
    return Message(to.address, head, "\n".join([*said, "", foot, ""]))


# ---------------------------------------------------------------------------------------------------------- how it goes
@dataclass(frozen=True)
class Smtp:
    """A mail server. `security`: tls (from the first byte), starttls, or none (this machine only)."""

    host: str
    port: int
    security: str
    user: str
    password: str
    mail_from: str

    def send(self, message: Message, now: datetime) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.mail_from, MailAddress(addr_spec=message.to), message.subject
        mail["Date"], mail["Message-ID"] = format_datetime(now), make_msgid(domain=self.mail_from.rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notice comes back
        mail.set_content(message.text)
        try:
            with self._open() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as wrong:
            raise RaksaError(
                f"The mail server {self.host}:{self.port} did not take the message ({_first_line(wrong)}). "
                "Correct the smtp settings or try again later; it was not sent."
            ) from None

    def _open(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_WAIT, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=_WAIT)
        if self.security == "starttls":
            server.starttls(context=context)
        return server


@dataclass(frozen=True)
class Webhook:
    """A channel of the school's own: JSON is posted to an address, with an HMAC-SHA256 of the body in a header, so that
    the other side knows it is ours."""

    url: str
    secret: str

    def send(self, message: Message, now: datetime) -> None:
        body = json.dumps(
            {"to": message.to, "subject": message.subject, "text": message.text, "at": now.isoformat()},
            ensure_ascii=False,
        ).encode()
        signature = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json; charset=utf-8", "X-Raksa-Signature": f"sha256={signature}"}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url, body, headers), timeout=_WAIT):
                pass
        except (OSError, urllib.error.HTTPError) as wrong:
            raise RaksaError(
                f"The webhook did not take the message ({_first_line(wrong)}). "
                "Correct webhook_url or try again later; it was not sent."
            ) from None


def sender(settings: Settings) -> Sender | None:
    """How messages go out: by the mail server or the webhook of the settings; None where neither is set.

    Raises RaksaError for a webhook that is not https (but on this machine) or has no secret.
    """
    if settings.smtp_host:
        return Smtp(
            settings.smtp_host, settings.smtp_port, settings.smtp_security, settings.smtp_user, settings.smtp_password,
            settings.mail_from,
        )  # fmt: skip
    if settings.webhook_url:
        at = urlsplit(settings.webhook_url)
        here = at.hostname in ("localhost", "127.0.0.1", "::1")
        if not (at.scheme == "https" or (at.scheme == "http" and here)) or not settings.webhook_secret:
            raise RaksaError("Setting webhook_url needs https and a webhook_secret. Set both.")
        return Webhook(settings.webhook_url, settings.webhook_secret)
    return None


def _first_line(wrong: Exception) -> str:
    return (str(wrong).strip().splitlines() or [type(wrong).__name__])[0][:200]
