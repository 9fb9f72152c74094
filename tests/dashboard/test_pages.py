"""The pages themselves, run without a browser: who gets which, and what stands on them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_run import NAME, with_people, write_run
from streamlit.testing.v1 import AppTest

from dashboard import ground, pages
from dashboard.keys import key_of
from raksa.accounts import Accounts, session_id
from raksa.audit import entries
from tests.cast import ADULTS, BAIBUA, KONG, MALI, PASSWORD, Person

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
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info, app.html)
    return "\n".join(str(getattr(one, "value", "") or getattr(one, "body", "")) for kind in kinds for one in kind)


def test_somsri_reads_names_and_reasons_and_no_number_beside_a_child(accounts: Accounts) -> None:
    page = text_of(opened_by(accounts, "somsri", "lists"))
    assert "เด็กชายก้อง เก่งกล้า" in page and "ขาดเรียนโดยไม่ลา 8 วัน จาก 20 วันล่าสุด" in page
    assert "**2** คน ต้องดูแลเพิ่มในตอนนี้" in page
    assert page.index("ก้อง") < page.index("มะลิ")
    assert "ใบบัว" not in page and "ฟ้า" not in page
    assert "%" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL) and "โอกาส" not in page


def test_kamol_reads_what_the_list_promises_and_what_it_misses(accounts: Accounts) -> None:
    page = text_of(opened_by(accounts, "kamol"))
    assert "จากรายชื่อ **4** คนนี้ คาดว่า **ประมาณ 1 คน (0–3)** จะออกกลางคันภายใน 10\u00a0พ.ย.\u00a02569" in page
    assert "ยังมีผู้ที่อาจออกอีก **ประมาณ 1 คน (0–2)** ที่ไม่อยู่ในรายชื่อ" in page
    assert "ประมาณ 61%" in page
    assert "ยังประเมินไม่ได้" in page and "ครูประจำชั้นและนายทะเบียน" in page


def test_kamol_searches_chooses_a_school_and_turns_pages(accounts: Accounts) -> None:
    app = opened_by(accounts, "kamol")
    app.text_input(key="search").set_value("ใบบัว").run()
    assert "ใบบัว" in text_of(app) and "ก้อง" not in text_of(app)
    app.text_input(key="search").set_value("").run()
    app.selectbox(key="school-th").select("10000002").run()
    assert "ฟ้า" in text_of(app) and "ก้อง" not in text_of(app)
    app.selectbox(key="school-th").set_value(None)
    app.toggle(key="everyone").set_value(True).run()
    assert text_of(app).count("/child?child=") == 20
    assert app.pagination[0].value == 1


def test_the_language_is_kept_for_the_next_time(accounts: Accounts) -> None:
    app = opened_by(accounts, "kamol")
    app.segmented_control(key="language").set_value("en").run()
    assert "Children who need someone" in text_of(app) and "10\u00a0Nov\u00a02026" in text_of(app)
    assert "Absent five days in a row" in text_of(app)
    assert "Children who need someone" in text_of(opened_by(accounts, "kamol"))


def test_opening_mali_shows_whom_to_call_and_is_logged_once(accounts: Accounts) -> None:
    app, key = opened_by(accounts, "somsri", "lists"), key_of(ground.ground().settings.home, KONG.learner_id)
    assert f'<a href="/child?child={key}" target="_self">เด็กชายก้อง เก่งกล้า</a>' in text_of(app)
    for _twice in range(2):
        app.switch_page("views/child.py")
        app.query_params["child"] = key
        app.run()
    page = text_of(app)
    assert "เด็กชายก้อง เก่งกล้า" in page and "ยายก้อง (ยาย)" in page and "tel:081-000-0000" in page
    assert "โอกาส" not in page
    (line,) = entries(accounts.people, learner_id=KONG.learner_id)
    assert (line.who, line.what, line.about, line.reason) == ("somsri", "read_child", f"run {NAME}", "homeroom")


def test_a_child_that_is_not_somsris_does_not_open_and_the_attempt_is_logged(accounts: Accounts) -> None:
    app = opened_by(accounts, "somsri")
    app.query_params["child"] = key_of(ground.ground().settings.home, BAIBUA.learner_id)
    app.switch_page("views/child.py").run()
    assert "ใบบัว" not in text_of(app) and "ไม่อยู่ในความดูแลของท่าน" in text_of(app)
    (line,) = entries(accounts.people, learner_id=BAIBUA.learner_id)
    assert (line.what, line.reason) == ("read_child_refused", "not in the scope of this account")


@pytest.mark.parametrize("person", ADULTS, ids=lambda p: p.username)
def test_every_page_of_every_role_runs(accounts: Accounts, person: Person) -> None:
    app = opened_by(accounts, person.username)
    for name in pages.pages_for(person):
        app.switch_page(f"views/{name}.py").run()
        assert not app.exception and app.title, name
    if person.role in ("province", "researcher", "admin"):
        assert not any(one.first_name in text_of(app) for one in (MALI, KONG, BAIBUA))


def test_signed_out_means_the_next_click_shows_nothing(accounts: Accounts) -> None:
    app = opened_by(accounts, "somsri")
    accounts.sign_out_everywhere("somsri")
    app.run()
    assert "ก้อง" not in text_of(app) and "/login" in text_of(app)


def test_a_new_scope_holds_from_the_next_click(accounts: Accounts) -> None:
    app = opened_by(accounts, "somsri", "lists")
    accounts.set_scopes("somsri", [])
    app.run()
    assert "ก้อง" not in text_of(app) and "ไม่มีนักเรียนตามที่เลือก" in text_of(app)


def test_without_a_run_the_page_says_who_must_do_what(
    accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened_by(accounts, "somsri")
    pointer = tmp_path / "current.json"
    held = pointer.read_text(encoding="utf-8")
    pointer.unlink()
    app.run()
    pointer.write_text(held, encoding="utf-8")
    assert "ยังไม่มีรายชื่อ" in text_of(app) and not app.exception


def test_a_list_of_another_version_is_called_that(accounts: Accounts, tmp_path: Path) -> None:
    app = opened_by(accounts, "somsri")
    file = tmp_path / "current.json"
    held = file.read_text(encoding="utf-8")
    (tmp_path / "runs" / "2026-06-01-old").mkdir()
    file.write_text(json.dumps(json.loads(held) | {"run": "2026-06-01-old"}), encoding="utf-8")
    app.run()
    file.write_text(held, encoding="utf-8")
    said = text_of(app)
    assert "สร้างด้วย Raksa รุ่นอื่น" in said and "ยังไม่มีรายชื่อ" not in said and str(tmp_path) not in said


def test_every_role_has_a_page_and_every_page_a_role() -> None:
    assert {name for p in ADULTS for name in pages.pages_for(p)} == set(pages.PAGES)
    assert all((APP.parent / "views" / f"{name}.py").is_file() for name in pages.PAGES)
    assert {f.stem for f in (APP.parent / "views").glob("*.py")} == set(pages.PAGES)
