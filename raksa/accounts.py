"""Accounts: people, what they are responsible for, and who is signed in just now.

They stand in the people database: SQLite (WAL) in the data folder, or whatever `database_url` names. A
sign-in is a random token in the person's browser of which only the SHA-256 is kept here, so that reading
the database signs nobody in; the row is read again at every click, so that switching an account off or
signing out takes effect at once, also for a copied cookie. Clocks come in as arguments, with a time zone.

    accounts = Accounts.open(settings)
    accounts.create_person("somsri", "สมศรี ใจงาม", "teacher", [Scope("class", "10000001|ม.3|1")], "…", now)
    token = accounts.sign_in("somsri", "…", now)      # a token, or a Refusal
    accounts.who(token, now)                          # Person, or None
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import Engine, ForeignKey, String, create_engine, delete, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from raksa.access import Person, Scope, check_scopes
from raksa.audit import Base, Moment
from raksa.errors import RaksaError
from raksa.settings import Settings

LANGUAGES = ("th", "en")
LEAST_PASSWORD = 10  # letters; length counts for more than kinds of signs (NIST SP 800-63B, 5.1.1)
LOCK_AFTER, LOCK_FOR = 5, timedelta(minutes=15)
# A whole school often shares one address, so an address is slowed down much later than a name.
LOCK_ADDRESS_AFTER = 50
_SEEN_EVERY = timedelta(seconds=30)  # how often a click is worth a write
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


class FailureRow(Base):
    """One failed sign-in, for a name that exists or one that does not: both lock alike, so neither can be
    told."""

    __tablename__ = "sign_in_failure"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    username: Mapped[str] = mapped_column(String(64), index=True)
    address: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True)
class Refusal:
    """Why nobody was signed in: `wrong` (name or password; which is not said), `locked`, or `busy`."""

    reason: str


def session_id(token: str) -> str:
    """What is kept of a token, and what the pages are handed: enough to find the sign-in, useless as a
    cookie."""
    return hashlib.sha256(token.encode()).hexdigest()


class Accounts:
    """The people database, open."""

    def __init__(self, people: Engine, settings: Settings) -> None:
        self.people = people
        self._settings = settings
        # 19 MiB, two rounds, one lane: OWASP's second choice. At 8 in the morning a district signs in at
        # once; two checks at a time bound the memory, and each takes some 30 ms.
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._turnstile = BoundedSemaphore(2)
        self._nobody = self._hasher.hash(secrets.token_hex(8))

    @classmethod
    def open(cls, settings: Settings) -> Accounts:
        """Open the people database, making its tables if they are not there.

        Raises RaksaError if `database_url` is none, or its driver is not installed.
        """
        file = settings.home / "raksa.db"
        try:
            url = make_url(settings.database_url) if settings.database_url else make_url(f"sqlite:///{file}")
            if not settings.database_url:
                settings.home.mkdir(parents=True, exist_ok=True)
            people = create_engine(url, pool_pre_ping=not url.drivername.startswith("sqlite"))
        except (ArgumentError, ModuleNotFoundError) as wrong:
            raise RaksaError(
                f"Setting database_url cannot be used ({wrong}). "
                "Write it as postgresql+psycopg://user:password@host/name, or leave it empty for SQLite."
            ) from None
        if people.dialect.name == "sqlite":
            event.listen(people, "connect", _sqlite)
        Base.metadata.create_all(people)
        if not settings.database_url:
            file.chmod(0o600)
        return cls(people, settings)

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
        """Write down a new person. Raises RaksaError if something about her does not fit or the name is
        taken."""
        username, scopes = _username(username), tuple(dict.fromkeys(scopes))
        check_scopes(role, scopes)
        _check_language(language)
        _check_password(username, password)
        if not name.strip():
            raise RaksaError(f"Account {username} has no name. Give one.")
        row = PersonRow(
            username=username,
            name=name.strip(),
            role=role,
            language=language,
            active=True,
            password_hash=self._hash(password),
            must_change_password=must_change_password,
            created=now,
            scopes=[ScopeRow(kind=s.kind, value=s.value) for s in scopes],
        )
        with Session(self.people) as session, session.begin():
            if session.get(PersonRow, username):
                raise RaksaError(f"There is an account {username} already. Choose another name.")
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

    def set_password(self, username: str, password: str, *, must_change_password: bool = False) -> None:
        """Give a new password. Every sign-in of the person ends: whoever knew the old one is out."""
        _check_password(_username(username), password)
        hashed = self._hash(password)
        with Session(self.people) as session, session.begin():
            row = _row(session, username)
            row.password_hash, row.must_change_password = hashed, must_change_password
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
        with Session(self.people) as session, session.begin():
            row = _row(session, username)
            wanted = tuple(dict.fromkeys(scopes))
            check_scopes(row.role, wanted)
            held = {(s.kind, s.value): s for s in row.scopes}
            row.scopes = [held.get((s.kind, s.value)) or ScopeRow(kind=s.kind, value=s.value) for s in wanted]

    def set_language(self, username: str, language: str) -> None:
        _check_language(language)
        with Session(self.people) as session, session.begin():
            _row(session, username).language = language

    # ------------------------------------------------------------------------------------------------ sign-in
    def sign_in(self, username: str, password: str, now: datetime, address: str = "") -> str | Refusal:
        """A token for the browser, or why not. The same work is done for a name that does not exist."""
        username = username.strip().casefold()[:64]
        address = address[:64]
        with Session(self.people) as session:
            if self._locked(session, username, address, now):
                return Refusal("locked")
            row = session.get(PersonRow, username)
            held, active = (row.password_hash, row.active) if row else (self._nobody, False)
        # The check is slow on purpose, so no database session is held open around it.
        if not self._turnstile.acquire(timeout=10):
            return Refusal("busy")
        try:
            fits = self._verify(held, password)
        finally:
            self._turnstile.release()
        with Session(self.people) as session, session.begin():
            if not (fits and active):
                session.add(FailureRow(at=now, username=username, address=address))
                return Refusal("wrong")
            self._sweep(session, username, now)
            token = secrets.token_urlsafe(32)
            session.add(SessionRow(id=session_id(token), username=username, created=now, last_seen=now))
            return token

    def who(self, token: str, now: datetime) -> Person | None:
        """The person a browser's token belongs to, or None: unknown, ended, or the account is switched off."""
        return self.of_session(session_id(token), now)

    def of_session(self, session_id: str, now: datetime) -> Person | None:
        """The same from the id of the sign-in. Reads the row each time and notes that the person was seen."""
        with Session(self.people) as session:
            held = session.get(SessionRow, session_id)
            if held is None or self._ended(held, now):
                return None
            row = session.get(PersonRow, held.username)
            if row is None or not row.active:
                return None
            person = _person(row)
            if now - held.last_seen > _SEEN_EVERY:
                held.last_seen = now
                session.commit()
            return person

    def sign_out(self, token: str) -> None:
        with Session(self.people) as session, session.begin():
            session.execute(delete(SessionRow).where(SessionRow.id == session_id(token)))

    def sign_out_everywhere(self, username: str) -> None:
        with Session(self.people) as session, session.begin():
            session.execute(delete(SessionRow).where(SessionRow.username == username.strip().casefold()))

    # ----------------------------------------------------------------------------------------------- in det
    def _ended(self, held: SessionRow, now: datetime) -> bool:
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


def _sqlite(connection: object, _record: object) -> None:
    """WAL lets people read while somebody writes; a writer who meets another waits instead of failing."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode = WAL", "busy_timeout = 10000", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


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
        raise RaksaError(f"There is no account {username}. See the list of people for the names there are.")
    return row


def _username(username: str) -> str:
    username = username.strip().casefold()
    if not _USERNAME.fullmatch(username):
        raise RaksaError(f"Account name {username!r} does not fit. Use 2 to 64 letters, digits, dots or dashes.")
    return username


def _check_password(username: str, password: str) -> None:
    if len(password) < LEAST_PASSWORD:
        raise RaksaError(
            f"The password has {len(password)} letters; it needs {LEAST_PASSWORD} or more. Use a sentence."
        )
    if len(password) > 200:
        raise RaksaError(f"The password has {len(password)} letters; 200 are the most. Use a shorter one.")
    if username in password.casefold():
        raise RaksaError("The password contains the account's name. Choose another one.")


def _check_language(language: str) -> None:
    if language not in LANGUAGES:
        raise RaksaError(f"Language {language!r} is unknown. Languages: {', '.join(LANGUAGES)}.")
