"""`raksa people`, `raksa backup`, `raksa restore`, and what is kept how long."""

import csv
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import Engine, inspect, text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from raksa.access import Person, Scope
from raksa.accounts import Accounts, FailureRow, SessionRow
from raksa.audit import Entry, entries, record
from raksa.cli import app
from raksa.errors import RaksaError
from raksa.people import open_people
from raksa.retention import Kept, due, keep
from raksa.settings import Settings
from tests.cast import MALI, PASSWORD, SOMSRI

NOW = datetime(2026, 6, 8, 1, 0, tzinfo=UTC)
YEAR = timedelta(days=365)


@pytest.fixture
def home(people_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("RAKSA_HOME", str(people_settings.home))
    monkeypatch.setenv("RAKSA_DATABASE_URL", people_settings.database_url)
    return people_settings


def raksa(*words: str) -> str:
    """What the command prints. Raises what it raises."""
    return CliRunner().invoke(app, words, catch_exceptions=False).stdout


def test_a_teacher_is_made_moved_switched_off_and_on_and_every_step_is_in_the_log(home: Settings) -> None:
    said = raksa("people", "add", "Somsri", "--name", SOMSRI.name, "--role", "teacher", "--scope", "class:1|ม.3|1")
    first = re.search("first password (.+) .shown once", said)
    accounts = Accounts.open(home)
    assert first is not None and isinstance(accounts.sign_in("somsri", first[1], NOW), str)
    made = Person("somsri", SOMSRI.name, "teacher", (Scope("class", "1|ม.3|1"),), must_change_password=True)
    assert accounts.everyone() == [made]
    raksa("people", "scope", "somsri", "--role", "school", "--scope", "school:1", "--scope", "school:2")
    raksa("people", "off", "somsri")
    now = accounts.person("somsri")
    assert now is not None and (now.role, now.active, len(now.scopes)) == ("school", False, 2)
    raksa("people", "on", "somsri")
    second = re.search("first password (.+) .shown once", raksa("people", "password", "somsri"))
    assert second is not None and second[1] != first[1]
    assert isinstance(accounts.sign_in("somsri", second[1], NOW), str)
    log = [(e.who, e.what, e.about) for e in reversed(entries(accounts.people))]
    assert log == [
        ("operator", "create_person", "somsri: teacher class:1|ม.3|1"),
        ("operator", "set_role", "somsri: school school:1 school:2"),
        ("operator", "switch_off", "somsri"),
        ("operator", "switch_on", "somsri"),
        ("operator", "reset_password", "somsri"),
    ]
    assert first[1] not in str(log) and second[1] not in str(log)
    row = raksa("people", "list", "--format", "csv").splitlines()[1]
    assert row == f'somsri,{SOMSRI.name},school,"school:1, school:2",yes'
    accounts.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("off", "nobody"), "There is no account nobody"),
        (("scope", "nobody"), "There is no account nobody"),
        (("add", "noi", "--name", "น้อย", "--role", "boss"), "Role 'boss' is unknown"),
        (("add", "noi", "--name", "น้อย", "--role", "school", "--scope", "10000001"), "is not kind:value"),
        (("add", "noi", "--name", "น้อย", "--role", "admin", "--scope", "area:1"), "takes no scope"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence_and_not_written(
    home: Settings, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(RaksaError, match=said):
        raksa("people", *words)
    people = open_people(home)
    assert entries(people) == []
    people.dispose()


def test_a_guardian_asks_who_looked_and_is_told(home: Settings) -> None:
    people = open_people(home)
    record(people, Entry(NOW, "somsri", "read_child", MALI.learner_id, "run 1", "homeroom", "10.0.0.1"))
    record(people, Entry(NOW, "somsri", "read_list", None, "school=10000001", "school"))
    out = raksa("people", "log", "--who", "somsri", "--csv")
    assert out.startswith("\ufeff")
    rows = list(csv.DictReader(out.removeprefix("\ufeff").splitlines()))
    assert [(r["at"], r["what"], r["learner_id"]) for r in rows] == [
        ("2026-06-08T01:00:00+00:00", "read_list", ""),
        ("2026-06-08T01:00:00+00:00", "read_child", str(MALI.learner_id)),
    ]
    assert entries(people)[0].what == "read_log", "who reads the log is in the log"
    people.dispose()


# ------------------------------------------------------------------------------------------------------- retention
def guards(people: Engine) -> list[tuple[object, ...]]:
    """What keeps the log from being rewritten, as the database itself tells it."""
    asked = {
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit' ORDER BY name",
        "postgresql": "SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'audit'::regclass ORDER BY tgname",
    }[people.dialect.name]
    with people.connect() as connection:
        return [tuple(row) for row in connection.execute(text(asked))]


def test_old_lines_move_into_a_file_and_the_log_is_as_guarded_as_before(people: Engine, tmp_path: Path) -> None:
    old = [Entry(NOW - 6 * YEAR + timedelta(days=n), "somsri", "read_child", 101 + n, "=1+1") for n in range(3)]
    new = Entry(NOW - 4 * YEAR, "somsri", "read_child", 104)
    for line in (*old, new):
        record(people, line)
    before = guards(people)
    assert len(before) >= 1
    done = keep(people, Settings(home=tmp_path), 5, NOW)
    file = tmp_path / "log-before-2021-06-08.csv"
    assert done == Kept(3, file, 0, 0, 0, 0)
    kept = list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))
    assert [(row["at"], row["learner_id"], row["about"]) for row in kept] == [
        (line.at.isoformat(), str(line.learner_id), "'=1+1") for line in old
    ]
    assert file.stat().st_mode & 0o077 == 0
    told = Entry(NOW, "operator", "keep_log", None, f"5 years: 3 lines to {file.name}, 0 files of plans", "operator")
    assert entries(people) == [told, new]
    assert guards(people) == before
    for statement in ("UPDATE audit SET who = 'nobody'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="only ever added to"), people.begin() as connection:
            connection.execute(text(statement))
    assert keep(people, Settings(home=tmp_path), 5, NOW) == Kept(0, None, 0, 0, 0, 0)


def test_when_moving_fails_every_line_and_every_guard_is_still_there(
    people: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Entry(NOW - 6 * YEAR, "somsri", "read_child", 101)
    record(people, line)
    before = guards(people)
    (tmp_path / "file").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="file"):
        keep(people, Settings(home=tmp_path / "file"), 5, NOW)
    assert (entries(people), guards(people)) == ([line], before)


def test_what_has_run_out_is_forgotten(people_settings: Settings) -> None:
    accounts = Accounts.open(people_settings)
    accounts.create_person("somsri", SOMSRI.name, "admin", [], PASSWORD, NOW)
    token = accounts.sign_in("somsri", PASSWORD, NOW)
    with Session(accounts.people) as session, session.begin():
        for days in (0, 1, 2):
            at = NOW - timedelta(days=days)
            session.add(FailureRow(at=at, username="nobody", address=""))
            session.add(SessionRow(id=f"{days}", username="somsri", created=at, last_seen=at))
    accounts.issue_ticket("second_factor", {"username": "somsri"}, NOW - timedelta(hours=1))
    would_go = due(accounts.people, people_settings, 1, NOW)
    assert would_go == Kept(0, None, 2, 2, 1, 0)
    assert keep(accounts.people, people_settings, 1, NOW) == would_go
    assert due(accounts.people, people_settings, 1, NOW) == Kept(0, None, 0, 0, 0, 0)
    assert accounts.who(str(token), NOW) is not None
    accounts.close()


def test_rows_to_mend_go_after_a_month_and_a_plan_after_a_term(people: Engine, tmp_path: Path) -> None:
    ages = {"a/plan.json": 119, "a/to-mend.xlsx": 31, "b/plan.json": 121, "b/.plan.json": 2, "c/to-mend.xlsx": 29}
    for name, days in ages.items():
        file = tmp_path / "plans" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("แผน")
        then = (NOW - timedelta(days=days)).timestamp()
        os.utime(file, (then, then))
    assert due(people, Settings(home=tmp_path), 5, NOW).plans == 3
    assert keep(people, Settings(home=tmp_path), 5, NOW).plans == 3
    left = sorted(f.relative_to(tmp_path / "plans").as_posix() for f in (tmp_path / "plans").rglob("*"))
    assert left == ["a", "a/plan.json", "c", "c/to-mend.xlsx"]


def test_what_would_go_is_said_first_and_goes_only_then(home: Settings) -> None:
    people = open_people(home)
    record(people, Entry(datetime.now(UTC) - 6 * YEAR, "somsri", "read_child", MALI.learner_id))
    assert "Lines of the log to move: 1" in raksa("people", "keep", "--years", "5", "--check")
    assert [line.who for line in entries(people)] == ["somsri"]
    assert "Lines of the log moved: 1" in raksa("people", "keep", "--years", "5")
    assert [line.what for line in entries(people)] == ["keep_log"]
    people.dispose()


def test_a_lost_phone_is_mended_from_the_keyboard(home: Settings) -> None:
    raksa("people", "add", "somsri", "--name", SOMSRI.name, "--role", "admin")
    accounts = Accounts.open(home)
    app = pyotp.TOTP(accounts.begin_second_factor("somsri"))
    assert accounts.confirm_second_factor("somsri", app.at(NOW), NOW)
    assert "No code is asked" in raksa("people", "codes-off", "somsri")
    assert not accounts.has_second_factor("somsri")
    assert next(line.what for line in entries(accounts.people)) == "reset_second_factor"
    accounts.close()


def test_the_running_year_stays(people: Engine, tmp_path: Path) -> None:
    with pytest.raises(RaksaError, match="Give 1 or more"):
        keep(people, Settings(home=tmp_path), 0, NOW)


# ----------------------------------------------------------------------------------------------- backup, restore
def test_backup_and_restore_from_the_keyboard(home: Settings, tmp_path: Path) -> None:
    raksa("people", "add", "somsri", "--name", SOMSRI.name, "--role", "admin")
    (home.home / "current.json").write_text("{}", encoding="utf-8")
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    assert "Written: " in raksa("backup", str(elsewhere.with_suffix(".zip")))
    said = raksa("restore", str(elsewhere.with_suffix(".zip")), "--to", str(elsewhere))
    assert "people 1, contacts 0, lines of the log 1" in said
    there = open_people(Settings(home=elsewhere, database_url=""))
    assert "contact" in inspect(there).get_table_names()
    there.dispose()
