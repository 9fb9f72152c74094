"""The morning's work of each role in a real chromium, over the whole small demo; one child's story through a restart of
the server; two people at once. What is pressed and read is said in English here and looked for in Thai."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pypdfium2
import pytest
from browser import chromium
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from served import Server, free_port, post_login, wait_for
from test_browser import CUT, QUIET, WIDER_THAN_SCREEN

from dashboard.language import speak
from dashboard.roster import Child, Filters, Run, children, open_run
from dashboard.serve import command
from raksa.access import Person, Scope
from raksa.demo import PASSWORD
from raksa.settings import Settings
from raksa.store import Store
from tests.cast import MORNING

pytestmark = pytest.mark.browser

DESK, PHONE = {"width": 1280, "height": 1000}, {"width": 390, "height": 844}
STORIES = Path(__file__).parents[2] / "docs" / "pictures" / "stories"
EVERYBODY = Filters(listed_only=False)
th = speak("th")


@dataclass(frozen=True)
class Served(Server):
    """A server over a home of its own, which can be ended hard and started again at the same address."""

    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        argv, environment = command(Settings(home=self.home, port=int(self.url.rpartition(":")[2])))
        log = self.home / "server.log"
        with log.open("ab") as out:
            self.running.append(
                subprocess.Popen(argv, env=environment, stdout=out, stderr=subprocess.STDOUT, cwd=os.sep)
            )
        wait_for(self.url, self.running[0], log)

    def kill(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()
        self.running.clear()


@pytest.fixture(scope="module")
def server(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("mornings") / "home"
    shutil.copytree(demo_home, home, ignore=shutil.ignore_patterns("demo-files"))
    served = Served(f"http://127.0.0.1:{free_port()}", home)
    port = served.url.rpartition(":")[2]
    address = f'port = {port}\npublic_url = "{served.url}"\n'  # where the codes on paper lead
    (home / "raksa.toml").write_text(address, encoding="utf-8")
    try:
        served.start()
        yield served
    finally:
        served.kill()


@pytest.fixture(scope="module")
def run(server: Served) -> Iterator[Run]:
    with_names = open_run(Store(server.home))
    yield with_names
    with_names.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        how = "No chromium: apt-get install chromium, or playwright install chromium."
        pytest.fail(how) if os.environ.get("CI") else pytest.skip(how)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )


@pytest.fixture(scope="module")
def seat(server: Served, browser: Browser) -> Callable[..., Page]:
    """A browser of her own for a person; the form is filled in the first time, later ones begin signed in."""
    known: dict[str, object] = {}

    def taken(username: str, size: dict[str, int] = DESK) -> Page:
        context = browser.new_context(
            locale="th-TH", base_url=server.url, viewport=size, storage_state=known.get(username)  # type: ignore[arg-type]
        )  # fmt: skip
        context.set_default_timeout(15000)
        page = context.new_page()
        if username not in known:
            page.goto("/")
            sign_in(page, username)
            page.wait_for_function(QUIET)
            known[username] = context.storage_state()
        return page

    return taken


def sign_in(page: Page, username: str, password: str = PASSWORD) -> None:
    page.fill("#username", username)
    page.fill("#password", password)
    page.get_by_role("button", name="เข้าใช้").click()


def go(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_function(QUIET)


def settled(page: Page) -> None:
    """Until what a click has set going is done; it takes a moment before the page knows that it is at work."""
    page.wait_for_timeout(250)
    page.wait_for_function(QUIET)


def press(page: Page, said: str) -> None:
    page.get_by_role("button", name=th(said), exact=True).click()
    settled(page)


def unfold(page: Page, said: str) -> None:
    page.locator("summary").filter(has_text=th(said)).click()
    settled(page)  # a list dropped down while a box unfolds closes again


def write(page: Page, said: str, words: str) -> None:
    """Types into the field one sees, and leaves it."""
    field = page.get_by_role("textbox", name=th(said)).locator("visible=true").first
    field.fill(words)
    field.blur()
    settled(page)


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=th(label)).locator("visible=true").first.click()
    page.get_by_role("option", name=option).first.click()
    settled(page)


def switch(page: Page, said: str) -> None:
    page.get_by_test_id("stCheckbox").filter(has_text=th(said)).locator("label").click()


def heading(page: Page, words: str) -> Locator:
    return page.get_by_role("heading", name=words).first


def fits(page: Page) -> bool:
    return page.evaluate(CUT) == [] and page.evaluate(WIDER_THAN_SCREEN) <= 0


def picture(page: Page, name: str) -> None:
    """With PICTURES=write, what stands before the person now goes to docs/pictures/stories."""
    if os.environ.get("PICTURES") == "write":
        STORIES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=STORIES / f"{name}.png")


def frames(page: Page) -> list[bytes]:
    """All that the server says to this page from now on, as the bytes of its websocket."""
    heard: list[bytes] = []

    def listen(frame: str | bytes) -> None:
        heard.append(frame if isinstance(frame, bytes) else frame.encode())

    page.on("websocket", lambda socket: socket.on("framereceived", listen))
    return heard


def names(found: list[Child]) -> set[str]:
    return {child.name for child in found}


def named(these: set[str], heard: list[bytes]) -> set[str]:
    """Who of these children is named in what was heard; without the title, which a page might leave out."""
    text = b"\n".join(heard).decode(errors="replace")
    return {name for name in these if re.sub("^(เด็กชาย|เด็กหญิง|นาย|นางสาว)", "", name) in text}


def person(server: Served, username: str) -> Person:
    with server.accounts() as accounts:
        found = accounts.person(username)
    assert found is not None
    return found


# --------------------------------------------------------------------------------------------------------- the mornings
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_teacher_writes_what_was_done_and_it_is_there_after_a_reload(
    seat: Callable[..., Page], size: dict[str, int]
) -> None:
    page = seat("teacher", size)
    go(page, "/today")
    link = page.locator(".raksa h3 a").first
    name = link.inner_text()
    link.click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    done = {1280: "โทรคุยกับยายแล้ว จะมาส่งเองพรุ่งนี้", 390: "ยายพามาส่งถึงห้อง วันนี้ยิ้มแย้ม"}[size["width"]]
    unfold(page, "Write what was done")
    write(page, "What was done, and what was agreed", done)
    press(page, "Write it down")
    expect(page.get_by_text(th("Written down."))).to_be_visible()
    page.reload()
    page.wait_for_function(QUIET)
    expect(page.locator("p").filter(has_text=done)).to_have_count(1)
    assert fits(page)
    page.context.close()


def test_the_teacher_signs_out_and_the_back_button_shows_nothing(server: Served, browser: Browser, run: Run) -> None:
    hers = names(children(run, person(server, "teacher"), EVERYBODY))
    with browser.new_context(base_url=server.url) as context:
        page = context.new_page()
        page.goto("/")
        sign_in(page, "teacher")
        go(page, "/lists")
        expect(page.locator(".raksa h2").first).to_be_visible()
        assert named(hers, [page.inner_text("body").encode()])
        page.get_by_role("button", name=th("Sign out")).click()
        page.wait_for_url("**/login")
        page.go_back()
        page.wait_for_timeout(1500)
        assert named(hers, [page.content().encode()]) == set()
        assert page.url.endswith("/login")


@pytest.mark.parametrize(
    ("kept", "first_page"),
    [
        ("%2Fvisit%3Fchild%3D0a", "/visit?child=0a"),
        ("https%3A%2F%2Fexample.org%2Flists", "/lists?"),
        ("%2F%2Fexample.org%2F", "/"),
        ("%2F%5Cexample.org", "/"),
        ("%2Fexport%2Flist.csv", "/"),
    ],
)
def test_what_was_asked_for_before_the_sign_in_leads_to_a_page_of_ours_only(
    server: Served, kept: str, first_page: str
) -> None:
    with server.browser() as client:
        client.cookies.set("raksa_wanted", kept)
        answer = post_login(client, "teacher", PASSWORD)
        assert (answer.status_code, answer.headers["location"]) == (303, first_page)


def test_the_director_shares_a_view_and_takes_it_along_as_files(
    server: Served, seat: Callable[..., Page], browser: Browser, tmp_path: Path
) -> None:
    page = seat("director")
    go(page, "/lists")
    switch(page, "As a table")
    page.wait_for_url("**view=table**")
    switch(page, "New this week")
    page.wait_for_url("**new=1**")
    page.wait_for_function(QUIET)
    seen = page.locator(".raksa.sheet tbody td:first-child a").all_inner_texts()
    assert seen
    for kind in ("xlsx", "pdf"):
        with page.expect_download() as download:
            page.locator(f"a[href^='/export/list.{kind}']").click()
        download.value.save_as(tmp_path / f"list.{kind}")
    table = pd.read_excel(tmp_path / "list.xlsx", engine="calamine")
    assert table[th("Name")].tolist() == seen
    paper = pypdfium2.PdfDocument(tmp_path / "list.pdf")
    text = "".join(sheet.get_textpage().get_text_range() for sheet in paper)
    squeezed = re.sub(r"\s", "", text)
    assert [name for name in seen if re.sub(r"\s", "", name) not in squeezed] == []
    paper.close()
    with browser.new_context(locale="th-TH", base_url=server.url) as elsewhere:
        other = elsewhere.new_page()
        other.goto(page.url)
        sign_in(other, "director")
        expect(other.locator(".raksa.sheet tbody td:first-child a")).to_have_text(seen)
    page.context.close()


def test_the_director_says_how_many_the_school_can_see_to_and_why(seat: Callable[..., Page]) -> None:
    page = seat("director")
    go(page, "/settings")
    field = page.get_by_role("spinbutton")
    field.fill("17")
    field.blur()
    press(page, "Save")
    expect(page.get_by_text(th("Say why in a sentence, for those who ask later."))).to_be_visible()
    write(page, "Why, in a sentence", "มีครูแนะแนวเพิ่มหนึ่งคน")
    press(page, "Save")
    row = page.get_by_role("row").filter(has_text="มีครูแนะแนวเพิ่มหนึ่งคน")
    expect(row.get_by_role("cell", name="17", exact=True)).to_be_visible()
    page.context.close()


def test_the_officer_counts_looks_at_the_map_reports_and_filters_a_school(
    server: Served, seat: Callable[..., Page], run: Run
) -> None:
    page = seat("officer")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    go(page, "/area")
    page.get_by_role("tab", name=th("Counts"), exact=True).click()
    choose(page, "Rows", th("Sex"))
    expect(page.get_by_role("columnheader", name=th("Sex"), exact=True)).to_be_visible()
    page.get_by_role("tab", name=th("Map"), exact=True).click()
    expect(page.locator("[data-testid=stDeckGlJsonChart] canvas").first).to_be_visible()
    page.wait_for_timeout(1500)  # a style is fetched some moments after the canvas is there
    own = (server.url, server.url.replace("http", "ws"), "data:", "blob:")
    assert [url for url in asked if not url.startswith(own)] == []
    page.get_by_role("tab", name=th("Report"), exact=True).click()
    expect(heading(page, th("Figures to report"))).to_be_visible()
    copied = page.get_by_test_id("stCode").inner_text()
    said = page.context.request.get("/export/area.csv").body().decode("utf-8-sig")
    figures = [f"{name}: {value}" for name, value, *_about in list(csv.reader(said.splitlines()))[1:]]
    assert figures and [figure for figure in figures if figure not in copied] == []
    school = children(run, person(server, "officer"), Filters())[0].school
    go(page, "/lists")
    choose(page, "School", school)
    expect(page).to_have_url(re.compile("school="))
    page.wait_for_function(QUIET)
    assert {place.split(" · ")[1] for place in page.locator(".raksa h2 + p.small").all_inner_texts()} == {school}
    go(page, "/data")
    page.get_by_role("tab", name=th("Children on no list"), exact=True).click()
    expect(heading(page, th("Children on no list"))).to_be_visible()
    page.context.close()


def test_no_name_of_a_child_is_in_the_bytes_the_province_gets(
    server: Served, seat: Callable[..., Page], run: Run
) -> None:
    everybody = names(children(run, None, EVERYBODY))
    page, officers = seat("province"), seat("officer")
    heard, control = frames(page), frames(officers)
    go(officers, "/lists")
    assert named(everybody, control)  # or the test would hear nothing
    go(page, "/area")
    tabs = page.get_by_role("tab")
    for at in range(tabs.count()):
        tabs.nth(at).click()
        settled(page)
    for address in ("/model", "/how", "/lists", "/child", "/today"):
        go(page, address)
    files = [page.context.request.get(a) for a in ("/export/area.csv", "/export/list.csv", "/model/card")]
    assert [file.status for file in files] == [200, 403, 200]
    assert th("hidden").encode() in b"".join(heard)
    assert named(everybody, heard + [file.body() for file in files]) == set()
    page.context.close()
    officers.context.close()


def test_the_researcher_reads_the_model_and_its_whole_card(seat: Callable[..., Page]) -> None:
    page = seat("researcher")
    go(page, "/model")
    expect(heading(page, th("Are groups treated alike?"))).to_be_visible()
    page.get_by_role("link", name=th("The whole card of the model")).click()
    page.wait_for_url("**/model/card**")
    expect(page.get_by_role("heading").first).to_be_visible()
    page.context.close()


def test_the_administrators_changes_hold_at_the_next_click(
    server: Served, seat: Callable[..., Page], browser: Browser
) -> None:
    page = seat("admin")
    go(page, "/admin")
    write(page, "Account name", "malee")
    write(page, "Person's name", "มาลี ครูใหม่")
    choose(page, "Role", th("Researcher"))
    press(page, "Create")
    first = page.get_by_test_id("stCode").inner_text().strip()
    with browser.new_context(locale="th-TH", base_url=server.url) as hers:
        malee = hers.new_page()
        malee.goto("/")
        sign_in(malee, "malee", first)
        malee.wait_for_url("**/password")
        malee.goto("/model")
        malee.wait_for_url("**/password")
        malee.fill("#present", first)
        malee.fill("#password", "ฝนตกที่ปลายนาเมื่อวานนี้")
        malee.fill("#again", "ฝนตกที่ปลายนาเมื่อวานนี้")
        malee.get_by_role("button", name=th("Save")).click()
        malee.wait_for_url("**/login")  # a new password ends every sign-in
        sign_in(malee, "malee", "ฝนตกที่ปลายนาเมื่อวานนี้")
        malee.wait_for_function(QUIET)
        expect(heading(malee, th("Model"))).to_be_visible()
        choose(page, "Account name", "malee · มาลี ครูใหม่")
        page.get_by_role("combobox", name=th("Role")).last.click()
        page.get_by_role("option", name=th("Area officer")).click()
        settled(page)
        page.get_by_role("combobox", name=th("Areas")).click()
        page.get_by_role("option").first.click()
        page.keyboard.press("Escape")
        settled(page)
        press(page, "Save the change")
        go(malee, "/lists")
        expect(heading(malee, th("Children who need someone"))).to_be_visible()
        press(page, "Switch off")
        expect(page.get_by_role("button", name=th("Switch on"), exact=True)).to_be_visible()
        switch(malee, "New this week")
        expect(malee.get_by_role("link", name=th("Sign in again"))).to_be_visible()
        assert malee.locator(".raksa h2").count() == 0
    page.context.close()


# ------------------------------------------------------------------------------------------------- one child, one story
def test_from_a_sign_to_a_closed_case_through_a_restart_nothing_is_lost(
    server: Served, seat: Callable[..., Page]
) -> None:
    teacher = seat("teacher", PHONE)
    go(teacher, "/lists")
    teacher.locator(".card h2 a").first.click()
    teacher.wait_for_url("**/child?**")
    teacher.wait_for_function(QUIET)
    at, name = teacher.url, teacher.get_by_role("heading", level=1).inner_text()
    unfold(teacher, "Open a case")
    choose(teacher, "What is the sign", th("on the list"))
    write(teacher, "What is known", "ขาดเรียนบ่อยช่วงเกี่ยวข้าว")
    press(teacher, "Open it")
    expect(teacher.get_by_text(th("Written down.")).first).to_be_visible()
    press(teacher, "Fill in the visit form")
    teacher.wait_for_url("**/visit?**")
    teacher.wait_for_function(QUIET)
    agreed = "ยายจะพามาส่งทุกเช้า ครูโทรหาทุกวันศุกร์"
    write(teacher, "What was agreed: who does what by when", agreed)
    met, behind = (teacher.get_by_role("button", name=th(said), exact=True) for said in ("the guardian", "the child"))
    for one in (met, behind):
        one.click()
        settled(teacher)
    assert fits(teacher)
    server.kill()
    server.start()
    teacher.reload()
    teacher.wait_for_function(QUIET)
    expect(teacher.get_by_role("textbox", name=th("What was agreed: who does what by when"))).to_have_value(agreed)
    for one in (met, behind):
        expect(one).to_have_attribute("aria-pressed", "true")
    picture(teacher, "1-visit-after-the-restart-phone")
    press(teacher, "Hand in")
    teacher.wait_for_url("**/child?**")
    teacher.wait_for_function(QUIET)
    expect(teacher.get_by_text(agreed).first).to_be_visible()

    director = seat("director")
    go(director, at)
    expect(director.get_by_text(agreed).first).to_be_visible()
    expect(director.get_by_text(f"{th('Whose turn')}: ครูสาธิต ใจเย็น").first).to_be_visible()
    unfold(director, "Add a step")
    choose(director, "Step", th("Referral"))
    write(director, "To whom", "โรงพยาบาลส่งเสริมสุขภาพตำบล")
    write(director, "What came of it", "นัดพบนักจิตวิทยาวันพุธ")
    press(director, "Add it")
    expect(director.get_by_role("cell", name="โรงพยาบาลส่งเสริมสุขภาพตำบล")).to_be_visible()
    unfold(director, "Close the case")
    choose(director, "How it ended", th("found, and all is well"))
    write(director, "What is known", "มาเรียนครบสองสัปดาห์แล้ว")
    press(director, "Close it")
    expect(director.get_by_role("cell", name=th("Closed"), exact=True)).to_be_visible()

    officer = seat("officer")
    go(officer, at)
    expect(officer.get_by_role("heading", level=1, name=name)).to_be_visible()
    told = officer.get_by_role("row").all_inner_texts()
    for words in ("ขาดเรียนบ่อยช่วงเกี่ยวข้าว", agreed, "นัดพบนักจิตวิทยาวันพุธ", "มาเรียนครบสองสัปดาห์แล้ว", th("Closed")):
        assert any(words in line for line in told), words
    heading(officer, th("Case")).scroll_into_view_if_needed()
    picture(officer, "2-case-closed-officer-desk")
    for page in (teacher, director, officer):
        page.context.close()


# -------------------------------------------------------------------------------------------------- two people at once
def test_two_directors_switch_filters_at_once_and_neither_hears_the_others_children(
    server: Served, seat: Callable[..., Page], run: Run
) -> None:
    here = person(server, "director").scopes[0].value
    elsewhere = next(c.school_id for c in children(run, None, Filters()) if c.school_id != here)
    with server.accounts() as accounts:
        accounts.create_person(
            "neighbour", "ผู้อำนวยการข้างเคียง", "school", (Scope("school", elsewhere),), PASSWORD, MORNING,
            must_change_password=False,
        )  # fmt: skip
    two = {username: seat(username) for username in ("director", "neighbour")}
    hers = {username: names(children(run, person(server, username), EVERYBODY)) for username in two}
    heard = {username: frames(page) for username, page in two.items()}
    for page in two.values():
        page.goto("/lists")
    for page in two.values():
        page.wait_for_function(QUIET)
    for said in ("Show all children, not only the list", "As a table", "New this week", "As a table") * 2:
        for page in two.values():  # the second is pressed while the first is being answered
            switch(page, said)
    for page in two.values():
        page.wait_for_timeout(500)
        page.wait_for_function(QUIET)
        page.context.close()
    for mine, others in (("director", "neighbour"), ("neighbour", "director")):
        assert named(hers[mine], heard[mine])
        assert named(hers[others] - hers[mine], heard[mine]) == set()
