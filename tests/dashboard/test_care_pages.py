"""From a signal to a closed case on the pages, teacher then school; drafts that are kept; a second opinion."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from small_run import NAME, with_people, write_run
from streamlit.testing.v1 import AppTest

from care import cases, opinions, visits
from care.contacts import Place
from dashboard import ground
from dashboard.keys import key_of
from raksa.accounts import Accounts, session_id
from raksa.audit import entries
from raksa.store import Store
from tests.cast import BAIBUA, KONG, NUNG, PASSWORD, SCHOOLS, SOMSRI, THUNG_NA, WICHAI, Learner
from tests.small_register import add, page

APP = Path(__file__).parents[2] / "dashboard" / "app.py"


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Accounts]:
    write_run(tmp_path, extra=20)
    opened = with_people(tmp_path)
    monkeypatch.setenv("RAKSA_HOME", str(tmp_path))
    ground.ground.cache_clear()
    yield opened
    ground.current_run().close()
    ground.ground().accounts.close()
    ground.ground.cache_clear()
    opened.close()


def opened_by(accounts: Accounts, username: str, view: str, child: Learner | None = None) -> AppTest:
    token = accounts.sign_in(username, PASSWORD, datetime.now(UTC))
    app = AppTest.from_file(APP, default_timeout=20)
    app.user = {"session": session_id(str(token))}
    app.run()
    if child is not None:
        app.query_params["child"] = key_of(ground.current_run().folder.parents[1], child.learner_id)
    app.switch_page(f"views/{view}.py").run()
    assert not app.exception
    return app


def text_of(app: AppTest) -> str:
    kinds = (
        app.title,
        app.header,
        app.subheader,
        app.markdown,
        app.caption,
        app.info,
        app.html,
        app.error,
        app.success,
    )
    return "\n".join(str(getattr(one, "value", "") or getattr(one, "body", "")) for kind in kinds for one in kind)


def press(app: AppTest, label: str) -> AppTest:
    app = next(b for b in app.button if b.label == label).click().run()
    assert not app.exception
    return app


def place(child: Learner) -> Place:
    return Place(child.learner_id, child.school_id, SCHOOLS[child.school_id][1], child.grade, child.room or None)


def test_kong_s_case_from_somsri_s_signal_to_wichai_s_closing(accounts: Accounts) -> None:
    app = opened_by(accounts, "somsri", "child", KONG)
    key = key_of(ground.current_run().folder.parents[1], KONG.learner_id)
    app.selectbox(key=f"signal-{key}-th").select("in_row")
    app.text_area(key=f"known-{key}").set_value("ไม่มาเรียน 6 วันติดกัน")
    app = press(app, "เปิดเรื่องนี้")
    ((case, _),) = cases.of_child(accounts.people, SOMSRI, place(KONG))
    assert (case.signal, case.owner, case.stage) == ("in_row", "somsri", "signal")
    at = f"{case.id}-0"  # the first thing this person does with the case
    app.selectbox(key=f"step-{at}-th").select("call")
    app.text_area(key=f"said-{at}").set_value("ยายรับสาย จะพามาพรุ่งนี้")
    app = press(app, "บันทึกขั้นตอน")
    assert "ยายรับสาย" in text_of(app)

    app = opened_by(accounts, "wichai", "cases")
    assert "เด็กชายก้อง เก่งกล้า" in text_of(app) and "เปิดอยู่ 1 เรื่อง" in text_of(app)
    app = opened_by(accounts, "wichai", "child", KONG)
    app.selectbox(key=f"closing-{at}-th").select("found")
    app.text_area(key=f"ended-{at}").set_value("พบแล้ว ป่วยอยู่บ้าน หายแล้ว")
    press(app, "ปิดเรื่องนี้")
    ((case, steps),) = cases.of_child(accounts.people, WICHAI, place(KONG))
    assert (case.closing, case.is_open) == ("found", False)
    assert [(one.kind, one.by) for one in steps] == [("signal", "somsri"), ("call", "somsri"), ("closed", "wichai")]


def test_the_second_editor_is_told_on_the_page_and_nothing_is_lost(accounts: Accounts) -> None:
    case = cases.open_case(
        accounts.people, SOMSRI, place(KONG), signal="in_row", said="ไม่มาเรียน", now=datetime.now(UTC)
    )
    app = opened_by(accounts, "somsri", "child", KONG)
    cases.act(accounts.people, WICHAI, case.id, 1, kind="call", said="โทรแล้ว", now=datetime.now(UTC))
    at = f"{case.id}-0"
    app.selectbox(key=f"step-{at}-th").select("note")
    app.text_area(key=f"said-{at}").set_value("บันทึกของสมศรี")
    app = press(app, "บันทึกขั้นตอน")
    assert "มีผู้บันทึกขั้นตอนใหม่ก่อนหน้านี้" in app.warning[0].value
    assert len(cases.of_child(accounts.people, SOMSRI, place(KONG))[0][1]) == 2
    assert app.text_area(key=f"said-{at}").value == "บันทึกของสมศรี"
    press(app, "บันทึกขั้นตอน")
    ((_, steps),) = cases.of_child(accounts.people, SOMSRI, place(KONG))
    assert [one.said for one in steps] == ["ไม่มาเรียน", "โทรแล้ว", "บันทึกของสมศรี"]


def test_a_visit_is_kept_with_every_word_and_handed_in(accounts: Accounts) -> None:
    app = opened_by(accounts, "somsri", "visit", KONG)
    form = f"visit-{key_of(ground.current_run().folder.parents[1], KONG.learner_id)}-0"
    app.text_area(key=f"agreed-{form}").set_value("ยายจะพามาส่ง").run()
    assert visits.draft(accounts.people, SOMSRI, place(KONG))["agreed"] == "ยายจะพามาส่ง"

    again = opened_by(accounts, "somsri", "visit", KONG)  # another browser, the same person
    assert again.text_area(key=f"agreed-{form}").value == "ยายจะพามาส่ง"
    again.text_area(key=f"voice-{form}").set_value("อยากเป็นช่าง").run()
    begun = opened_by(accounts, "somsri", "visit")
    assert any("ก้อง" in b.label for b in begun.button)
    press(again, "ส่งบันทึก")
    (held,) = visits.of_child(accounts.people, WICHAI, place(KONG))
    assert held.form.agreed == "ยายจะพามาส่ง" and held.form.sections == {"voice": "อยากเป็นช่าง"}
    assert held.form.mode == "visit" and visits.draft(accounts.people, SOMSRI, place(KONG)) == {}


def test_an_empty_form_is_not_handed_in_and_says_what_is_missing(accounts: Accounts) -> None:
    app = press(opened_by(accounts, "somsri", "visit", KONG), "ส่งบันทึก")
    assert "โปรดเขียนอย่างน้อย" in app.error[0].value
    assert visits.of_child(accounts.people, SOMSRI, place(KONG)) == []


def test_somsri_opens_no_form_for_baibua_and_the_attempt_is_logged(accounts: Accounts) -> None:
    app = opened_by(accounts, "somsri", "visit", BAIBUA)
    assert "ใบบัว" not in text_of(app) and not app.text_area
    assert entries(accounts.people, learner_id=BAIBUA.learner_id)[0].what == "read_child_refused"


def test_somsri_names_nueng_whom_the_list_misses_and_takes_it_back(accounts: Accounts) -> None:
    key = key_of(ground.current_run().folder.parents[1], NUNG.learner_id)
    app = opened_by(accounts, "somsri", "child", NUNG)
    app.text_area(key=f"why-{key}").set_value("พ่อเพิ่งตกงาน")
    app = press(app, "เสนอชื่อนักเรียนคนนี้")
    (said,) = opinions.of_child(accounts.people, SOMSRI, place(NUNG))
    assert (said.says, said.run) == ("nominate", NAME)
    assert "พ่อเพิ่งตกงาน" in text_of(opened_by(accounts, "wichai", "cases"))
    press(app, "ถอนความเห็น")
    assert opinions.holding(accounts.people, WICHAI) == []


def kong_is_away(home: Path) -> None:
    """The roll of the run's last week: no mark but absent."""
    days = {date(2026, 6, 1) + timedelta(n): "A" for n in range(5)}
    add(Store(home), roll=[page(KONG.learner_id, 2569, days, school_id=THUNG_NA)])


def test_on_the_childs_page_a_letter_is_printed_and_noted_as_sent(accounts: Accounts, tmp_path: Path) -> None:
    kong_is_away(tmp_path)
    app = opened_by(accounts, "somsri", "child", KONG)
    key = key_of(tmp_path, KONG.learner_id)
    assert "ถึงกำหนดส่งหนังสือถึงผู้ปกครอง ฉบับที่ 1" in text_of(app)
    assert f'"/export/letter.pdf?child={key}"' in text_of(app)
    app = press(app, "ส่งแล้ว")
    ((case, steps),) = cases.of_child(accounts.people, WICHAI, place(KONG))
    assert (case.letters, case.signal, [one.kind for one in steps]) == (1, "in_row", ["signal", "letter"])
    assert "ถึงกำหนดส่งหนังสือ" not in text_of(app) and "ส่งหนังสือแล้ว 1 ฉบับ" in text_of(app)


def test_letters_due_stand_on_the_page_cases_and_several_are_noted_at_once(accounts: Accounts, tmp_path: Path) -> None:
    assert "ยังไม่มีหนังสือที่ถึงกำหนดส่ง" in text_of(opened_by(accounts, "somsri", "cases"))
    kong_is_away(tmp_path)
    app = opened_by(accounts, "wichai", "cases")
    assert "หนังสือฉบับที่ 1: ไม่มาเรียน 5 วัน" in text_of(app) and '"/export/letters.pdf"' in text_of(app)
    app.multiselect[0].select(key_of(tmp_path, KONG.learner_id)).run()
    app = press(app, "บันทึก")
    ((case, _),) = cases.of_child(accounts.people, WICHAI, place(KONG))
    assert (case.letters, case.owner) == (1, "wichai")
    assert "ยังไม่มีหนังสือที่ถึงกำหนดส่ง" in text_of(app)
