"""Accounts: signing in, staying in, being out. On SQLite and on PostgreSQL."""

import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from raksa.access import Person, Scope
from raksa.accounts import Accounts, FailureRow, PersonRow, Refusal, session_id
from raksa.audit import Base, Entry, entries, record
from raksa.demo import PASSWORD as DEMO_PASSWORD
from raksa.errors import RaksaError
from raksa.settings import Settings
from tests.cast import PASSWORD, SOMSRI

MORNING = datetime(2026, 6, 8, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def accounts(people_settings: Settings) -> Iterator[Accounts]:
    opened = Accounts.open(people_settings.model_copy(update={"session_idle_minutes": 60, "session_hours": 12}))
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


def test_the_database_holds_neither_the_password_nor_the_token(accounts: Accounts) -> None:
    token = signed_in(accounts)
    with accounts.people.connect() as connection:
        held = [connection.execute(table.select()).all() for table in Base.metadata.sorted_tables]
    assert session_id(token) in str(held)
    assert token not in str(held) and PASSWORD not in str(held)
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in str(held)


def test_the_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    Accounts.open(Settings(home=tmp_path)).close()
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
    accounts.give_password("somsri", "ข้าวหอมมะลิ 105", MORNING)
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
        ("noi", "น้อย", "short", "it needs 12 or more"),
        ("noi", "น้อย", "ยาว" * 43, "128 are the most"),
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


@pytest.mark.parametrize(
    "password",
    [
        "password1234",  # leaked elsewhere
        "Password12345!",  # … but for its capital
        "iloveyou2569",  # leaked words and a year
        "P@ssw0rd2569",
        "aaaaaaaaaaaa",
        "กขคงจฉชซฌญฎฏ",  # the alphabet
        "dfghjklkjhgfd",  # a row of keys
    ],
)
def test_what_is_tried_first_is_no_password(accounts: Accounts, password: str) -> None:
    with pytest.raises(RaksaError, match="tried first"):
        accounts.set_password("somsri", password)
    assert isinstance(accounts.sign_in("somsri", PASSWORD, MORNING), str), "the old one still holds"


@pytest.mark.parametrize("password", ["หมาของฉันชอบกินปลา", "my cat eats fish", DEMO_PASSWORD, "GAUOQHySCxe2"])
def test_a_short_sentence_or_what_raksa_gives_out_is_one(accounts: Accounts, password: str) -> None:
    accounts.set_password("somsri", password)
    assert isinstance(accounts.sign_in("somsri", password, MORNING), str)


def test_a_first_password_nobody_used_runs_out_after_two_weeks(accounts: Accounts) -> None:
    accounts.give_password("somsri", "ข้าวหอมมะลิ 105", MORNING)
    late = MORNING + timedelta(days=14, seconds=1)
    assert accounts.sign_in("somsri", "ข้าวหอมมะลิ 105", late) == Refusal("run_out")
    assert accounts.sign_in("somsri", "ข้าวหอมมะลิ 106", late) == Refusal("wrong")
    assert isinstance(accounts.sign_in("somsri", "ข้าวหอมมะลิ 105", late - MINUTE), str)
    accounts.set_password("somsri", "ข้าวเหนียวมะม่วง 9")
    assert isinstance(accounts.sign_in("somsri", "ข้าวเหนียวมะม่วง 9", late), str)


def test_a_password_chosen_before_this_was_asked_is_replaced_at_the_next_sign_in(accounts: Accounts) -> None:
    with Session(accounts.people) as session, session.begin():
        held = session.get(PersonRow, "somsri")
        assert held is not None
        held.password_hash = PasswordHasher().hash("password1234")
    token = accounts.sign_in("somsri", "password1234", MORNING)
    visitor = accounts.visitor(session_id(str(token)), MORNING)
    assert visitor is not None and visitor.due == "password"


def test_the_longest_password_is_looked_at_quickly(accounts: Accounts) -> None:
    began = time.perf_counter()
    accounts.set_password("somsri", secrets.token_urlsafe(96)[:128])
    assert time.perf_counter() - began < 3


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


def test_a_sign_in_is_listed_with_where_and_how_and_ended_by_its_owner_alone(accounts: Accounts) -> None:
    phone = accounts.sign_in("somsri", PASSWORD, MORNING, "10.0.0.1", "Chrome, Android")
    desk = accounts.sign_in("somsri", PASSWORD, MORNING + MINUTE, "10.0.0.2", "Edge, Windows")
    listed = accounts.sessions("somsri", MORNING + MINUTE)
    assert [(one.address, one.browser, one.door) for one in listed] == [
        ("10.0.0.2", "Edge, Windows", "password"),
        ("10.0.0.1", "Chrome, Android", "password"),
    ]
    lost = listed[1].id
    for who, which in (
        ("wichai", lost),
        ("somsri", lost[:11]),
        ("somsri", "%" * 12),
        ("somsri", lost[:12].upper() + "x"),
    ):
        assert not accounts.end_session(who, which)
    assert accounts.end_session("somsri", lost[:12]) and not accounts.end_session("somsri", lost[:12])
    assert (accounts.who(str(phone), MORNING), accounts.who(str(desk), MORNING)) == (None, SOMSRI)
    assert accounts.sessions("somsri", MORNING + 13 * 60 * MINUTE) == []


def test_a_new_role_comes_with_scopes_that_fit_it(accounts: Accounts) -> None:
    token = signed_in(accounts)
    accounts.set_role("somsri", "school", [Scope("school", "10000001")])
    seen = accounts.who(token, MORNING)
    assert seen is not None and (seen.role, seen.scopes) == ("school", (Scope("school", "10000001"),))
    with pytest.raises(RaksaError, match="takes no scope"):
        accounts.set_role("somsri", "admin", seen.scopes)
    with pytest.raises(RaksaError, match="Role 'owner' is unknown"):
        accounts.set_role("somsri", "owner", [])
    assert accounts.person("somsri") == seen


def test_a_lock_is_seen_and_can_be_lifted(accounts: Accounts) -> None:
    for n in range(5):
        assert accounts.locked_until("somsri", MORNING + n * MINUTE) is None
        accounts.sign_in("somsri", "not her password", MORNING + n * MINUTE)
    assert accounts.locked_until("Somsri", MORNING + 4 * MINUTE) == MORNING + 15 * MINUTE
    accounts.unlock("somsri")
    assert isinstance(accounts.sign_in("somsri", PASSWORD, MORNING + 5 * MINUTE), str)


def test_an_identity_providers_word_lets_in_whoever_has_an_account_that_is_on(accounts: Accounts) -> None:
    assert accounts.who(str(accounts.admit("Somsri", MORNING)), MORNING) == SOMSRI
    assert accounts.admit("nobody", MORNING) == Refusal("unknown")
    accounts.set_active("somsri", False)
    assert accounts.admit("somsri", MORNING) == Refusal("off")


def test_a_ticket_is_good_once_for_five_minutes_and_for_its_kind(accounts: Accounts) -> None:
    kept = {"state": "s", "nonce": "n"}
    one, two, three = (accounts.issue_ticket("oidc", kept, MORNING) for _ in range(3))
    assert accounts.take_ticket("oidc", one, MORNING + 5 * MINUTE) == kept
    assert accounts.take_ticket("oidc", one, MORNING) is None
    assert accounts.take_ticket("oidc", two, MORNING + 6 * MINUTE) is None
    assert accounts.take_ticket("second_factor", three, MORNING) is None


def test_readers_are_not_held_up_by_a_writer_nor_a_writer_by_a_reader(accounts: Accounts) -> None:
    token = signed_in(accounts)
    with accounts.people.connect() as writer, accounts.people.connect() as reader:
        reader.execute(text("SELECT count(*) FROM session")).scalar()
        writer.execute(text("UPDATE person SET name = 'half written'"))
        assert accounts.who(token, MORNING) == SOMSRI
        assert reader.execute(text("SELECT name FROM person")).scalar() == SOMSRI.name
        writer.commit()
    with accounts.people.connect() as reader:
        assert reader.execute(text("SELECT name FROM person")).scalar() == "half written"


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
    with pytest.raises(DatabaseError, match="only ever added to"), accounts.people.begin() as connection:
        connection.execute(text(statement))
    assert entries(accounts.people) == [line]
