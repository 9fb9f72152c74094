"""The pages Today and Lists, run without a browser: what stands on them, what an address opens, what is logged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from small_run import MORNING, with_people, write_run
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from care.contacts import Place, write
from dashboard import ground
from dashboard.keys import key_of
from raksa.accounts import Accounts, session_id
from raksa.audit import entries
from raksa.cli import app as command_line
from raksa.school_settings import put
from tests.cast import KONG, MALI, PASSWORD, SOMSRI, THUNG_NA

APP = Path(__file__).parents[2] / "dashboard" / "app.py"


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Accounts]:
    write_run(tmp_path, extra=100)
    opened = with_people(tmp_path)
    monkeypatch.setenv("RAKSA_HOME", str(tmp_path))
    ground.ground.cache_clear()
    yield opened
    ground.current_run().close()
    ground.ground().accounts.close()
    ground.ground.cache_clear()
    opened.close()


def opened_by(accounts: Accounts, username: str, view: str, address: str = "") -> AppTest:
    """The page of a person, reached by an address."""
    token = accounts.sign_in(username, PASSWORD, datetime.now(UTC))
    app = AppTest.from_file(APP, default_timeout=20)
    app.user = {"session": session_id(str(token))}
    app.switch_page(f"views/{view}.py")
    for name, value in parse_qsl(address):
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def text_of(app: AppTest) -> str:
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info, app.html, app.code)
    return "\n".join(str(getattr(one, "value", "") or getattr(one, "body", "")) for kind in kinds for one in kind)


def query_of(app: AppTest) -> dict[str, str]:
    return {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}


# --------------------------------------------------------------------------------------------------------------- today
def test_somsris_morning_begins_with_what_is_new_and_what_comes_next(accounts: Accounts, tmp_path: Path) -> None:
    app = opened_by(accounts, "somsri", "today")
    page = text_of(app)
    assert [one.value for one in app.title] == ["ห้องของฉันตอนนี้"]
    assert [one.value for one in app.header] == [
        "ยังไม่มีใครเห็นที่โรงเรียน",
        "เลยกำหนด",
        "ยังไม่มีใครบันทึกอะไรเลย",
        "ถึงเกณฑ์ที่ต้องติดตาม",
        "เข้ารายชื่อใหม่",
        "วันนี้ต้องโทรหาใคร",
        "ยังไม่ได้เช็คชื่อ",
        "เลยเกณฑ์มาก่อนแล้ว",
    ]
    for known in (
        "ไม่มาเรียนติดต่อกัน 6 วันเรียน จนถึง 5 มิ.ย. 2569",
        "มีหนังสือถึงผู้ปกครองฉบับที่ 1",
        '<a href="tel:081-000-0000">081-000-0000</a>',
        f'href="/child?child={key_of(tmp_path, KONG.learner_id)}"',
        "ยังไม่มีใครบันทึกอะไรเลย 1 คน",
        "ยายมะลิ (ยาย)",
    ):
        assert known in page, known
    assert "ใบบัว" not in page and "โอกาส" not in page and "0.61" not in page
    (line,) = [line for line in entries(accounts.people, who="somsri") if line.what == "read_today"]
    assert line.reason == "teacher"


def test_what_somsri_writes_takes_mali_from_those_nobody_wrote_about(accounts: Accounts) -> None:
    mali = Place(MALI.learner_id, THUNG_NA, "2401", "ม.3", "1")
    write(accounts.people, SOMSRI, mali, on=date(2026, 6, 5), kind="call", text="ยายรับสาย", now=MORNING)
    page = text_of(opened_by(accounts, "somsri", "today"))
    assert "ยังไม่มีใครบันทึกอะไรเลย 0 คน" in page and "บันทึกครั้งล่าสุด 5\u00a0มิ.ย.\u00a02569" in page


def test_the_lines_are_those_the_school_has_set(accounts: Accounts) -> None:
    for name, value in (("in_row_notice", 20), ("in_row_letter", 20), ("in_month", 20), ("attended_first", 0.5)):
        put(accounts.people, None, THUNG_NA, name, value, "ตกลงในที่ประชุม", MORNING)
    put(accounts.people, None, THUNG_NA, "attended_second", 0.5, "ตกลงในที่ประชุม", MORNING)
    assert "ถึงเกณฑ์ที่ต้องติดตาม 0 คน" in text_of(opened_by(accounts, "somsri", "today"))


def test_wichais_morning_is_the_whole_schools(accounts: Accounts) -> None:
    page = text_of(opened_by(accounts, "wichai", "today"))
    assert "โรงเรียนของเราตอนนี้" in page and "ใบบัว" in page and "ฟ้า" not in page
    assert "<h3>ม.3/1</h3>" in page, "calls stand by room"
    assert "ม.2/1</b>: ปีนี้ยังไม่มีการเช็คชื่อ" in page


# --------------------------------------------------------------------------------------------------------------- lists
def test_an_address_opens_the_list_as_it_was_chosen(accounts: Accounts) -> None:
    app = opened_by(accounts, "kamol", "lists", f"school={THUNG_NA}&grade=ม.3&room=1&sort=name&new=1")
    page = text_of(app)
    assert "ก้อง" in page and "มะลิ" not in page
    assert app.toggle(key="new").value and not app.toggle(key="everyone").value
    assert (app.selectbox(key="school-th").value, app.selectbox(key="class-th").value) == (THUNG_NA, "ม.3|1")
    assert query_of(app) == {"school": THUNG_NA, "grade": "ม.3", "room": "1", "sort": "name", "new": "1"}


def test_each_choice_stands_in_the_address_and_in_the_files(accounts: Accounts) -> None:
    app = opened_by(accounts, "kamol", "lists")
    assert query_of(app) == {}
    app.toggle(key="unwritten").set_value(True).run()
    app.selectbox(key="family-th").select("attendance").run()
    assert query_of(app) == {"family": "attendance", "unwritten": "1"}
    page = text_of(app)
    assert "ก้อง" in page and "ฟ้า" not in page
    assert "/export/list.csv?family=attendance&amp;unwritten=1&amp;cols=school,grade,room,name," in page
    app.selectbox(key="family-th").set_value(None)
    app.toggle(key="unwritten").set_value(False).run()
    assert query_of(app) == {}


def test_back_in_the_browser_goes_back_to_the_choice_of_before(accounts: Accounts) -> None:
    app = opened_by(accounts, "kamol", "lists")
    app.toggle(key="new").set_value(True).run()
    assert "มะลิ" not in text_of(app)
    app.query_params.clear()  # what the browser's back button does: another address, nothing clicked
    app.run()
    assert not app.toggle(key="new").value and "มะลิ" in text_of(app) and query_of(app) == {}


def test_the_choice_is_kept_while_a_child_is_looked_at(accounts: Accounts) -> None:
    app = opened_by(accounts, "kamol", "lists", "new=1&sort=away")
    app.switch_page("views/area.py").run()
    app.query_params.clear()
    app.switch_page("views/lists.py").run()
    assert app.toggle(key="new").value and query_of(app) == {"new": "1", "sort": "away"}


def test_nobody_widens_a_scope_by_an_address(accounts: Accounts) -> None:
    page = text_of(opened_by(accounts, "somsri", "lists", "area=2402&all=1&sort=risk"))
    assert "มะลิ" in page and "ทราย" not in page
    page = text_of(opened_by(accounts, "somsri", "lists", "all=1&view=table&cols=name,risk,rank"))
    assert "หนึ่ง" in page and "0.61" not in page and "โอกาส" not in page


def test_the_table_has_the_columns_that_were_chosen_and_leads_to_the_child(accounts: Accounts, tmp_path: Path) -> None:
    app = opened_by(accounts, "kamol", "lists", "view=table&cols=grade,name,away_28d")
    page = text_of(app)
    assert "<th>ชื่อ</th><th>ชั้น</th><th>วันที่ไม่มาใน 4 สัปดาห์</th>" in page
    kong = key_of(tmp_path, KONG.learner_id)
    assert f'<a href="/child?child={kong}" target="_self">เด็กชายก้อง เก่งกล้า</a></td><td>ม.3</td><td>9</td>' in page
    assert "cols=grade,name,away_28d" in page
    app.session_state["columns"] = True  # unfolded
    app.run().multiselect(key="cols-th").set_value(["name", "phone"]).run()
    assert query_of(app) == {"cols": "name,phone", "view": "table"}


def test_a_longer_table_has_pages_of_a_hundred(accounts: Accounts) -> None:
    app = opened_by(accounts, "kamol", "lists", "view=table&all=1")
    assert len(app.pagination) == 0, "81 of the area are scored"
    assert text_of(app).count("/child?child=") == 55
    app.toggle(key="table").set_value(False).run()
    assert app.pagination[0].value == 1 and text_of(app).count("/child?child=") == 20


def test_no_sentence_slips_over_one_child(accounts: Accounts) -> None:
    for language in ("th", "en"):
        accounts.set_language("kamol", language)
        page = text_of(opened_by(accounts, "kamol", "lists", "school=10000002"))
        assert "1 children" not in page and "these 1" not in page and "1 schools" not in page
    assert "Children on the list: **1**. Of these **fewer than one (0–1)** would leave school by" in page


# -------------------------------------------------------------------------------------------------------- command line
def test_the_command_line_prints_somsris_morning_and_logs_it(accounts: Accounts) -> None:
    run = CliRunner().invoke(command_line, ["today", "--as", "somsri", "--language", "en", "--format", "json"])
    rows = json.loads(run.stdout)
    assert [(row["part"], row["name"]) for row in rows] == [
        ("Nobody has written anything yet", "เด็กหญิงมะลิ ใจดี"),
        ("Crossed a line", "เด็กหญิงมะลิ ใจดี"),
        ("Crossed a line", "เด็กชายก้อง เก่งกล้า"),
        ("New on the list", "เด็กชายก้อง เก่งกล้า"),
        ("Whom to call today", "เด็กหญิงมะลิ ใจดี"),
        ("Whom to call today", "เด็กชายก้อง เก่งกล้า"),
    ]
    (line,) = [line for line in entries(accounts.people) if line.what == "print_list"]
    assert line.about == "today, 6 rows, as somsri"
    refused = CliRunner().invoke(command_line, ["today", "--as", "pim"])
    assert "sees no learner" in str(refused.exception)
    nowhere = CliRunner().invoke(command_line, ["today", "--school", "no"])
    assert "No school 'no' in this run" in str(nowhere.exception)


def test_a_printed_list_says_what_it_misses_to_who_sees_estimates(accounts: Accounts) -> None:
    def printed(username: str) -> str:
        return CliRunner().invoke(command_line, ["list", "--as", username, "--language", "en"]).stdout

    assert "On the list: 3. Of these about 1 (0–3) would leave school by 10 Nov 2026." in printed("wichai")
    assert "would leave" not in printed("somsri")


def test_the_command_line_lists_with_the_same_choices(accounts: Accounts) -> None:
    mali = Place(MALI.learner_id, THUNG_NA, "2401", "ม.3", "1")
    write(accounts.people, SOMSRI, mali, on=date(2026, 6, 5), kind="call", text="ยายรับสาย", now=MORNING)

    def listed(*words: str) -> object:
        found = CliRunner().invoke(command_line, ["list", "--format", "json", "--columns", "name", *words])
        return [row["name"].split()[0] for row in json.loads(found.stdout)]

    assert listed("--as", "wichai", "--unwritten") == ["เด็กชายก้อง", "เด็กหญิงใบบัว"]
    assert listed("--as", "wichai", "--new") == ["เด็กชายก้อง"]
    assert listed("--sort", "name", "--reason", "attendance") == ["เด็กชายก้อง", "เด็กหญิงมะลิ"]
    wrong = CliRunner().invoke(command_line, ["list", "--as", "somsri", "--columns", "risk"])
    assert "No column 'risk' for this account" in str(wrong.exception)
