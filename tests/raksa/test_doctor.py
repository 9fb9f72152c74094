"""`raksa doctor` about the people: which database, whether it answers, whether the second lock and the key stand."""

from datetime import UTC, datetime
from pathlib import Path

import pyotp
from sqlalchemy import create_engine, text

from raksa.accounts import Accounts
from raksa.doctor import examine_people
from raksa.people import open_people
from raksa.settings import Settings
from tests.cast import PASSWORD, SOMSRI
from tests.people_database import APP, Postgres

NOW = datetime(2026, 6, 8, 1, 0, tzinfo=UTC)


def test_before_the_first_account_nothing_is_made(tmp_path: Path) -> None:
    found = examine_people(Settings(home=tmp_path))
    assert "SQLite" in found.lines[0] and "none yet" in found.lines[0] and not found.wrong
    assert list(tmp_path.iterdir()) == []


def test_it_says_which_database_answers_and_whether_the_second_lock_stands(people_settings: Settings) -> None:
    accounts = Accounts.open(people_settings)
    accounts.create_person("somsri", SOMSRI.name, "teacher", SOMSRI.scopes, PASSWORD, NOW)
    accounts.close()
    found = examine_people(people_settings)
    assert not found.wrong and "answers; accounts 1, switched on 1" in found.lines[0]
    assert ("SQLite has none" if not people_settings.database_url else "stands, on ") in found.lines[1]


def test_a_table_without_the_lock_and_an_account_that_is_never_asked_are_found(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.new_database()
    settings = Settings(home=tmp_path, database_url=url.render_as_string())
    people = open_people(settings)
    with people.begin() as connection:
        connection.execute(text("ALTER TABLE contact NO FORCE ROW LEVEL SECURITY"))
    people.dispose()
    found = examine_people(settings)
    assert found.wrong and "not on contact." in found.lines[1]
    root = create_engine(postgres.url("postgres", "postgres"), isolation_level="AUTOCOMMIT")
    with root.connect() as connection:
        connection.exec_driver_sql(f"ALTER ROLE {APP} BYPASSRLS")
        try:
            assert "NOBYPASSRLS" in examine_people(settings).lines[1]
        finally:
            connection.exec_driver_sql(f"ALTER ROLE {APP} NOBYPASSRLS")
    root.dispose()
    postgres.drop(url)


def test_a_database_that_does_not_answer_is_said_without_its_password(tmp_path: Path) -> None:
    url = "postgresql+psycopg://raksa:geheim@127.0.0.1:9/people"
    found = examine_people(Settings(home=tmp_path, database_url=url))
    assert found.wrong and "does not answer" in found.lines[0] and "geheim" not in found.lines[0]


def test_a_key_that_is_gone_is_said(tmp_path: Path) -> None:
    accounts = Accounts.open(Settings(home=tmp_path))
    accounts.create_person("somsri", SOMSRI.name, "teacher", SOMSRI.scopes, PASSWORD, NOW)
    app = pyotp.TOTP(accounts.begin_second_factor("somsri"))
    assert accounts.confirm_second_factor("somsri", app.at(NOW), NOW)
    accounts.close()
    assert examine_people(Settings(home=tmp_path)).lines[2] == f"Second factors: 1, key: {tmp_path / 'people.key'}"
    (tmp_path / "people.key").unlink()
    found = examine_people(Settings(home=tmp_path))
    assert found.wrong and "does not open 1 of them" in found.lines[3]
    (tmp_path / "people.key").write_text("no key")
    found = examine_people(Settings(home=tmp_path))
    assert found.wrong and "holds no key" in found.lines[3]
