"""What people see: a real chromium, a real server, desktop and phone."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

import pytest
from browser import chromium
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright
from served import Server

from tests.cast import CHILDREN, PASSWORD

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
# "notRunning" is also true for a moment before the first run, so the line above the page is waited for as well.
QUIET = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app && document.querySelector('.raksa.bar')
    && app.getAttribute('data-test-script-state') === 'notRunning'
    && app.getAttribute('data-test-connection-state') === 'CONNECTED';
}"""
# Elements that hide what does not fit in them, and in which Thai does not fit. Marks above and below the line are what
# is lost first: เสี่ยง becomes เสียง.
CUT = """() => [...document.querySelectorAll('body *')].filter(e => {
  const style = getComputedStyle(e);
  return [style.overflowX, style.overflowY].includes('hidden') && e.clientHeight > 1
    && e.scrollHeight > e.clientHeight && /[ก-๙]/.test(e.innerText || '');
}).map(e => `${e.tagName} ${e.innerText.slice(0, 40)} ${e.scrollHeight} > ${e.clientHeight}`)"""
WIDER_THAN_SCREEN = "() => document.documentElement.scrollWidth - window.innerWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield _launched(playwright)


def _launched(playwright: Playwright) -> Browser:
    path = chromium()
    if path is None:
        how = "No chromium: apt-get install chromium, or playwright install chromium."
        pytest.fail(how) if os.environ.get("CI") else pytest.skip(how)
    return playwright.chromium.launch(
        executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    )


@pytest.fixture(scope="module")
def page_of(server: Server, browser: Browser) -> Iterator[Callable[[str], Page]]:
    """A page on which that person has signed in through the form; one sign-in per person serves all tests here."""
    contexts: dict[str, BrowserContext] = {}

    def opened(username: str) -> Page:
        if username not in contexts:
            contexts[username] = browser.new_context(locale="th-TH", base_url=server.url)
            page = contexts[username].new_page()
            page.goto("/")
            page.fill("#username", username)
            page.fill("#password", PASSWORD)
            page.get_by_role("button", name="เข้าใช้").click()
        else:
            page = contexts[username].pages[0]
            page.goto("/")
        page.set_viewport_size({"width": 1280, "height": 1200})
        page.wait_for_function(QUIET)
        return page

    yield opened
    for context in contexts.values():
        context.close()


def test_somsri_sees_her_class_and_no_score(page_of: Callable[[str], Page]) -> None:
    page = page_of("somsri")
    expect(page.get_by_role("heading", name="ห้องของฉันตอนนี้")).to_be_visible()
    page.get_by_role("link", name="รายชื่อ", exact=True).first.click()
    expect(page.get_by_role("heading", level=1, name="นักเรียนที่ต้องดูแลเพิ่ม")).to_be_visible()
    page.wait_for_function(QUIET)
    expect(page.get_by_role("heading", name="เด็กชายก้อง เก่งกล้า")).to_be_visible()
    expect(page.get_by_role("heading", name="เด็กหญิงมะลิ ใจดี")).to_be_visible()
    seen = page.inner_text("body")
    assert "ใบบัว" not in seen and "ฟ้า" not in seen
    assert "%" not in seen and "โอกาส" not in seen and "0.6" not in seen
    page.get_by_role("link", name="เด็กชายก้อง เก่งกล้า").click()
    expect(page.get_by_text("ยายก้อง (ยาย)")).to_be_visible()
    assert "%" not in page.inner_text("body")


def test_somsri_goes_from_her_morning_to_the_child(page_of: Callable[[str], Page]) -> None:
    page = page_of("somsri")
    expect(page.get_by_text("ไม่มาเรียนติดต่อกัน 6 วันเรียน").first).to_be_visible()
    expect(page.get_by_role("link", name="081-000-0000").first).to_have_attribute("href", "tel:081-000-0000")
    assert "%" not in page.inner_text("body") and "ใบบัว" not in page.inner_text("body")
    page.get_by_role("link", name="เด็กชายก้อง เก่งกล้า").first.click()
    expect(page.get_by_role("heading", level=1, name="เด็กชายก้อง เก่งกล้า")).to_be_visible()


def test_kamols_choices_stand_in_the_address_and_back_goes_back(page_of: Callable[[str], Page]) -> None:
    page = page_of("kamol")
    fah = page.get_by_role("heading", name="เด็กหญิงฟ้า")
    expect(fah).to_be_visible()
    switches = page.get_by_test_id("stCheckbox")
    switches.filter(has_text="ใหม่สัปดาห์นี้").locator("label").click()
    switches.filter(has_text="แสดงเป็นตาราง").locator("label").click()  # before the page has answered the first click
    expect(page.get_by_role("cell", name="เด็กชายก้อง เก่งกล้า")).to_be_visible()
    expect(page).to_have_url(re.compile("new=1&view=table$"))
    page.go_back()
    expect(page.get_by_role("cell", name="เด็กชายก้อง เก่งกล้า")).to_be_hidden()  # drawn, before it goes back again
    if "new=1" in page.url:  # the two clicks were answered one by one
        page.go_back()
    expect(fah).to_be_visible()
    assert "new=1" not in page.url


def test_kamol_searches_a_name_and_filters_a_school(page_of: Callable[[str], Page]) -> None:
    page = page_of("kamol")
    kong, baibua = (page.get_by_role("heading", name=name) for name in ("เด็กชายก้อง", "เด็กหญิงใบบัว"))
    expect(kong).to_be_visible()
    search = page.get_by_label("ค้นหาชื่อ")
    search.fill("ใบบัว")
    search.press("Enter")
    expect(kong).to_be_hidden()
    expect(baibua).to_be_visible()
    search.fill("")
    search.press("Enter")
    expect(kong).to_be_visible()
    choose(page, "โรงเรียน", "โรงเรียนวัดป่าไผ่")
    expect(page.get_by_role("heading", name="เด็กหญิงฟ้า ปี่ทอง")).to_be_visible()
    expect(kong).to_be_hidden()


def test_kamol_switches_the_language_and_what_he_chose_stays_chosen(page_of: Callable[[str], Page]) -> None:
    page = page_of("kamol")
    kong, fah = (page.get_by_role("heading", name=name) for name in ("เด็กชายก้อง", "เด็กหญิงฟ้า"))
    expect(fah).to_be_visible()
    switch(page, "English")
    expect(page.get_by_role("heading", name="Children who need someone")).to_be_visible()
    expect(page.get_by_text("Moved school twice in three years")).to_be_visible()
    expect(fah).to_be_visible()  # nothing was chosen, and nothing is
    choose(page, "Reason", "attendance")
    expect(fah).to_be_hidden()
    switch(page, "ไทย")
    expect(page.get_by_role("heading", name="นักเรียนที่ต้องดูแลเพิ่ม")).to_be_visible()
    expect(kong).to_be_visible()
    expect(fah).to_be_hidden()


@pytest.mark.parametrize("username", ["rung", "pim", "admin"])
def test_no_name_of_a_child_reaches_those_who_see_none(page_of: Callable[[str], Page], username: str) -> None:
    page = page_of(username)
    for address in ("/", "/lists", "/child"):
        page.goto(address)
        page.wait_for_function(QUIET)
        seen = page.inner_text("body")
        assert not [one for one in CHILDREN if f"{one.first_name} {one.last_name}" in seen], address


@pytest.mark.parametrize("username", ["somsri", "kamol", "pim", "rung", "admin"])
def test_nothing_is_cut_off_and_a_phone_needs_no_sideways_scroll(page_of: Callable[[str], Page], username: str) -> None:
    page = page_of(username)
    assert page.evaluate(CUT) == []
    page.set_viewport_size(PHONE)
    page.wait_for_function(QUIET)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate(CUT) == []
    assert page.evaluate(WIDER_THAN_SCREEN) <= 0


def test_the_sign_in_form_fits_a_phone(server: Server, browser: Browser) -> None:
    with browser.new_context(base_url=server.url, viewport=PHONE) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto("/")
        assert page.url.endswith("/login")
        assert page.evaluate(CUT) == [] and page.evaluate(WIDER_THAN_SCREEN) <= 0
        assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('16px NSTL', 'ก'))")


def test_a_page_asks_no_other_host_and_breaks_no_rule_of_its_own(server: Server, browser: Browser) -> None:
    asked, said = [], []
    with browser.new_context(base_url=server.url) as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
        _sign_in(page, "kamol")
        own = (server.url, server.url.replace("http", "ws"), "data:", "blob:")
        assert [url for url in asked if not url.startswith(own)] == []
        assert said == []
        assert page.evaluate("document.documentElement.lang") == "th"
        assert page.evaluate("document.cookie").find("raksa_session") == -1


def test_the_map_of_schools_asks_no_other_host(server: Server, browser: Browser) -> None:
    asked, said = [], []
    with browser.new_context(base_url=server.url) as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
        _sign_in(page, "kamol")
        page.goto("/area")
        page.get_by_role("tab", name="แผนที่").click()
        expect(page.locator("[data-testid=stDeckGlJsonChart] canvas").first).to_be_visible()
        expect(page.get_by_role("cell", name="โรงเรียนบ้านทุ่งนา")).to_be_visible()
        page.wait_for_timeout(1500)  # a style is fetched some moments after the canvas is there
        own = (server.url, server.url.replace("http", "ws"), "data:", "blob:")
        assert [url for url in asked if not url.startswith(own)] == []
        assert [text for text in said if "Content Security Policy" in text] == []


def test_signed_out_is_out_and_the_open_tab_shows_nothing_more(server: Server, browser: Browser) -> None:
    with browser.new_context(base_url=server.url) as context, browser.new_context(base_url=server.url) as thief:
        page, left_open = context.new_page(), context.new_page()
        _sign_in(page, "wichai")
        left_open.goto("/")
        left_open.wait_for_function(QUIET)
        thief.add_cookies(context.cookies())
        page.get_by_role("button", name="ออกจากระบบ").click()
        expect(page.get_by_role("heading", name="เข้าใช้รักษา")).to_be_visible()
        stolen = thief.new_page()
        stolen.goto("/")
        assert stolen.url.endswith("/login")
        left_open.get_by_label("ค้นหาชื่อ").fill("มะลิ")
        left_open.get_by_label("ค้นหาชื่อ").press("Enter")
        expect(left_open.get_by_role("link", name="เข้าใช้อีกครั้ง")).to_be_visible()
        expect(left_open.get_by_text("เด็กหญิงมะลิ")).to_have_count(0)


def _sign_in(page: Page, username: str) -> None:
    page.goto("/login")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="เข้าใช้").click()
    page.wait_for_function(QUIET)


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option).click()


def switch(page: Page, language: str) -> None:
    page.get_by_test_id("stButtonGroup").get_by_text(language).click()
