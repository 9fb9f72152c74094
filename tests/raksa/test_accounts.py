"""Accounts: signing in, staying in, being out."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from raksa.access import Person, Scope
from raksa.accounts import Accounts, FailureRow, Refusal, session_id
from raksa.audit import Entry, entries, record
from raksa.errors import RaksaError
from raksa.settings import Settings
from tests.cast import PASSWORD, SOMSRI

MORNING = datetime(2026, 6, 8, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    opened = Accounts.open(Settings(home=tmp_path, session_idle_minutes=60, session_hours=12))
    opened.create_person(
        SOMSRI.username, SOMSRI.name, SOMSRI.role, SOMSRI.scopes, PASSWORD, MORNING, must_change_password=False
    )
    yield opened
    opened.close()


def signed_in(accounts: Accounts, now: datetime = MORNING) -> str:
    token = accounts.sign_in("somsri", PASSWORD, now)
    assert isinstance(token, str)
    return token


def test_somsri_signs_in_and_is_known_with_her_class(accounts: Accounts) -> None:
    assert accounts.who(signed_in(accounts), MORNING + MINUTE) == SOMSRI
    assert accounts.person("SOMSRI ") == SOMSRI
    assert isinstance(accounts.sign_in(" Somsri", PASSWORD, MORNING), str)


def test_a_wrong_password_a_wrong_name_and_a_switched_off_account_look_alike(accounts: Accounts) -> None:
    accounts.create_person("gone", "ลาออกแล้ว", "admin", [], PASSWORD, MORNING)
    accounts.set_active("gone", False)
    answers = [
        accounts.sign_in("somsri", "not her password", MORNING),
        accounts.sign_in("nobody", PASSWORD, MORNING),
        accounts.sign_in("gone", PASSWORD, MORNING),
    ]
    assert answers == [Refusal("wrong")] * 3


def test_the_database_holds_neither_the_password_nor_the_token(accounts: Accounts, tmp_path: Path) -> None:
    token = signed_in(accounts)
    with sqlite3.connect(tmp_path / "raksa.db") as copy:
        everything = "\n".join(copy.iterdump())
    copy.close()
    assert session_id(token) in everything
    assert token not in everything and PASSWORD not in everything
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in everything
    assert (tmp_path / "raksa.db").stat().st_mode & 0o077 == 0


def test_an_hour_without_a_click_ends_the_sign_in(accounts: Accounts) -> None:
    token = signed_in(accounts)
    assert accounts.who(token, MORNING + 59 * MINUTE) == SOMSRI  # a click: the hour begins again
    assert accounts.who(token, MORNING + 118 * MINUTE) == SOMSRI
    assert accounts.who(token, MORNING + 180 * MINUTE) is None


def test_twelve_hours_end_it_in_any_case(accounts: Accounts) -> None:
    token = signed_in(accounts)
    for minutes in range(30, 12 * 60 + 1, 30):
        assert accounts.who(token, MORNING + minutes * MINUTE) == SOMSRI
    assert accounts.who(token, MORNING + (12 * 60 + 1) * MINUTE) is None


def test_signing_out_ends_a_copied_token_too_but_not_the_other_device(accounts: Accounts) -> None:
    phone, desk = signed_in(accounts), signed_in(accounts)
    accounts.sign_out(phone)
    assert (accounts.who(phone, MORNING), accounts.who(desk, MORNING)) == (None, SOMSRI)
    accounts.sign_out_everywhere("somsri")
    assert accounts.who(desk, MORNING) is None


def test_the_row_is_read_at_every_click(accounts: Accounts) -> None:
    token = signed_in(accounts)
    accounts.set_scopes("somsri", [Scope("class", "10000001|ม.3|2"), *SOMSRI.scopes])
    accounts.set_language("somsri", "en")
    seen = accounts.who(token, MORNING)
    assert seen == Person("somsri", SOMSRI.name, "teacher", (*SOMSRI.scopes, Scope("class", "10000001|ม.3|2")), "en")
    accounts.set_active("somsri", False)
    assert accounts.who(token, MORNING) is None
    accounts.set_active("somsri", True)
    assert accounts.who(token, MORNING) is None, "switching it on again must not bring the old sign-in back"


def test_a_new_password_ends_every_sign_in_and_may_ask_for_another(accounts: Accounts) -> None:
    token = signed_in(accounts)
    accounts.set_password("somsri", "ข้าวหอมมะลิ 105", must_change_password=True)
    assert accounts.who(token, MORNING) is None
    assert accounts.sign_in("somsri", PASSWORD, MORNING) == Refusal("wrong")
    again = accounts.sign_in("somsri", "ข้าวหอมมะลิ 105", MORNING)
    seen = accounts.who(str(again), MORNING)
    assert seen is not None and seen.must_change_password


@pytest.mark.parametrize("name", ["somsri", "nobody"])
def test_five_wrong_passwords_lock_a_name_for_a_quarter_of_an_hour(accounts: Accounts, name: str) -> None:
    tries = [accounts.sign_in(name, f"guess number {n}", MORNING + n * MINUTE) for n in range(7)]
    assert tries == [Refusal("wrong")] * 5 + [Refusal("locked")] * 2
    assert accounts.sign_in(name, PASSWORD, MORNING + 10 * MINUTE) == Refusal("locked")
    later = accounts.sign_in(name, PASSWORD, MORNING + 21 * MINUTE)
    assert (later == Refusal("wrong")) == (name == "nobody")


def test_one_address_that_tries_fifty_names_is_locked_and_others_are_not(accounts: Accounts) -> None:
    guesses = [FailureRow(at=MORNING, username=f"guess{n}", address="203.0.113.7") for n in range(50)]
    with Session(accounts.people) as session, session.begin():
        session.add_all(guesses)
    assert accounts.sign_in("somsri", PASSWORD, MORNING, "203.0.113.7") == Refusal("locked")
    assert isinstance(accounts.sign_in("somsri", PASSWORD, MORNING, "203.0.113.8"), str)


@pytest.mark.parametrize(
    ("username", "name", "password", "said"),
    [
        ("somsri", "อีกคน", PASSWORD, "There is an account somsri already"),
        ("a b", "อีกคน", PASSWORD, "does not fit"),
        ("noi", " ", PASSWORD, "has no name"),
        ("noi", "น้อย", "short", "it needs 10 or more"),
        ("noi", "น้อย", "this is noi's secret", "contains the account's name"),
    ],
)
def test_what_does_not_fit_is_said_and_not_written(
    accounts: Accounts, username: str, name: str, password: str, said: str
) -> None:
    with pytest.raises(RaksaError) as error:
        accounts.create_person(username, name, "admin", [], password, MORNING)
    assert said in str(error.value)
    assert accounts.everyone() == [SOMSRI]


def test_nobody_can_be_changed_who_is_not_there(accounts: Accounts) -> None:
    with pytest.raises(RaksaError, match="There is no account mali"):
        accounts.set_active("mali", False)


def test_a_database_that_cannot_be_opened_says_how_to_write_its_address(tmp_path: Path) -> None:
    with pytest.raises(RaksaError, match=r"postgresql\+psycopg://"):
        Accounts.open(Settings(home=tmp_path, database_url="no address"))


def test_an_account_switched_off_in_the_database_itself_is_out_at_once(accounts: Accounts) -> None:
    token = signed_in(accounts)
    with accounts.people.begin() as connection:
        connection.execute(text("UPDATE person SET active = false"))
    assert accounts.who(token, MORNING) is None


def test_readers_are_not_held_up_by_a_writer_nor_a_writer_by_a_reader(accounts: Accounts) -> None:
    token = signed_in(accounts)
    with accounts.people.connect() as writer, accounts.people.connect() as reader:
        reader.exec_driver_sql("BEGIN")  # from its first reading on it keeps its view until the end
        assert reader.execute(text("SELECT count(*) FROM person")).scalar() == 1
        writer.execute(text("UPDATE person SET name = 'half written'"))
        assert accounts.who(token, MORNING) == SOMSRI
        writer.commit()
        assert reader.execute(text("SELECT name FROM person")).scalar() == SOMSRI.name


# ------------------------------------------------------------------------------------------------------ audit
def test_the_log_tells_who_opened_malis_page_and_by_what_right(accounts: Accounts) -> None:
    first = Entry(MORNING, "somsri", "read_child", 101, "run 1", "homeroom", "10.0.0.1")
    second = Entry(MORNING + MINUTE, "kamol", "read_list", None, "school=10000001", "area")
    record(accounts.people, first)
    record(accounts.people, second)
    assert entries(accounts.people) == [second, first]
    assert entries(accounts.people, learner_id=101) == [first]
    assert entries(accounts.people, who="kamol", last=1) == [second]


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit"])
def test_the_log_cannot_be_rewritten(accounts: Accounts, statement: str) -> None:
    line = Entry(MORNING, "somsri", "read_child", 101)
    record(accounts.people, line)
    with pytest.raises(IntegrityError, match="only ever added to"), accounts.people.begin() as connection:
        connection.execute(text(statement))
    assert entries(accounts.people) == [line]
