"""The people database: who signs in, what was done for a child, what is set, and the log. SQLite or PostgreSQL.

It is `raksa.db` in the data folder (SQLite, WAL) or what `database_url` names. Opening it brings its tables up to date
with the migrations in raksa/migrations, under a lock, so that of four server processes started together one migrates.

    people = open_people(settings)
    with scoped(people, somsri) as session:      # one transaction, in which only her children's rows can be read
        session.scalars(select(ContactRow).where(seen_by(somsri)))

Rows of children stand behind two locks. The first is `seen_by`: the WHERE of raksa.access, in each query. The second is
PostgreSQL's row-level security, which `scoped` tells who is asking: a query that forgot the first still reads nothing
of other people's children. SQLite has no such thing; there the first stands alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock
from sqlalchemy import URL, Connection, Engine, QueuePool, TextClause, create_engine, event, inspect, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection

from raksa import access
from raksa.access import Person
from raksa.errors import RaksaError
from raksa.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = files("raksa") / "migrations"
_BEFORE_MIGRATIONS = "0001"  # tables made before there were migrations are those of the first
_LOCK = 0x5261_6B73_61  # number of PostgreSQL's advisory lock: "Raksa"
_NOT_ALLOWED = "42501"  # PostgreSQL's insufficient_privilege
_WAIT = 10  # seconds a writer waits for another, and a program for a server that says nothing
# The machine of the server is gone without a word (power, cable): known after some 20 seconds, by itself after hours.
_GONE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 20_000}


class PeopleAway(RaksaError):
    """The people database does not answer. Nothing was written by the call that raised it; another may work."""


def open_people(settings: Settings) -> Engine:
    """The people database, open and its tables up to date; made if it is not there.

    Every use of the engine raises PeopleAway while the database does not answer, and works again by itself afterwards.
    Raises RaksaError if `database_url` is none, its driver is not installed, or a newer Raksa made the tables.
    """
    return open_database(settings.database_url or file_in(settings.home))


def file_in(home: Path) -> URL:
    """Address of the people database in a data folder, where `database_url` names no other."""
    return URL.create("sqlite", database=str(home / "raksa.db"))


def open_database(address: str | URL) -> Engine:
    """The people database at an address; as `open_people`."""
    try:
        url = make_url(address)
        people = create_engine(url, **_options(url))
    except ArgumentError as wrong:
        raise RaksaError(
            f"Setting database_url cannot be used ({wrong}). "
            "Write it as postgresql+psycopg://user:password@host/name, or leave it empty for SQLite."
        ) from None
    except ModuleNotFoundError as wrong:
        raise RaksaError(
            f"Setting database_url needs the package {wrong.name}, which is not installed. "
            "For PostgreSQL write postgresql+psycopg://… and install raksa[postgresql]; leave it empty for SQLite."
        ) from None
    event.listen(people, "handle_error", _away)
    if people.dialect.name == "sqlite":
        event.listen(people, "connect", _sqlite)
    try:
        _bring_up_to_date(people)
    except BaseException as wrong:
        people.dispose()
        if isinstance(wrong, ProgrammingError) and getattr(wrong.orig, "sqlstate", "") == _NOT_ALLOWED:
            raise RaksaError(
                f"The account {url.username} may not make tables in the people database {url.database} ({wrong.orig}). "
                f"Make it the owner: ALTER DATABASE {url.database} OWNER TO {url.username}."
            ) from None
        raise
    return people


@contextmanager
def scoped(
    people: Engine, person: Person | None, *, writing: bool = False, counting: bool = False, learner: int | None = None
) -> Iterator[Session]:
    """One transaction in which, on PostgreSQL, only rows of the person's learners exist; None is the operator.

    `counting` also opens the areas a person may only see counted. `learner` opens all rows of one child, wherever she
    stood when they were written: give it only after raksa.access has said yes to where she stands now. `writing` says
    that rows will be changed (SQLite then waits for other writers at the start, where waiting is safe).
    """
    with Session(people) as session, session.begin():
        if people.dialect.name == "postgresql":
            session.execute(_SAY_WHO, _who_asks(person, counting, learner))
        else:
            session.connection().exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
        yield session


def as_operator(connection: Connection) -> None:
    """Open the second lock until the end of the transaction: for migrations, backup and restore, nothing else."""
    if connection.dialect.name == "postgresql":
        connection.execute(_SAY_WHO, _who_asks(None, False, None))


def seen_by(person: Person | None, *, counting: bool = False) -> TextClause:
    """The condition of raksa.access, for a query over a table with columns school_id, area_id, grade and room."""
    condition, values = access.where_counts(person) if counting else access.where(person)
    names = [f"scope_{n}" for n in range(len(values))]
    if values and "grade" in condition:  # classes: name their schools too, so that an index leads to them
        schools = ", ".join(f":{name}_school" for name in names)
        condition = f"(school_id IN ({schools}) AND {condition})"
    for name in names:
        condition = condition.replace("?", f":{name}", 1)
    bound = dict(zip(names, values, strict=True))
    if values and "grade" in condition:
        bound |= {f"{name}_school": value.partition("|")[0] for name, value in bound.items()}
    return text(condition).bindparams(**bound)


def second_lock(people: Engine) -> bool:
    """Whether row-level security holds for the account this engine uses: not on SQLite, nor for a superuser."""
    if people.dialect.name != "postgresql":
        return False
    with people.connect() as connection:
        skips = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        return not connection.execute(text(skips)).scalar_one()


_SAY_WHO = text(
    "SELECT set_config('raksa.role', :role, true), set_config('raksa.scopes', :scopes, true),"
    " set_config('raksa.learner', :learner, true)"
)


def _who_asks(person: Person | None, counting: bool, learner: int | None) -> dict[str, str]:
    """What the policies of migration 0002 read. Gone with the transaction, so that a pooled connection forgets it."""
    if person is None:
        role = "operator"
    elif counting and person.role == "province" and person.active:
        role = "counts"
    else:  # only roles that open children; no account may call itself "operator" or "counts"
        role = person.role if access.sees_learners(person) else ""
    scopes = () if person is None else person.scopes
    return {
        "role": role,
        "scopes": "\n".join(f"{one.kind}:{one.value}" for one in scopes if "\n" not in one.value),
        "learner": "" if learner is None else str(learner),
    }


# ------------------------------------------------------------------------------------------------------------ opening
class _Pool(QueuePool):
    """Fifteen connections a process. Who waits for one in vain meets a database that does not answer, like whoever
    holds one: a server that was frozen, or whose machine is gone, lets everybody wait."""

    def connect(self) -> PoolProxiedConnection:
        try:
            return super().connect()
        except NoneFree:
            raise PeopleAway(
                f"The people database does not answer (no connection came free in {_WAIT} seconds). "
                "Look at its server, then try again."
            ) from None


def _options(url: URL) -> dict[str, object]:
    waits = {"poolclass": _Pool, "pool_timeout": _WAIT}
    if url.get_backend_name() == "sqlite":
        return waits | {"connect_args": {"timeout": _WAIT}}
    driver = {"connect_timeout": _WAIT, **_GONE} if url.get_driver_name() == "psycopg" else {}
    # A connection is tried before it is used: after the server was away, work goes on by itself.
    return waits | {"pool_pre_ping": True, "connect_args": driver}


def _sqlite(connection: object, _record: object) -> None:
    """WAL lets people read while somebody writes; a writer who meets another waits instead of failing. Without
    recursive triggers an INSERT OR REPLACE would change a line of the log unseen by the trigger that refuses it."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    wanted = (f"busy_timeout = {_WAIT * 1000}", "journal_mode = WAL", "foreign_keys = ON", "recursive_triggers = ON")
    for pragma in wanted:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _away(context: ExceptionContext) -> None:
    """Say in a sentence that the database does not answer; any other error stays what it is."""
    wrong, engine = context.original_exception, context.engine
    of_the_database = isinstance(context.sqlalchemy_exception, OperationalError | InterfaceError)
    if context.is_pre_ping or engine is None or not of_the_database:
        return
    if engine.dialect.name == "sqlite":
        # Not a fault in a statement (SQLITE_ERROR), but the file: locked too long, full, gone, not writable.
        if getattr(wrong, "sqlite_errorname", "SQLITE_ERROR") == "SQLITE_ERROR":
            return
        where, do = engine.url.database, "Look at the file, its disk and its owner, then try again"
    elif context.is_disconnect or context.connection is None:
        where, do = engine.url.host or "this machine", "Start it, or correct database_url, then try again"
    else:
        return
    # The first line says what happened; the password is not in it, and is taken out in case it ever were.
    said = (str(wrong).strip().splitlines() or ["no word"])[0].replace(str(engine.url.password or "\0"), "…")
    raise PeopleAway(f"The people database at {where} does not answer ({said}). {do}.") from wrong


def _bring_up_to_date(people: Engine) -> None:
    if people.dialect.name == "sqlite":
        file = Path(people.url.database or "")
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.parent / f".{file.name}.lock", timeout=60):
            file.touch(mode=0o600)
            file.chmod(0o600)  # also one that was there; what SQLite writes beside it takes after it
            # One transaction, begun by hand: Python's driver would commit each CREATE TABLE by itself.
            with people.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                _migrate(connection)
                connection.commit()
    else:
        with people.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            as_operator(connection)  # a migration may have to change children's rows
            _migrate(connection)


def _migrate(connection: Connection) -> None:
    tables, known = inspect(connection).get_table_names(), revisions()
    held = None
    if "alembic_version" in tables:
        held = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if held == known[-1]:
            return
        if held not in known:
            raise RaksaError(
                f"The people database was made by a newer Raksa (its tables are at {held}, this program knows "
                f"{known[-1]}). Install that version, or restore a backup made with this one."
            )
    from alembic import command  # a third of a second, which only a migration is worth

    config = configuration()
    config.attributes["connection"] = connection
    if held is None and "audit" in tables:
        command.stamp(config, _BEFORE_MIGRATIONS)
    command.upgrade(config, "head")


def revisions() -> list[str]:
    """The migrations there are, oldest first: the four digits their files' names begin with."""
    return sorted(f.name[:4] for f in (_MIGRATIONS / "versions").iterdir() if f.name[:4].isdigit())


def configuration() -> Config:
    """What Alembic needs to know of them."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
