"""Mails to a real server on this machine: what they say, what they never hold, and links that run out."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as SmtpSession
from sqlalchemy import Engine

from care.messages import (
    LINK_DAYS,
    Message,
    Numbers,
    Receiver,
    Smtp,
    Webhook,
    digest,
    link,
    linked,
    receivers,
    sender,
    set_address,
)
from raksa.accounts import Accounts
from raksa.errors import RaksaError
from raksa.settings import Settings
from tests.cast import CHILDREN, PASSWORD, SOMSRI

NOW = datetime(2026, 6, 8, 1, 0, tzinfo=UTC)
TO = Receiver("somsri", "somsri@thungna.ac.th", True)
KEY = "a key of this store"
NUMBERS = Numbers(date(2026, 6, 8), listed=3, new=1, unwritten=2, crossed=2, unrecorded=0, overdue=None)


class Box:
    """A mail server that keeps what it is given."""

    def __init__(self, refuse: str = "") -> None:
        self.mails: list[bytes] = []
        self.refuse = refuse

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: Envelope) -> str:
        if self.refuse:
            return self.refuse
        self.mails.append(bytes(envelope.original_content or b""))
        return "250 taken"


def mail_server(kept: Box) -> tuple[Controller, Smtp]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Controller(kept, hostname="127.0.0.1", port=port)
    server.start()
    return server, Smtp("127.0.0.1", port, "none", "", "", "raksa@thungna.ac.th")


@pytest.fixture
def box() -> Iterator[tuple[Box, Smtp]]:
    kept = Box()
    server, post = mail_server(kept)
    yield kept, post
    server.stop()


def test_somsri_s_digest_arrives_in_thai_counts_her_class_and_names_no_child(box: tuple[Box, Smtp]) -> None:
    kept, post = box
    made = digest(TO, NUMBERS, link(KEY, "/today", NOW, Settings()), "th")
    assert made is not None
    post.send(made, NOW)
    mail = message_from_bytes(kept.mails[0], policy=policy.default)
    assert mail["To"] == "somsri@thungna.ac.th" and "8 มิ.ย. 2569" in mail["Subject"]
    body = mail.get_content()
    assert "เพิ่งเข้ามาในรายชื่อ: 1 คน" in body and "ยังไม่ได้ส่งการเช็กชื่อ: 0 ห้อง" in body
    assert "เลยกำหนด" not in body  # not known is left out, and never said as nothing
    assert not any(one.first_name in body for one in CHILDREN)


def test_a_digest_without_anything_to_say_is_none() -> None:
    assert digest(TO, Numbers(date(2026, 6, 8), listed=0, new=0), "http://x", "en") is None
    said = digest(TO, NUMBERS, "http://x", "en")
    assert said is not None and "New on the list: 1" in said.text and "names no child" in said.text


def test_a_link_leads_to_its_page_for_a_week_and_only_to_pages_of_ours() -> None:
    made = link(KEY, "/lists?new=1", NOW, Settings(public_url="https://raksa.example/"))
    assert made.startswith("https://raksa.example/from-mail?to=")
    token = made.partition("to=")[2]
    assert linked(KEY, token, NOW + timedelta(days=LINK_DAYS, seconds=-1)) == "/lists?new=1"
    assert linked(KEY, token, NOW + timedelta(LINK_DAYS)) is None
    assert linked("another key", token, NOW) is None and linked(KEY, token[:-2] + "xx", NOW) is None
    for elsewhere in ("https://evil.example", "//evil.example", "today"):
        with pytest.raises(RaksaError, match="page of Raksa"):
            link(KEY, elsewhere, NOW, Settings())


def test_a_server_that_refuses_or_is_not_there_is_said_in_a_sentence() -> None:
    server, post = mail_server(Box(refuse="550 not here"))
    mail = Message(TO.address, "s", "t")
    with pytest.raises(RaksaError, match=r"did not take the message.*550.*it was not sent"):
        post.send(mail, NOW)
    server.stop()
    with pytest.raises(RaksaError, match="did not take the message"):
        post.send(mail, NOW)


def test_no_line_break_in_an_address_adds_a_header(people: Engine) -> None:
    with pytest.raises(RaksaError, match="no e-mail address"):
        set_address(people, "somsri", "a@b.c\nBcc: everyone@b.c", True, NOW)


def test_addresses_are_kept_beside_accounts(people_settings: Settings) -> None:
    accounts = Accounts.open(people_settings)
    accounts.create_person("somsri", SOMSRI.name, "teacher", SOMSRI.scopes, PASSWORD, NOW)
    set_address(accounts.people, "somsri", " somsri@thungna.ac.th ", True, NOW)
    set_address(accounts.people, "somsri", "somsri@thungna.ac.th", False, NOW)
    assert receivers(accounts.people) == [Receiver("somsri", "somsri@thungna.ac.th", False)]
    accounts.close()


def test_a_webhook_gets_the_message_and_can_check_that_it_is_ours() -> None:
    got: list[tuple[bytes, str]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((body, self.headers["X-Raksa-Signature"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Webhook(f"http://127.0.0.1:{server.server_port}/", "s3cret").send(Message("somsri", "หัวข้อ", "ข้อความ"), NOW)
    server.shutdown()
    server.server_close()
    body, signature = got[0]
    assert json.loads(body)["subject"] == "หัวข้อ"
    assert signature == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()


def test_without_settings_nothing_is_sent_and_a_webhook_in_the_open_is_refused() -> None:
    assert sender(Settings()) is None
    assert isinstance(sender(Settings(smtp_host="mail.example")), Smtp)
    with pytest.raises(RaksaError, match="https"):
        sender(Settings(webhook_url="http://chat.example/x", webhook_secret="s"))
    with pytest.raises(RaksaError, match="webhook_secret"):
        sender(Settings(webhook_url="https://chat.example/x"))
