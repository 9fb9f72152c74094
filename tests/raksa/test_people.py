"""The people database: made, brought up to date and kept apart, on SQLite and on PostgreSQL."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.exc import ProgrammingError

import care.cases
import care.messages
import care.opinions
import care.visits  # noqa: F401
import raksa.accounts  # noqa: F401 - its tables belong to what is compared
from care.contacts import ContactRow, Place, change, write
from raksa import access
from raksa.access import Person, Scope
from raksa.audit import Base, Entry, record
from raksa.errors import RaksaError
from raksa.people import PeopleAway, configuration, open_people, revisions, scoped, second_lock, seen_by
from raksa.school_settings import put
from raksa.settings import Settings
from tests.cast import (
    ADMIN,
    ADULTS,
    BAIBUA,
    CHILDREN,
    KAMOL,
    KONG,
    MALI,
    NUNG,
    PIM,
    RUNG,
    SCHOOLS,
    SOMSRI,
    WICHAI,
    Learner,
)
from tests.people_database import Postgres

NOW = datetime(2026, 6, 8, 1, 0, tzinfo=UTC)
# The tables as they were made before there were migrations, written down from such a database.
BEFORE = """
CREATE TABLE person (username VARCHAR(64) NOT NULL, name VARCHAR(200) NOT NULL, role VARCHAR(20) NOT NULL,
    language VARCHAR(2) NOT NULL, active BOOLEAN NOT NULL, password_hash VARCHAR(200) NOT NULL,
    must_change_password BOOLEAN NOT NULL, created {moment} NOT NULL, PRIMARY KEY (username));
CREATE TABLE scope (username VARCHAR(64) NOT NULL, kind VARCHAR(10) NOT NULL, value VARCHAR(80) NOT NULL,
    PRIMARY KEY (username, kind, value), FOREIGN KEY(username) REFERENCES person (username) ON DELETE CASCADE);
CREATE TABLE session (id VARCHAR(64) NOT NULL, username VARCHAR(64) NOT NULL, created {moment} NOT NULL,
    last_seen {moment} NOT NULL, PRIMARY KEY (id),
    FOREIGN KEY(username) REFERENCES person (username) ON DELETE CASCADE);
CREATE INDEX ix_session_username ON session (username);
CREATE TABLE sign_in_failure (id {serial} NOT NULL, at {moment} NOT NULL, username VARCHAR(64) NOT NULL,
    address VARCHAR(64) NOT NULL, PRIMARY KEY (id));
CREATE INDEX ix_sign_in_failure_username ON sign_in_failure (username);
CREATE INDEX ix_sign_in_failure_at ON sign_in_failure (at);
CREATE TABLE audit (id {serial} NOT NULL, at {moment} NOT NULL, who VARCHAR(64) NOT NULL, what VARCHAR(40) NOT NULL,
    learner_id BIGINT, about TEXT NOT NULL, reason VARCHAR(80) NOT NULL, address VARCHAR(64) NOT NULL,
    PRIMARY KEY (id));
CREATE INDEX ix_audit_who ON audit (who);
CREATE INDEX ix_audit_at ON audit (at);
CREATE INDEX ix_audit_learner_id ON audit (learner_id);
INSERT INTO person VALUES ('somsri', 'สมศรี ใจงาม', 'teacher', 'th', true, 'hash', false, '2026-06-01 01:00:00');
INSERT INTO scope VALUES ('somsri', 'class', '10000001|ม.3|1');
INSERT INTO audit (at, who, what, learner_id, about, reason, address)
    VALUES ('2026-06-02 01:00:00', 'somsri', 'read_child', 101, 'run 1', 'homeroom', '10.0.0.1')
"""


def as_before_migrations(settings: Settings) -> None:
    """A database of the time before migrations, with somsri in it and one line in the log."""
    url = settings.database_url or f"sqlite:///{settings.home}/raksa.db"
    engine = create_engine(url)
    serial, moment = ("INTEGER", "DATETIME") if engine.dialect.name == "sqlite" else ("SERIAL", "TIMESTAMP")
    with engine.begin() as connection:
        for statement in BEFORE.format(serial=serial, moment=moment).split(";"):
            connection.exec_driver_sql(statement)
    engine.dispose()


def differences(people: Engine) -> list[object]:
    with people.connect() as connection:
        # What a column says by itself when a row does not is left to migrations: it is for rows that were there before.
        options = {"compare_server_default": False}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))


def test_what_the_migrations_make_is_what_the_program_expects(people: Engine) -> None:
    assert differences(people) == []
    with people.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE contact DROP COLUMN restricted")
    assert len(differences(people)) == 1, "a difference must be seen"


def test_the_newest_migration_is_the_one_alembic_knows() -> None:
    scripts = ScriptDirectory.from_config(configuration())
    assert [script.revision for script in reversed(list(scripts.walk_revisions()))] == revisions()


def test_every_table_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "people.md").read_text(encoding="utf-8")
    assert [name for name in Base.metadata.tables if f"`{name}`" not in page] == []


def test_a_database_from_before_migrations_keeps_every_row(people_settings: Settings) -> None:
    as_before_migrations(people_settings)
    people = open_people(people_settings)
    assert differences(people) == []
    with people.connect() as connection:
        person = connection.execute(text("SELECT username, name, role, active FROM person")).one()
        scope = connection.execute(text("SELECT * FROM scope")).one()
        line = connection.execute(text("SELECT who, learner_id, reason FROM audit")).one()
    assert (*person, *scope, *line) == (
        *("somsri", "สมศรี ใจงาม", "teacher", True),
        *("somsri", "class", "10000001|ม.3|1"),
        *("somsri", 101, "homeroom"),
    )
    people.dispose()


def test_a_database_newer_than_the_program_is_refused(people_settings: Settings) -> None:
    people = open_people(people_settings)
    with people.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    people.dispose()
    with pytest.raises(RaksaError, match=r"made by a newer Raksa \(its tables are at 9999"):
        open_people(people_settings)


def test_a_migration_that_fails_leaves_nothing_behind(people_settings: Settings) -> None:
    as_before_migrations(people_settings)
    url = people_settings.database_url or f"sqlite:///{people_settings.home}/raksa.db"
    other = create_engine(url)
    with other.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE school_setting (id INTEGER)")  # in the way of migration 0002
    with pytest.raises(Exception, match="school_setting"):
        open_people(people_settings)
    with other.begin() as connection:
        connection.exec_driver_sql("DROP TABLE school_setting")
    other.dispose()
    people = open_people(people_settings)  # would find half a migration
    assert differences(people) == []
    people.dispose()


def test_four_servers_started_together_make_one_database(people_settings: Settings) -> None:
    as_before_migrations(people_settings)
    code = "from raksa.settings import load; from raksa.people import open_people; open_people(load()).dispose()"
    environment = os.environ | {
        "RAKSA_HOME": str(people_settings.home),
        "RAKSA_DATABASE_URL": people_settings.database_url,
    }
    started = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE) for _ in range(4)
    ]
    said = [(process.communicate()[1].decode(), process.returncode) for process in started]
    assert said == [("", 0)] * 4
    people = open_people(people_settings)
    assert differences(people) == []
    people.dispose()


def test_the_file_is_its_owners_alone_and_readers_are_not_held_up(tmp_path: Path) -> None:
    people = open_people(Settings(home=tmp_path / "new" / "home"))
    with people.connect() as connection:
        held = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "foreign_keys")]
    assert held == ["wal", 1]
    files = {f.name: f.stat().st_mode & 0o077 for f in (tmp_path / "new" / "home").glob("raksa.db*")}
    assert files == {"raksa.db": 0, "raksa.db-shm": 0, "raksa.db-wal": 0}
    people.dispose()


@pytest.mark.parametrize("table", ["audit", "contact_version", "school_setting"])
def test_what_only_grows_is_not_rewritten_by_a_back_door(people: Engine, table: str) -> None:
    record(people, Entry(NOW, "somsri", "read_child", 101))
    put(people, None, "", "in_month", 8, "ทั้งเขต", NOW)
    seen = write(people, None, place_of(MALI), on=date(2026, 6, 1), kind="visit", text="ไปเยี่ยมบ้าน", now=NOW)
    change(people, None, seen.id, 1, text="ไปเยี่ยมบ้านมาแล้ว", now=NOW)
    door = "TRUNCATE" if people.dialect.name == "postgresql" else f"INSERT OR REPLACE INTO {table} SELECT * FROM"
    with pytest.raises(Exception, match="only ever added"), scoped(people, None, writing=True) as session:
        session.execute(text(f"{door} {table}"))


# ------------------------------------------------------------------------------------------------------------- away
def test_a_server_that_is_not_there_is_told_in_a_sentence_without_its_password(tmp_path: Path) -> None:
    url = "postgresql+psycopg://raksa:ความลับ-2569@127.0.0.1:9/people"
    with pytest.raises(PeopleAway) as error:
        open_people(Settings(home=tmp_path, database_url=url))
    assert str(error.value).startswith("The people database at 127.0.0.1 does not answer (")
    assert "Start it, or correct database_url" in str(error.value)
    assert "ความลับ" not in str(error.value) and error.value.__cause__ is not None


def test_an_account_that_may_not_make_tables_is_told_what_to_do(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.new_database()
    as_superuser = create_engine(url.set(username="postgres"))
    with as_superuser.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE guest LOGIN")
    as_superuser.dispose()
    with pytest.raises(RaksaError) as error:
        open_people(Settings(home=tmp_path, database_url=url.set(username="guest").render_as_string()))
    assert "may not make tables" in str(error.value)
    assert f"ALTER DATABASE {url.database} OWNER TO guest" in str(error.value)


def test_a_driver_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RaksaError, match=r"needs the package MySQLdb, .* install raksa\[postgresql\]"):
        open_people(Settings(home=tmp_path, database_url="mysql://raksa@127.0.0.1/people"))


def test_a_file_locked_for_too_long_is_told_in_a_sentence(tmp_path: Path) -> None:
    people = open_people(Settings(home=tmp_path))
    with sqlite3.connect(tmp_path / "raksa.db") as greedy, people.connect() as connection:
        greedy.execute("BEGIN IMMEDIATE")
        connection.exec_driver_sql("PRAGMA busy_timeout = 50")
        with pytest.raises(PeopleAway, match=r"does not answer \(database is locked\)\. Look at the file"):
            connection.exec_driver_sql("UPDATE person SET active = false")
        greedy.rollback()
    greedy.close()
    people.dispose()


def test_a_fault_in_a_statement_stays_a_fault(people: Engine) -> None:
    with pytest.raises(Exception, match="no_such_table") as error, people.connect() as connection:
        connection.exec_driver_sql("SELECT * FROM no_such_table")
    assert not isinstance(error.value, RaksaError)


# -------------------------------------------------------------------------------------------------------- two locks
EVERYBODY: tuple[Person | None, ...] = (
    *ADULTS,
    None,
    Person("off", "ลาออกแล้ว", "school", WICHAI.scopes, active=False),
    Person("new", "ยังไม่ได้มอบหมาย", "teacher"),
    Person("ministry", "กระทรวง", "province", (Scope("area", "*"),)),
    Person("noi", "น้อย", "teacher", (Scope("class", "10000002|ป.6|"), Scope("class", "10000001|ม.3|2"))),
    # Made up to open more than they may: roles that mean something to the second lock, a scope of two lines.
    Person("sly", "ลองของ", "operator"),
    Person("slier", "ลองอีกที", "counts", (Scope("area", "*"), Scope("area", "2401"))),
    Person("sliest", "ลองครั้งสุดท้าย", "school", (Scope("school", "x\nschool:10000001"),)),
)
EVERY_ROW = text("SELECT learner_id FROM contact")


def place_of(child: Learner) -> Place:
    return Place(child.learner_id, child.school_id, SCHOOLS[child.school_id][1], child.grade, child.room or None)


def allowed(person: Person | None) -> set[int]:
    """Asked child by child: what both locks must agree with."""
    places = [place_of(child) for child in CHILDREN]
    return {p.learner_id for p in places if access.decide(person, p.school_id, p.area_id, p.grade, p.room).allowed}


def visit_everybody(people: Engine) -> None:
    for child in CHILDREN:
        write(people, None, place_of(child), on=date(2026, 6, 1), kind="visit", text="ไปเยี่ยมบ้าน", now=NOW)


def test_the_first_lock_opens_for_whom_the_rules_say_and_nobody_else(people: Engine) -> None:
    visit_everybody(people)
    with scoped(people, None) as session:  # the second lock is wide open
        found = {p: set(session.scalars(select(ContactRow.learner_id).where(seen_by(p)))) for p in EVERYBODY}
    assert found == {p: allowed(p) for p in EVERYBODY}
    assert found[SOMSRI] == {MALI.learner_id, KONG.learner_id, NUNG.learner_id}


@pytest.fixture
def on_postgres(postgres: Postgres, tmp_path: Path) -> Iterator[Engine]:
    """A PostgreSQL with every child of the cast visited once, opened as the program opens it."""
    people = open_people(Settings(home=tmp_path, database_url=postgres.new_database().render_as_string()))
    visit_everybody(people)
    yield people
    people.dispose()


def test_the_second_lock_holds_where_a_query_forgot_the_first(on_postgres: Engine) -> None:
    found = {}
    for person in EVERYBODY:
        with scoped(on_postgres, person) as session:
            found[person] = set(session.scalars(EVERY_ROW))
    assert found == {person: allowed(person) for person in EVERYBODY}


def test_who_has_not_said_who_asks_reads_nothing_nor_does_the_next_on_the_connection(on_postgres: Engine) -> None:
    with on_postgres.connect() as connection:
        assert connection.execute(EVERY_ROW).all() == []
    with scoped(on_postgres, KAMOL) as session:
        assert len(session.scalars(EVERY_ROW).all()) == 6
    with on_postgres.connect() as connection:  # the pool hands out the same connection again
        assert connection.execute(EVERY_ROW).all() == []


def test_pim_of_the_province_counts_children_she_may_not_read(on_postgres: Engine) -> None:
    with scoped(on_postgres, PIM) as session:
        assert session.scalars(EVERY_ROW).all() == []
    with scoped(on_postgres, PIM, counting=True) as session:
        assert len(session.scalars(EVERY_ROW).all()) == len(CHILDREN)
    for person in (RUNG, ADMIN):
        with scoped(on_postgres, person, counting=True) as session:
            assert session.scalars(EVERY_ROW).all() == []


def test_somsri_can_neither_change_nor_remove_nor_give_away_a_row_past_her_class(on_postgres: Engine) -> None:
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        scoped(on_postgres, SOMSRI, writing=True) as session,
    ):
        session.execute(text("UPDATE contact SET room = '2' WHERE learner_id = :mali"), {"mali": MALI.learner_id})
    baibua = {"baibua": BAIBUA.learner_id}
    with scoped(on_postgres, SOMSRI, writing=True) as session:
        session.execute(text("UPDATE contact SET text = 'x' WHERE learner_id = :baibua"), baibua)
        session.execute(text("DELETE FROM contact WHERE learner_id = :baibua"), baibua)
    with scoped(on_postgres, None) as session:
        said = session.scalars(text("SELECT text FROM contact WHERE learner_id = :baibua"), baibua)
        assert said.all() == ["ไปเยี่ยมบ้าน"]


def test_a_superuser_is_behind_no_second_lock_which_can_be_asked(on_postgres: Engine, postgres: Postgres) -> None:
    as_superuser = create_engine(postgres.url(str(on_postgres.url.database), "postgres"))
    with as_superuser.connect() as connection:
        assert len(connection.execute(EVERY_ROW).all()) == len(CHILDREN)
    assert (second_lock(as_superuser), second_lock(on_postgres)) == (False, True)
    as_superuser.dispose()
