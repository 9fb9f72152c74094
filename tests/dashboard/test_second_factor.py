"""The second factor, on both engines: somsri turns it on, signs in with it, loses her phone; what a thief meets."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pyotp
import pytest
from cryptography.fernet import Fernet
from served import Server, post_login, serving
from sqlalchemy import text

from dashboard import forms
from raksa.accounts import Accounts, Refusal, Ticket, session_id
from raksa.audit import Base
from raksa.errors import RaksaError
from raksa.settings import Settings
from tests.cast import PASSWORD, SOMSRI

MORNING = datetime(2026, 6, 8, 1, 0, tzinfo=UTC)
HALF_MINUTE, MINUTE = timedelta(seconds=30), timedelta(minutes=1)


@pytest.fixture
def accounts(people_settings: Settings) -> Iterator[Accounts]:
    opened = Accounts.open(people_settings)
    opened.create_person("somsri", SOMSRI.name, "teacher", SOMSRI.scopes, PASSWORD, MORNING, must_change_password=False)
    yield opened
    opened.close()


def turned_on(accounts: Accounts) -> tuple[pyotp.TOTP, tuple[str, ...]]:
    """Somsri's app and her recovery codes; the code of the morning is spent."""
    app = pyotp.TOTP(accounts.begin_second_factor("somsri"))
    codes = accounts.confirm_second_factor("somsri", app.at(MORNING), MORNING)
    assert codes is not None
    return app, codes


def ticket(accounts: Accounts, now: datetime = MORNING) -> str:
    outcome = accounts.sign_in("somsri", PASSWORD, now)
    assert isinstance(outcome, Ticket)
    return outcome.value


def enter(accounts: Accounts, held: str, code: str, now: datetime) -> str | Refusal:
    return accounts.enter_code(held, code, now)[0]


def test_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B: this secret shows 94287082 at 59 s, of which six digits are asked."""
    app = pyotp.TOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    assert app.at(59) == "287082"


def test_a_secret_counts_from_its_first_right_code_on(accounts: Accounts) -> None:
    secret = accounts.begin_second_factor("somsri")
    assert isinstance(accounts.sign_in("somsri", PASSWORD, MORNING), str), "begun is not on"
    assert accounts.confirm_second_factor("somsri", "000000", MORNING) is None
    assert accounts.confirm_second_factor("somsri", pyotp.TOTP(secret).at(MORNING), MORNING) is not None
    assert isinstance(accounts.sign_in("somsri", PASSWORD, MORNING), Ticket)


# ------------------------------------------------------------------------------------------------ the secret at rest
def held_secret(accounts: Accounts) -> str:
    with accounts.people.connect() as connection:
        return str(connection.execute(text("SELECT secret FROM second_factor")).scalar_one())


def test_the_database_alone_makes_no_codes(accounts: Accounts, people_settings: Settings) -> None:
    app, _ = turned_on(accounts)
    key = people_settings.home / "people.key"
    assert app.secret not in held_secret(accounts) and key.stat().st_mode & 0o077 == 0
    assert Fernet(key.read_text().strip()).decrypt(held_secret(accounts)) == app.secret.encode()


def test_what_lay_there_in_the_clear_is_closed_at_the_next_opening(
    accounts: Accounts, people_settings: Settings
) -> None:
    app, _ = turned_on(accounts)
    with accounts.people.begin() as connection:
        connection.execute(text("UPDATE second_factor SET secret = :clear"), {"clear": app.secret})
    again = Accounts.open(people_settings)
    assert app.secret not in held_secret(again)
    later = MORNING + MINUTE
    assert isinstance(enter(again, ticket(again, later), app.at(later), later), str)
    again.close()


def test_without_its_key_a_code_is_not_counted_as_wrong_and_a_recovery_code_lets_her_in(
    accounts: Accounts, people_settings: Settings
) -> None:
    app, recovery = turned_on(accounts)
    assert accounts.second_factors() == (1, 0)
    (people_settings.home / "people.key").rename(people_settings.home / "elsewhere")
    assert accounts.second_factors() == (1, 1)
    later = MORNING + MINUTE
    held = ticket(accounts, later)
    for _ in range(6):
        assert enter(accounts, held, app.at(later), later) == Refusal("no_key")
    assert isinstance(enter(accounts, held, recovery[0], later), str)


def test_a_damaged_key_closes_nothing_and_is_not_replaced(accounts: Accounts, people_settings: Settings) -> None:
    app, _ = turned_on(accounts)
    key = people_settings.home / "people.key"
    key.write_text("no key")
    assert accounts.check_code("somsri", app.at(MORNING), MORNING) == Refusal("no_key")
    accounts.reset_second_factor("somsri")
    with pytest.raises(RaksaError, match="neither be read nor made"):
        accounts.begin_second_factor("somsri")
    assert key.read_text() == "no key"


def test_a_new_key_closes_and_the_old_one_beneath_it_still_opens(accounts: Accounts, people_settings: Settings) -> None:
    app, _ = turned_on(accounts)
    key = people_settings.home / "people.key"
    old, new = key.read_text(), Fernet.generate_key().decode()
    key.write_text(f"{new}\n{old}")
    later = MORNING + MINUTE
    assert isinstance(enter(accounts, ticket(accounts, later), app.at(later), later), str)
    accounts.reset_second_factor("somsri")
    secret = accounts.begin_second_factor("somsri")
    assert Fernet(new).decrypt(held_secret(accounts)) == secret.encode()


def test_somsri_signs_in_with_password_and_code(accounts: Accounts) -> None:
    app, _ = turned_on(accounts)
    later = MORNING + MINUTE
    token = enter(accounts, ticket(accounts, later), app.at(later), later)
    assert isinstance(token, str) and accounts.who(token, later) == SOMSRI


def test_a_phone_whose_clock_is_half_a_minute_off_still_fits_and_one_further_off_does_not(accounts: Accounts) -> None:
    app, _ = turned_on(accounts)
    later = MORNING + 10 * MINUTE
    for off, fits in ((-2, False), (2, False), (-1, True), (1, True)):
        came_in = isinstance(enter(accounts, ticket(accounts, later), app.at(later + off * HALF_MINUTE), later), str)
        assert came_in == fits, off


def test_a_code_is_taken_once_though_it_still_shows(accounts: Accounts) -> None:
    app, _ = turned_on(accounts)
    assert enter(accounts, ticket(accounts), app.at(MORNING), MORNING) == Refusal("wrong"), (
        "spent when it was confirmed"
    )
    later = MORNING + MINUTE
    assert isinstance(enter(accounts, ticket(accounts, later), app.at(later), later), str)
    assert enter(accounts, ticket(accounts, later), app.at(later), later) == Refusal("wrong")


def test_of_two_browsers_with_the_same_code_one_gets_in(accounts: Accounts) -> None:
    app, _ = turned_on(accounts)
    later = MORNING + MINUTE
    held = [ticket(accounts, later) for _ in range(4)]
    with ThreadPoolExecutor(4) as together:
        answers = list(together.map(lambda one: enter(accounts, one, app.at(later), later), held))
    assert sum(isinstance(one, str) for one in answers) == 1
    assert answers.count(Refusal("wrong")) == 3


def test_a_ticket_signs_in_once_and_for_five_minutes(accounts: Accounts) -> None:
    app, _ = turned_on(accounts)
    later = MORNING + MINUTE
    held = ticket(accounts, later)
    assert isinstance(enter(accounts, held, app.at(later), later), str)
    assert enter(accounts, held, app.at(later + MINUTE), later + MINUTE) == Refusal("stale")
    held, late = ticket(accounts, later), later + timedelta(minutes=5, seconds=1)
    assert enter(accounts, held, app.at(late), late) == Refusal("stale")
    assert enter(accounts, "invented", app.at(late), late) == Refusal("stale")


def test_a_ticket_of_another_kind_opens_nothing(accounts: Accounts) -> None:
    app, _ = turned_on(accounts)
    other = accounts.issue_ticket("oidc", {"username": "somsri"}, MORNING)
    assert enter(accounts, other, app.at(MORNING + MINUTE), MORNING + MINUTE) == Refusal("stale")


def test_who_knows_the_password_cannot_guess_codes_without_end(accounts: Accounts) -> None:
    """A right password in between must not wipe out the count, or a million guesses would be free."""
    app, _ = turned_on(accounts)
    answers = []
    for n in range(6):
        outcome = accounts.sign_in("somsri", PASSWORD, MORNING)
        answers.append(enter(accounts, outcome.value, f"00000{n}", MORNING) if isinstance(outcome, Ticket) else outcome)
    assert answers == [Refusal("wrong")] * 5 + [Refusal("locked")]
    assert accounts.locked_until("somsri", MORNING) == MORNING + timedelta(minutes=15)
    accounts.unlock("somsri")
    later = MORNING + MINUTE
    assert isinstance(enter(accounts, ticket(accounts, later), app.at(later), later), str)
    assert accounts.locked_until("somsri", later) is None


def test_a_recovery_code_signs_in_once(accounts: Accounts) -> None:
    _, codes = turned_on(accounts)
    assert len(set(codes)) == 10 and all(re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", code) for code in codes)
    typed = codes[3].upper().replace("-", " ")
    assert isinstance(enter(accounts, ticket(accounts), typed, MORNING), str)
    assert enter(accounts, ticket(accounts), codes[3], MORNING) == Refusal("wrong")
    assert accounts.recovery_codes_left("somsri") == 9
    fresh = accounts.new_recovery_codes("somsri")
    assert enter(accounts, ticket(accounts), codes[4], MORNING) == Refusal("wrong")
    assert isinstance(enter(accounts, ticket(accounts), fresh[0], MORNING), str)


def test_the_database_holds_no_recovery_code_and_no_ticket(accounts: Accounts) -> None:
    _, codes = turned_on(accounts)
    held = ticket(accounts)
    with accounts.people.connect() as connection:
        everything = str([connection.execute(table.select()).all() for table in Base.metadata.sorted_tables])
    assert session_id(held) in everything and held not in everything
    assert not [code for code in codes if code in everything or code.replace("-", "") in everything]


def test_a_lost_phone_an_administrator_resets(accounts: Accounts) -> None:
    turned_on(accounts)
    accounts.reset_second_factor("somsri")
    assert isinstance(accounts.sign_in("somsri", PASSWORD, MORNING), str)
    assert accounts.recovery_codes_left("somsri") == 0


@pytest.mark.parametrize(("rule", "teacher", "admin"), [
    ("optional", "", ""), ("required_for_admins", "", "second_factor"), ("required", "second_factor", "second_factor"),
])  # fmt: skip
def test_a_rule_says_who_must_have_one(tmp_path: Path, rule: str, teacher: str, admin: str) -> None:
    opened = Accounts.open(Settings(home=tmp_path, second_factor=rule))
    due = []
    for role in ("teacher", "admin"):
        opened.create_person(role, "คน", role, [], PASSWORD, MORNING, must_change_password=False)
        token = opened.sign_in(role, PASSWORD, MORNING)
        (sign_in,) = opened.sessions(role, MORNING)
        visitor = opened.visitor(sign_in.id, MORNING)
        assert visitor is not None and isinstance(token, str)
        assert (opened.of_session(sign_in.id, MORNING) is None) == bool(visitor.due), "no page runs before that"
        due.append(visitor.due)
    opened.close()
    assert due == [teacher, admin]


def test_switched_off_no_code_is_asked(people_settings: Settings, accounts: Accounts) -> None:
    turned_on(accounts)
    off = Accounts.open(people_settings.model_copy(update={"second_factor": "off"}))
    assert isinstance(off.sign_in("somsri", PASSWORD, MORNING), str)
    off.close()


# ------------------------------------------------------------------------------------------------------ over the doors
def shown_secret(page: httpx.Response) -> pyotp.TOTP:
    (grouped,) = re.findall(r"<code>([A-Z2-7 ]{39})</code>", page.text)
    return pyotp.TOTP(grouped.replace(" ", ""))


def turn_on(client: httpx.Client) -> tuple[pyotp.TOTP, list[str]]:
    page = client.post("/second-factor", data={"do": "begin", "present": PASSWORD})
    assert "<svg" in page.text and 'role="img"' in page.text
    app = shown_secret(page)
    wrong = client.post("/second-factor", data={"do": "confirm", "code": "000000"})
    assert wrong.status_code == 400 and "<svg" not in wrong.text
    done = client.post("/second-factor", data={"do": "confirm", "code": app.now()})
    codes = re.findall(r"<code>([a-z2-7-]{19})</code>", done.text)
    assert len(codes) == 10
    return app, codes


def test_malee_turns_codes_on_signs_in_with_one_and_turns_them_off(server: Server) -> None:
    with server.accounts() as accounts:
        accounts.create_person("malee", "มาลี", "researcher", [], PASSWORD, MORNING, must_change_password=False)
    with server.signed_in("malee") as client:
        assert client.post("/second-factor", data={"do": "begin", "present": "a guess here"}).status_code == 403
        app, codes = turn_on(client)
        assert not [code for code in codes if code in client.get("/second-factor").text]
    with server.browser() as client:
        half = post_login(client, "malee", PASSWORD)
        assert half.headers["location"] == "/login/code?lang=th"
        (cookie,) = half.headers.get_list("set-cookie")
        assert re.fullmatch(r"raksa_ticket=[\w-]{43}; HttpOnly; Path=/login/code; SameSite=strict", cookie)
        assert client.get("/export/list.csv", headers={"Accept": "*/*"}).status_code == 401, "half is not in"
        assert client.post("/login/code", data={"code": "000000"}).status_code == 403
        foreign = client.post("/login/code", data={"code": codes[0]}, headers={"Origin": "https://evil.example"})
        assert foreign.status_code == 403
        answer = client.post("/login/code", data={"code": app.at(time.time() + 30)})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert client.get("/").status_code == 200
        off = {"do": "off", "present": PASSWORD, "code": codes[1]}
        assert client.post("/second-factor", data=off | {"code": codes[0] + "x"}).status_code == 403
        assert client.post("/second-factor", data=off).headers["location"] == "/second-factor"
    with server.signed_in("malee"):
        pass  # the password alone again
    told = [line.what for line in server.log_of("malee")]
    assert {"second_factor_on", "second_factor_off", "sign_in_refused"} <= set(told)
    assert not [code for code in codes if code in str(server.log_of("malee")) + server.written]


def test_a_code_without_a_password_before_it_goes_back_to_the_form(server: Server) -> None:
    with server.browser() as client:
        answer = client.post("/login/code", data={"code": "123456"})
    assert answer.status_code == 403 and "เปิดหน้านี้ค้างไว้นานเกินไป" in answer.text


def test_where_it_is_required_nothing_opens_before_it_is_on(tmp_path: Path) -> None:
    with serving(tmp_path, extra=0, second_factor="required") as server, server.signed_in("wichai") as client:
        assert client.get("/").headers["location"] == "/second-factor"
        assert client.get("/export/list.csv", headers={"Accept": "*/*"}).status_code == 403
        assert "บทบาทของท่านต้องตั้งก่อนเปิดหน้าแรก" in client.get("/second-factor").text
        _, codes = turn_on(client)
        assert client.get("/").status_code == 200
        off = client.post("/second-factor", data={"do": "off", "present": PASSWORD, "code": codes[0]})
        assert off.status_code == 400, "what is required cannot be turned off"
        assert client.get("/").status_code == 200


# ------------------------------------------------------------------------------------------------ what the forms say
@pytest.mark.parametrize(("reason", "said"), [("run_out", "หมดอายุแล้ว"), ("no_key", "ตรวจรหัสยืนยันไม่ได้")])
def test_why_nobody_was_let_in_is_said_in_thai(reason: str, said: str) -> None:
    assert said in forms.sign_in("th", "csrf", reason)
