"""The administrator's morning: a new teacher, another class, a lost phone, a list of staff, who did what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from small_register import add
from small_run import with_people, write_run
from streamlit.testing.v1 import AppTest

from dashboard import ground
from raksa.access import Scope
from raksa.accounts import Accounts, session_id
from raksa.audit import Entry, entries, record
from raksa.school_settings import history, in_force
from tests.cast import ADULTS, AREAS, PASSWORD, SCHOOLS, THUNG_NA

APP = Path(__file__).parents[2] / "dashboard" / "app.py"


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Accounts]:
    store = write_run(tmp_path, extra=40)
    add(
        store,
        school=[
            {"school_id": school, "name": name, "area_id": area, "area_name": AREAS[area]}
            for school, (name, area) in SCHOOLS.items()
        ],
    )
    opened = with_people(tmp_path)
    monkeypatch.setenv("RAKSA_HOME", str(tmp_path))
    ground.ground.cache_clear()
    yield opened
    ground.current_run().close()
    ground.ground().accounts.close()
    ground.ground.cache_clear()
    opened.close()


def opened_by(accounts: Accounts, username: str, view: str = "") -> AppTest:
    token = accounts.sign_in(username, PASSWORD, datetime.now(UTC))
    app = AppTest.from_file(APP, default_timeout=20)
    app.user = {"session": session_id(str(token))}
    app.run()
    if view:
        app.switch_page(f"views/{view}.py").run()
    assert not app.exception
    return app


def text_of(app: AppTest) -> str:
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info, app.html, app.error)
    return "\n".join(str(getattr(one, "value", "") or getattr(one, "body", "")) for kind in kinds for one in kind)


def press(app: AppTest, label: str) -> AppTest:
    app = next(b for b in app.button if b.label == label).click().run()
    assert not app.exception
    return app


def test_a_new_teacher_gets_a_class_from_the_places_there_are(accounts: Accounts) -> None:
    app = opened_by(accounts, "admin")
    app.text_input(key="new-username").set_value("noi")
    app.text_input(key="new-name").set_value("น้อย ใหม่มา").run()
    app.selectbox(key="new-school-th").select(THUNG_NA).run()
    classes = app.multiselect(key=f"new-class-{THUNG_NA}")
    assert classes.options == ["ม.2/1", "ม.3/1", "ม.3/2"]
    classes.set_value([("ม.3", "2")]).run()
    app = press(app, "สร้างบัญชี")
    made = accounts.person("noi")
    assert made is not None and made.must_change_password and made.scopes == (Scope("class", f"{THUNG_NA}|ม.3|2"),)
    assert isinstance(accounts.sign_in("noi", app.code[0].value, datetime.now(UTC)), str)
    assert next(line.what for line in entries(accounts.people, who="admin")) == "create_person"


def test_what_does_not_fit_makes_no_account(accounts: Accounts) -> None:
    app = press(opened_by(accounts, "admin"), "สร้างบัญชี")
    assert app.error[0].value == "ชื่อบัญชี '' ใช้ไม่ได้ โปรดใช้ตัวอักษร ตัวเลข จุด หรือขีด 2 ถึง 64 ตัว"
    assert len(accounts.everyone()) == len(ADULTS)


def test_somsri_takes_over_another_class_and_sees_it_at_her_next_click(accounts: Accounts) -> None:
    hers = opened_by(accounts, "somsri", "lists")
    assert "ก้อง" in text_of(hers) and "ใบบัว" not in text_of(hers)
    app = opened_by(accounts, "admin")
    app.selectbox(key="account").select("somsri").run()
    app.selectbox(key="change-somsri-teacher-school-th").select(THUNG_NA).run()
    app.multiselect(key=f"change-somsri-teacher-class-{THUNG_NA}").set_value([("ม.3", "2")]).run()
    press(app, "บันทึกการเปลี่ยนแปลง")
    held = accounts.person("somsri")
    assert held is not None and [s.value for s in held.scopes] == [f"{THUNG_NA}|ม.3|2"]
    hers.run()
    assert "ใบบัว" in text_of(hers) and "ก้อง" not in text_of(hers)


def test_an_account_is_switched_off_and_its_sign_ins_end(accounts: Accounts) -> None:
    opened_by(accounts, "somsri")
    app = opened_by(accounts, "admin")
    app.selectbox(key="account").select("somsri").run()
    assert "กำลังเข้าใช้อยู่" in text_of(app)
    press(app, "ปิดบัญชี")
    held = accounts.person("somsri")
    assert held is not None and not held.active and accounts.sessions("somsri", datetime.now(UTC)) == []
    assert next(line.what for line in entries(accounts.people, who="admin")) == "switch_off"


def test_the_log_names_no_child(accounts: Accounts) -> None:
    now = datetime.now(UTC)
    record(accounts.people, Entry(now, "kamol", "read_list", None, "run x, search=มะลิ, top=20", "area"))
    app = opened_by(accounts, "admin")
    app.segmented_control(key="section-th").set_value("log").run()
    assert not app.exception
    assert "kamol" in text_of(app) and "เปิดดูรายชื่อ" in text_of(app) and "top=20" in text_of(app)
    assert "มะลิ" not in text_of(app)


def test_a_list_that_cannot_be_taken_says_why_in_thai(accounts: Accounts) -> None:
    app = opened_by(accounts, "admin")
    app.segmented_control(key="section-th").set_value("staff").run()
    app.file_uploader(key="staff").set_value(("staff.csv", b"a,b\n1,2\n", "text/csv")).run()
    assert app.error[0].value.startswith("staff.csv ไม่ใช่รายชื่อบุคลากร")
    lines = "username,name,role,school_id\nnoi,น้อย,teacher,99\nnid,นิด,ภารโรง,99\n".encode()
    app.file_uploader(key="staff").set_value(("staff.csv", lines, "text/csv")).run()
    assert not app.exception and "ไม่มีโรงเรียน" in text_of(app) and "is not in the register" not in text_of(app)
    assert "school (ผู้อำนวยการ)" in text_of(app)


def test_what_has_run_out_is_shown_asked_twice_about_and_taken_away(accounts: Accounts) -> None:
    old = datetime.now(UTC) - timedelta(days=6 * 365)
    record(accounts.people, Entry(old, "kamol", "read_list", None, "run x", "area"))
    app = opened_by(accounts, "admin")
    app.segmented_control(key="section-th").set_value("kept").run()
    assert "ย้ายไปเก็บเป็นไฟล์" in text_of(app)
    app = press(app, "นำสิ่งที่พ้นกำหนดออก")
    assert any(line.who == "kamol" for line in entries(accounts.people)), "the first press takes nothing"
    press(app, "ไม่")
    app = press(press(app, "นำสิ่งที่พ้นกำหนดออก"), "ใช่ นำออก")
    assert "ยังไม่มีสิ่งใดพ้นกำหนด" in text_of(app)
    lines = entries(accounts.people)
    assert not any(line.who == "kamol" for line in lines)
    assert (lines[0].who, lines[0].what, lines[0].reason) == ("admin", "keep_log", "admin")


def test_wichai_says_how_many_children_his_school_can_see_to(accounts: Accounts) -> None:
    app = opened_by(accounts, "wichai", "settings")
    app.number_input(key=f"number-{THUNG_NA}-capacity").set_value(12).run()
    press(app, "บันทึก")
    assert history(accounts.people, THUNG_NA) == []  # no reason, no change
    app.text_input(key="why").set_value("มีครูเพิ่มสองคน").run()
    app = press(app, "บันทึก")
    assert in_force(accounts.people)(THUNG_NA).capacity == 12
    assert "มีครูเพิ่มสองคน" in text_of(app) and "โรงเรียนนี้" in text_of(app)


def test_kamol_sets_values_only_for_schools_of_his_area(accounts: Accounts) -> None:
    app = opened_by(accounts, "kamol", "settings")
    options = app.selectbox(key="settings-school-th").options
    assert set(options) == {name for name, area in SCHOOLS.values() if area == "2401"}


@pytest.mark.parametrize("username", ["somsri", "pim", "rung", "wichai", "kamol"])
def test_nobody_else_has_these_pages(accounts: Accounts, username: str) -> None:
    app = opened_by(accounts, username)
    with pytest.raises(ValueError, match="Could not find a navigation page"):
        app.switch_page("views/admin.py")
    if username in ("somsri", "pim", "rung"):
        with pytest.raises(ValueError, match="Could not find a navigation page"):
            app.switch_page("views/settings.py")
