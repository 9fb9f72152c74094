"""One child's story on a telephone of 390 pixels, with paper: seen on Today, named by her teacher, planned, printed,
the code on the sheet opened, the sheet filled in and sent back, a letter home, to the school, the area, back, closed.
On the way a page is loaded anew in the middle of a draft, and the server is killed and started again."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pypdfium2
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect
from test_browser import QUIET
from test_mornings import (
    PHONE,
    STORIES,
    Served,
    browser,
    choose,
    fits,
    go,
    picture,
    press,
    run,
    seat,
    server,
    settled,
    switch,
    th,
    unfold,
    write,
)

from care.visit_sheet import FILLED, PLANNED
from dashboard.ground import now
from dashboard.letters import Due, letters_due
from dashboard.roster import Run
from raksa.access import Scope, class_of
from raksa.calendar import BUDDHIST_ERA, today_in_bangkok
from raksa.demo import PASSWORD
from raksa.settings import Settings
from raksa.store import Store
from tests.cast import MORNING

__all__ = ["browser", "run", "seat", "server"]
pytestmark = pytest.mark.browser

TEACHER, HEAD, OFFICER = "kru-fon", "ph-o-thon", "officer"
AGREED = "แม่จะพามาส่งเอง โรงเรียนให้ยืมรถจักรยาน เริ่มวันจันทร์"
CALLED = "โทรคุยกับแม่แล้ว รถจักรยานเสีย จะไปเยี่ยมที่บ้าน"


@dataclass(frozen=True)
class Paper:
    """A PDF as a person holds it: pages as pictures."""

    file: Path

    def pages(self) -> list[Image.Image]:
        document = pypdfium2.PdfDocument(self.file)
        try:
            return [page.render(scale=2).to_pil() for page in document]
        finally:
            document.close()

    def codes(self) -> list[str]:
        """What the codes on its pages say, read from the pictures."""
        return [code.text for page in self.pages() for code in zxingcpp.read_barcodes(page)]

    def picture(self, name: str, which: int = 0) -> None:
        if os.environ.get("PICTURES") == "write":
            self.pages()[which].save(STORIES / f"{name}.png")


@pytest.fixture
def due(server: Served, run: Run) -> Due:
    """A child beyond a line whom the list does not name, with a teacher, a head and an area of her own."""
    today = today_in_bangkok(now())
    with server.accounts() as accounts:
        found = letters_due(run, Store(server.home), Settings(home=server.home), accounts.people, None, today)
        due = next(one for one in found if not one.child.listed and not one.child.cannot_score)
        child = due.child
        for username, name, role, scope in (
            (TEACHER, "ครูฝน ใจเย็น", "teacher", Scope("class", class_of(child.school_id, child.grade, child.room))),
            (HEAD, "ผู้อำนวยการธร", "school", Scope("school", child.school_id)),
        ):
            accounts.create_person(username, name, role, (scope,), PASSWORD, MORNING, must_change_password=False)
    return due


def saved(page: Page, link: str, to: Path) -> Path:
    with page.expect_download() as download:
        page.locator(f"a[href^='{link}']").first.click()
    download.value.save_as(to)
    return to


def filled_in(sheet: Path, key: str, today: date) -> None:
    """As somebody at school does in Excel: a date in its cell, words chosen from the lists the sheet offers."""
    book = openpyxl.load_workbook(sheet)
    page = book.worksheets[0]
    column = {cell.value: cell.column for cell in page[1]}
    line = next(row[0].row for row in page.iter_rows(min_row=2) if row[column[PLANNED["key"][0]] - 1].value == key)

    def put(field: str, value: object) -> None:
        page.cell(line, column[FILLED[field][0]], value)

    def offered(field: str, n: int) -> str:
        at = page.cell(line, column[FILLED[field][0]]).coordinate
        rule = next(rule for rule in page.data_validations.dataValidation if at in rule.sqref)
        name, _, cells = rule.formula1.lstrip("=").partition("!")
        return str([cell.value for (cell,) in book[name][cells.replace("$", "")]][n])

    page.cell(line, column[FILLED["on"][0]], today).number_format = "DD/MM/YYYY"
    put("mode", offered("mode", 0))
    put("met", offered("met", 1))
    put("cause_1", offered("cause_1", 1))
    put("agreed", AGREED)
    put("next_on", f"{(later := today + timedelta(7)).day}/{later.month}/{later.year + BUDDHIST_ERA}")
    book.save(sheet)


def take_along(page: Page, name: str) -> None:
    """Chooses a child beside the list, by typing; a list that dropped down may close again while the page is drawn."""
    box = page.get_by_test_id("stMultiSelect").filter(has_text=th("Also these children"))
    for _ in range(5):
        box.get_by_role("combobox").fill(name)
        page.wait_for_timeout(700)
        page.keyboard.press("Enter")
        settled(page)
        if box.get_by_text(name).count():
            break
    page.keyboard.press("Escape")
    expect(box.get_by_text(name)).to_be_visible()


def give_to(page: Page, username: str, why: str) -> None:
    unfold(page, "Give it to somebody")
    write(page, "Account of the person", username)
    page.get_by_role("textbox", name=th("What is known")).locator("visible=true").last.fill(why)
    press(page, "Hand over")


def test_one_child_from_a_sign_over_paper_to_a_closed_case(
    server: Served, seat: Callable[..., Page], due: Due, tmp_path: Path
) -> None:
    child, today = due.child, today_in_bangkok(now())
    teacher = seat(TEACHER, PHONE)

    # Today names her; the list does not. So her teacher does, and opens a case.
    go(teacher, "/today")
    teacher.get_by_role("link", name=child.name).first.click()
    teacher.wait_for_url("**/child?**")
    teacher.wait_for_function(QUIET)
    at = teacher.url
    write(teacher, "Why you think so", "รถจักรยานเสีย แม่ทำงานกะดึก")
    press(teacher, "Name this child")
    unfold(teacher, "Open a case")
    choose(teacher, "What is the sign", th("days away in a row"))
    write(teacher, "What is known", "ไม่มาเรียนทั้งสัปดาห์")
    press(teacher, "Open it")
    expect(teacher.get_by_text(f"{th('Whose turn')}: ครูฝน ใจเย็น").first).to_be_visible()
    assert fits(teacher)

    # A visit is planned, and goes along on paper.
    go(teacher, "/plan")
    take_along(teacher, child.name)
    teacher.get_by_test_id("stButtonGroup").nth(1).get_by_role("button").nth(1).click()
    settled(teacher)
    press(teacher, "Make the plan")
    visit = teacher.locator(".raksa ol").get_by_role("link", name=child.name)
    expect(visit).to_be_visible(timeout=30000)
    assert fits(teacher)
    visit.scroll_into_view_if_needed()
    picture(teacher, "3-the-plan-phone")
    paper = Paper(saved(teacher, "/export/visits.pdf", tmp_path / "visits.pdf"))
    sheet = saved(teacher, "/export/visits.xlsx", tmp_path / "visits.xlsx")
    address = f"{server.url}/visit?child={child.key}"
    codes = paper.codes()
    assert address in codes
    paper.picture("4-the-sheet-with-its-code", 1 + codes.index(address))

    # The code opens her form. What is being written there outlives a reload and a server that is killed.
    teacher.goto(address)
    teacher.wait_for_function(QUIET)
    expect(teacher.get_by_role("heading", level=1, name=child.name)).to_be_visible()
    teacher.get_by_test_id("stButtonGroup").get_by_text("โทรศัพท์หรือวิดีโอคอล").click()
    settled(teacher)
    write(teacher, "What was agreed: who does what by when", CALLED)
    agreed = teacher.get_by_role("textbox", name=th("What was agreed: who does what by when"))
    teacher.reload()
    teacher.wait_for_function(QUIET)
    expect(agreed).to_have_value(CALLED)
    server.kill()
    server.start()
    teacher.reload()
    teacher.wait_for_function(QUIET)
    expect(agreed).to_have_value(CALLED)
    assert fits(teacher)
    press(teacher, "Hand in")
    teacher.wait_for_url("**/child?**")
    teacher.wait_for_function(QUIET)

    # The sheet comes back from Excel; sent twice it is one visit.
    filled_in(sheet, child.key, today)
    go(teacher, "/plan")
    expect(visit).to_be_visible()  # kept through the restart
    for written, same in ((1, 0), (0, 1)):
        teacher.locator("input[type=file]").set_input_files(sheet)
        settled(teacher)
        press(teacher, "Hand in these visits")
        said = "Written: {n}. Handed in before: {same}. Not filled in: {empty}. To mend: {wrong}."
        expect(teacher.get_by_text(th(said, n=written, same=same, empty=len(codes) - 1, wrong=0))).to_be_visible()
    assert fits(teacher)
    picture(teacher, "5-the-sheet-came-back-phone")
    go(teacher, at)
    told = teacher.get_by_role("row").all_inner_texts()
    assert [sum(words in line for line in told) for words in (CALLED, AGREED)] == [1, 1]

    # The first letter is due: printed, sent, written down.
    letter_is_due = teacher.get_by_role("heading", name=th("Letter {n} to the guardian is due", n=1))
    expect(letter_is_due).to_be_visible()
    letter = Paper(saved(teacher, "/export/letter.pdf", tmp_path / "letter.pdf"))
    assert len(letter.pages()) == 1
    letter.picture("6-the-letter")
    press(teacher, "It was sent")
    expect(teacher.get_by_text(th("Letters home: {n}", n=1)).first).to_be_visible()
    expect(letter_is_due).to_have_count(0)

    # To the school, to the area, and back; closed with a cause of the official list.
    give_to(teacher, HEAD, "ขอทุนและรถรับส่ง")
    head = seat(HEAD, PHONE)
    go(head, "/cases")
    switch(head, "Only those whose turn is mine")
    settled(head)
    press(head, "Open")
    head.wait_for_url("**/child?**")
    head.wait_for_function(QUIET)
    assert any(AGREED in line for line in head.get_by_role("row").all_inner_texts())
    give_to(head, OFFICER, "ขอรถรับส่งของเขต")
    officer = seat(OFFICER, PHONE)
    go(officer, "/cases")
    switch(officer, "Only those whose turn is mine")
    settled(officer)
    press(officer, "Open")
    officer.wait_for_url("**/child?**")
    officer.wait_for_function(QUIET)
    unfold(officer, "Add a step")
    choose(officer, "Step", th("Help plan"))
    write(officer, "What came of it", "รถรับส่งของ อบต. รับหน้าบ้านทุกเช้า")
    press(officer, "Add it")
    give_to(officer, HEAD, "โรงเรียนติดตามต่อ")
    go(head, at)
    unfold(head, "Close the case")
    choose(head, "How it ended", th("the way to school"))
    head.get_by_role("textbox", name=th("What is known")).locator("visible=true").first.fill("มาเรียนทุกวันแล้ว")
    press(head, "Close it")
    expect(head.get_by_role("cell", name=th("Closed"), exact=True)).to_be_visible()

    go(officer, at)
    lines = officer.get_by_role("row").all_inner_texts()
    for words in ("ไม่มาเรียนทั้งสัปดาห์", CALLED, AGREED, "รถรับส่งของ อบต.", "โรงเรียนติดตามต่อ", "มาเรียนทุกวันแล้ว"):
        assert any(words in line for line in lines), words
    expect(officer.get_by_text(th("the way to school")).first).to_be_visible()
    expect(officer.get_by_role("heading", name=th("Letter {n} to the guardian is due", n=1))).to_have_count(0)
    assert fits(officer)
    officer.get_by_role("cell", name=th("Closed"), exact=True).scroll_into_view_if_needed()
    picture(officer, "7-closed-with-its-history-phone")
    for page in (teacher, head, officer):
        page.context.close()
