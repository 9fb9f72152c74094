"""The page of one child and its files: opened by an address, for those who may, and written to the log first."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import httpx
import pypdfium2
import pytest
from playwright.sync_api import expect, sync_playwright
from served import Server, serving
from small_register import add
from small_run import MORNING, NAME, with_people, write_run
from streamlit.testing.v1 import AppTest
from test_browser import CUT, QUIET, WIDER_THAN_SCREEN, _launched
from test_pages import opened_by, text_of
from test_record import REGISTER

from care.contacts import Place, change, of_child, write
from dashboard import ground
from dashboard.keys import key_of
from raksa.accounts import Accounts
from raksa.audit import entries
from raksa.store import Store
from tests.cast import ADULTS, BAIBUA, EK, KAMOL, KONG, MALI, PASSWORD, SOMSRI, THUNG_NA, WICHAI, Learner, Person

PLACE = Place(KONG.learner_id, THUNG_NA, "2401", "ม.3", "1")


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Accounts]:
    add(write_run(tmp_path), **REGISTER)
    opened = with_people(tmp_path)
    monkeypatch.setenv("RAKSA_HOME", str(tmp_path))
    ground.ground.cache_clear()
    yield opened
    ground.current_run().close()
    ground.ground().accounts.close()
    ground.ground.cache_clear()
    opened.close()


def child_page(accounts: Accounts, username: str, one: Learner) -> AppTest:
    app = opened_by(accounts, username)
    app.query_params["child"] = key_of(ground.ground().settings.home, one.learner_id)
    app.switch_page("views/child.py").run()
    assert not app.exception
    return app


def button(app: AppTest, label: str):
    return next(one for one in app.button if one.label == label)


def seen(app: AppTest) -> str:
    tables = re.sub(r"<style>.*?</style>", "", text_of(app), flags=re.DOTALL)
    return tables + "\n".join(
        str(one.value) for kind in (app.text, app.success, app.warning, app.error) for one in kind
    )


# ------------------------------------------------------------------------------------------ the page
def test_somsri_reads_kongs_record_strengths_first_and_no_figure_of_his_chance(accounts: Accounts) -> None:
    page = seen(child_page(accounts, "somsri", KONG))
    headings = ["เด็กชายก้อง เก่งกล้า", "สิ่งที่ทำได้ดี", "สิ่งที่ควรทราบ", "ติดต่อใคร", "สิ่งที่ทำไปแล้ว", "การมาเรียน", "ผลการเรียน"]
    assert all(words in page for words in headings)
    assert "ขาดเรียนโดยไม่ลา 8 วัน จาก 20 วันล่าสุด" in page and "tel:081-000-0000" in page
    assert "ยังค้าง: คณิตศาสตร์ (ค22101) ภาคเรียน 2/2568 ได้ 0 ตั้งแต่ 10 เม.ย. 2569" in page
    assert "โรงเรียนวัดป่าไผ่" in page and "ย้ายโรงเรียนแล้วนับต่อ" in page
    assert "ญาติ" in page and "ยากจน" not in page and "ทุนเสมอภาค" not in page
    assert "โอกาส" not in page and "ประมาณ 61" not in page


def test_the_parts_of_the_page_stand_in_order_of_what_helps(accounts: Accounts) -> None:
    app = child_page(accounts, "somsri", KONG)
    headers = [one.value for one in app.header]
    first = ["สิ่งที่ทำได้ดี", "สิ่งที่ควรทราบ", "ติดต่อใคร", "สิ่งที่ทำไปแล้ว", "เรื่องที่ดูแล", "ความเห็นของท่าน", "การมาเรียน"]
    assert headers[:7] == first
    assert headers[-2:] == ["ใครเคยเปิดดูข้อมูลนี้", "เอกสารและไฟล์"]


def test_wichai_reads_the_means_of_the_home_and_the_estimate(accounts: Accounts) -> None:
    page = seen(child_page(accounts, "wichai", KONG))
    assert "ผลคัดกรอง: ยากจน" in page and "ทุนเสมอภาค" in page and "ประมาณ 61%" in page


def test_the_calendar_is_a_table_with_letters_and_words_for_each_day(accounts: Accounts) -> None:
    page = seen(child_page(accounts, "somsri", KONG))
    assert '<td class="away" title="20: ขาด (ไม่ลา)"><i>20</i>ข</td>' in page
    assert '<td title="18: มา"><i>18</i>/</td>' in page and "<caption>พ.ค. 2569</caption>" in page


def test_a_child_nothing_is_known_of_is_said_to_be_not_known(accounts: Accounts) -> None:
    page = seen(child_page(accounts, "kamol", EK))
    assert "ยังไม่มีการส่งข้อมูลการมาเรียนของปีนี้" in page and "ยังไม่มีการส่งผลการเรียน" in page
    assert "ข้อมูลยังไม่บอกอะไร" in page and "ครูประจำชั้นและนายทะเบียน" in page


@pytest.mark.parametrize("key", ["", "0" * 32, "ก้อง"])
def test_an_address_that_leads_to_nobody_says_so(accounts: Accounts, key: str) -> None:
    app = opened_by(accounts, "somsri")
    app.query_params["child"] = key
    app.switch_page("views/child.py").run()
    assert not app.exception and len(app.info) == 1 and not app.header


def test_the_record_shows_who_looked_before(accounts: Accounts) -> None:
    child_page(accounts, "somsri", KONG)
    assert f"ล่าสุด: {SOMSRI.name}" in seen(child_page(accounts, "wichai", KONG))
    lines = entries(accounts.people, learner_id=KONG.learner_id)
    assert [(line.who, line.what, line.about) for line in lines] == [
        ("wichai", "read_child", f"run {NAME}"), ("somsri", "read_child", f"run {NAME}")
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------ writing
def test_somsri_writes_a_visit_and_it_stands_there(accounts: Accounts) -> None:
    app = child_page(accounts, "somsri", KONG)
    app.text_area[0].set_value("ไปเยี่ยมยาย ตกลงว่าจะมาเรียนวันจันทร์").run()
    button(app, "บันทึก").click().run()
    page = seen(app)
    assert "บันทึกแล้ว" in page and "ไปเยี่ยมยาย ตกลงว่าจะมาเรียนวันจันทร์" in page and "เยี่ยมบ้าน" in page
    (one,) = of_child(accounts.people, SOMSRI, PLACE)
    assert (one.kind, one.by, one.restricted) == ("visit", "somsri", False)


def test_an_entry_without_words_is_not_written(accounts: Accounts) -> None:
    app = child_page(accounts, "somsri", KONG)
    button(app, "บันทึก").click().run()
    assert "บันทึกต้องมีข้อความ" in app.error[0].value
    assert of_child(accounts.people, SOMSRI, PLACE) == []


def test_what_is_typed_is_there_again_after_a_look_at_the_list(accounts: Accounts) -> None:
    app = child_page(accounts, "somsri", KONG)
    app.text_area[0].set_value("ยังเขียนไม่จบ").run()
    app.switch_page("views/lists.py").run()
    app.query_params["child"] = key_of(ground.ground().settings.home, KONG.learner_id)
    app.switch_page("views/child.py").run()
    assert app.text_area[0].value == "ยังเขียนไม่จบ"


def test_a_restricted_entry_is_named_and_not_shown(accounts: Accounts) -> None:
    write(accounts.people, WICHAI, PLACE, on=date(2026, 6, 5), kind="note", text="ลับ", now=MORNING, restricted=True)
    page = seen(child_page(accounts, "somsri", KONG))
    assert "มีบันทึกที่จำกัดผู้อ่าน" in page and WICHAI.name in page and "ลับ<" not in page


def test_who_changes_an_entry_second_is_told_and_nothing_is_lost(accounts: Accounts) -> None:
    one = write(accounts.people, SOMSRI, PLACE, on=date(2026, 6, 5), kind="call", text="โทรแล้ว", now=MORNING)
    app = child_page(accounts, "somsri", KONG)
    button(app, "แก้ไข").click().run()
    change(accounts.people, WICHAI, one.id, one.version, text="โทรแล้ว แม่รับสาย", now=datetime.now(UTC))
    app.text_area[1].set_value("โทรแล้ว ไม่มีคนรับ").run()
    button(app, "บันทึกการแก้ไข").click().run()
    assert "มีผู้อื่นแก้ไข" in app.warning[0].value and app.text[0].value == "โทรแล้ว แม่รับสาย"
    (present,) = of_child(accounts.people, SOMSRI, PLACE)
    assert present.text == "โทรแล้ว แม่รับสาย" and app.text_area[1].value == "โทรแล้ว ไม่มีคนรับ"
    button(app, "บันทึกการแก้ไข").click().run()
    (present,) = of_child(accounts.people, SOMSRI, PLACE)
    assert present.text == "โทรแล้ว ไม่มีคนรับ" and present.version == 3


def test_a_change_begun_anew_begins_with_what_stands_now(accounts: Accounts) -> None:
    one = write(accounts.people, SOMSRI, PLACE, on=date(2026, 6, 5), kind="call", text="โทรแล้ว", now=MORNING)
    app = child_page(accounts, "somsri", KONG)
    button(app, "แก้ไข").click().run()
    app.text_area[1].set_value("ร่างที่ไม่เอา").run()
    button(app, "คงไว้ตามเดิม").click().run()
    change(accounts.people, WICHAI, one.id, one.version, text="โทรแล้ว แม่รับสาย", now=datetime.now(UTC))
    app.run()
    button(app, "แก้ไข").click().run()
    assert app.text_area[1].value == "โทรแล้ว แม่รับสาย"


# ------------------------------------------------------------------------------------------ on a phone
@pytest.mark.browser
def test_on_a_phone_nothing_is_cut_and_headings_go_down_step_by_step(tmp_path: Path) -> None:
    with serving(tmp_path) as server, sync_playwright() as playwright:
        add(Store(server.home), **REGISTER)
        chromium = _launched(playwright)
        page = chromium.new_page(viewport={"width": 390, "height": 6000}, locale="th-TH")
        page.goto(f"{server.url}/login")
        page.fill("#username", "somsri")
        page.fill("#password", PASSWORD)
        page.get_by_role("button", name="เข้าใช้").click()
        page.wait_for_function(QUIET)
        page.goto(f"{server.url}/child?child={key_of(server.home, KONG.learner_id)}")
        page.wait_for_function(QUIET)
        expect(page.get_by_role("heading", name="เด็กชายก้อง เก่งกล้า")).to_be_visible()
        expect(page.get_by_text("เอกสารและไฟล์")).to_be_visible()
        assert page.evaluate(WIDER_THAN_SCREEN) <= 0 and page.evaluate(CUT) == []
        levels = page.evaluate("() => [...document.querySelectorAll('h1,h2,h3')].map(e => Number(e.tagName[1]))")
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(below - above <= 1 for above, below in pairwise(levels))
        expect(page.get_by_role("table", name="พ.ค. 2569")).to_be_visible()
        page.get_by_text("บันทึกสิ่งที่ทำ").click()
        page.get_by_label("ทำอะไรไปแล้ว").fill("ไปเยี่ยมยายของก้อง")
        page.get_by_role("button", name="บันทึก", exact=True).click()
        expect(page.get_by_text("ไปเยี่ยมยายของก้อง")).to_be_visible()
        page.reload()
        expect(page.get_by_text("ไปเยี่ยมยายของก้อง")).to_be_visible()
        chromium.close()


# ------------------------------------------------------------------------------------------ files
def of_file(server: Server, person: Person, one: Learner, kind: str, **more: str) -> httpx.Response:
    with server.signed_in(person.username) as client:
        return client.get(f"/export/child.{kind}", params={"child": key_of(server.home, one.learner_id), **more})


@pytest.mark.parametrize("kind", ["pdf", "json", "csv"])
def test_files_of_a_child_go_to_those_who_may_see_her_and_are_logged(server: Server, kind: str) -> None:
    for person in ADULTS:
        for one in (MALI, BAIBUA):
            answer = of_file(server, person, one, kind)
            may = person in (WICHAI, KAMOL) or (person is SOMSRI and one is MALI)
            assert answer.status_code == (200 if may else 403), (person.username, one.first_name)
            if not may:
                assert answer.text == "Forbidden"
    with server.accounts() as accounts:
        lines = [e for e in entries(accounts.people, learner_id=BAIBUA.learner_id) if kind in e.what + e.about]
    assert {(line.who, line.what) for line in lines} >= {
        ("wichai", f"export_child_{kind}"), ("kamol", f"export_child_{kind}"), ("somsri", "export_refused")
    }  # fmt: skip
    assert next(line.reason for line in lines if line.who == "somsri") == "not in the scope of this account"


def test_the_paper_holds_the_parts_that_were_asked_for(server: Server) -> None:
    def words(**more: str) -> str:
        with pypdfium2.PdfDocument(of_file(server, SOMSRI, KONG, "pdf", **more).content) as document:
            return "".join(document[n].get_textpage().get_text_bounded() for n in range(len(document)))

    usual, bare = words(), words(fields="guardian")
    assert "081-000-0000" in usual and "081-000-0000" in bare
    assert "ขาดเรียน" in usual and "ขาดเรียน" not in bare


def test_the_files_hold_names_and_no_estimate(server: Server) -> None:
    held = json.loads(of_file(server, WICHAI, KONG, "json").content)
    assert (held["format"], held["version"], held["learner"]["name"]) == ("raksa-child", 1, "เด็กชายก้อง เก่งกล้า")
    assert "risk" not in json.dumps(held) and KONG.citizen_id not in json.dumps(held)
    sheet = of_file(server, WICHAI, KONG, "csv").content.decode("utf-8-sig")
    assert next(csv.DictReader(io.StringIO(sheet)))["kind"] == "learner"


def test_a_name_of_a_file_names_no_child(server: Server) -> None:
    answer = of_file(server, SOMSRI, KONG, "pdf")
    assert answer.headers["content-disposition"] == 'attachment; filename="raksa-child-2026-06-08.pdf"'
    assert answer.headers["cache-control"] == "no-store"


def test_the_list_on_paper_is_the_list_of_the_page(server: Server) -> None:
    with server.signed_in("kamol") as client:
        made = client.get("/export/list.pdf", params={"cols": "name,grade", "sort": "name"}).content
        sheet = client.get("/export/list.csv", params={"cols": "name,grade", "sort": "name"}).content
        assert client.get("/export/list.pdf?school=nowhere").status_code == 200
    with pypdfium2.PdfDocument(made) as document:
        page = document[0].get_textpage().get_text_bounded()
    grades = [row[1] for row in csv.reader(io.StringIO(sheet.decode("utf-8-sig")))][1:]
    assert [page.count(grade) for grade in set(grades)] == [grades.count(grade) for grade in set(grades)]
    assert "(0–3)" in page and "2569" in page and "1 / 1" in page
    with (
        server.signed_in("somsri") as client,
        pypdfium2.PdfDocument(client.get("/export/list.pdf").content) as document,
    ):
        page = document[0].get_textpage().get_text_bounded()
    assert "(0–" not in page and "0.61" not in page
    with server.signed_in("rung") as client:
        assert client.get("/export/list.pdf").status_code == 403
