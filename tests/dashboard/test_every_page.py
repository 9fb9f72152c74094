"""Every page of every role in a real chromium, desk and phone: whole Thai, no sideways scroll, axe-core quiet.

The pages are those of a whole small demo. Their pictures stand in docs/pictures/pages and are compared with what is
seen now; `PICTURES=write` takes them anew, to be looked at before they are committed.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import chromium
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from served import Server, free_port, wait_for
from test_browser import CUT, QUIET, WIDER_THAN_SCREEN

from dashboard.pages import pages_for
from dashboard.serve import command
from raksa.demo import PASSWORD, people
from raksa.settings import Settings

pytestmark = pytest.mark.browser

PICTURES = Path(__file__).parents[2] / "docs" / "pictures" / "pages"
SIZES = {"desk": {"width": 1280, "height": 1400}, "phone": {"width": 390, "height": 1800}}
# What shows today's clock, or differs between two chromiums by a hair, may differ a little: the mean difference of grey
# over a picture a quarter as wide, out of 255.
ALIKE = 6.0
SHOWS_TODAY = ("plan", "admin")  # days ahead of today, times of sign-ins: other words every day
SERIOUS = ("serious", "critical")


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
def demo(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over a copy of the small demo."""
    home = tmp_path_factory.mktemp("pages") / "home"
    shutil.copytree(demo_home, home, ignore=shutil.ignore_patterns("demo-files"))
    port = free_port()
    argv, environment = command(Settings(home=home, port=port))
    log = home / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(argv, env=environment, stdout=out, stderr=subprocess.STDOUT, cwd=os.sep)
    try:
        wait_for(f"http://127.0.0.1:{port}", process, log)
        yield Server(f"http://127.0.0.1:{port}", home)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        finally:
            process.kill()


def signed_in(server: Server, browser: Browser, username: str, size: str) -> Page:
    context = browser.new_context(locale="th-TH", base_url=server.url, viewport=SIZES[size])  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="เข้าใช้").click()
    settled(page)
    return page


def settled(page: Page) -> None:
    """Until the script is done and what it drew has stopped moving."""
    page.wait_for_function(QUIET)
    page.wait_for_timeout(600)
    page.wait_for_function(QUIET)


def grey(picture: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(picture)).convert("L")
    return np.asarray(image.resize((image.width // 4, image.height // 4)), dtype=float)


def looks_like(page: Page, kept: Path) -> bool:
    """Whether the page looks as it did; a chart or a map may still be drawing, so it is looked at a few times."""
    was = grey(kept.read_bytes())
    for _ in range(4):
        now = grey(page.screenshot())
        if was.shape == now.shape and abs(was - now).mean() <= ALIKE:
            return True
        page.wait_for_timeout(1500)
    return False


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("role", ["teacher", "school", "area", "province", "researcher", "admin"])
def test_each_page_is_whole_quiet_and_as_it_was(demo: Server, browser: Browser, role: str, size: str) -> None:
    person = next(p for p in people(Settings(home=demo.home)) if p.role == role)
    page = signed_in(demo, browser, person.username, size)
    with demo.accounts() as accounts:
        held = accounts.person(person.username)
    assert held is not None
    faults = []
    for name in pages_for(held):
        if name == "child":
            page.goto("/lists")
            settled(page)
            page.locator(".card h2 a").first.click()
            page.wait_for_url("**/child?**")
        else:
            page.goto(f"/{name}")
        settled(page)
        faults += [f"{name}: cut {what}" for what in page.evaluate(CUT)]
        if (wider := page.evaluate(WIDER_THAN_SCREEN)) > 0:
            faults.append(f"{name}: {wider} px wider than the screen")
        if page.get_by_test_id("stException").count():
            faults.append(f"{name}: {page.get_by_test_id('stException').inner_text()[:200]}")
        found = Axe().run(page).response["violations"]
        faults += [
            f"{name}: {one['id']} {[node['target'] for node in one['nodes'][:3]]}"
            for one in found
            if one["impact"] in SERIOUS
        ]
        kept = PICTURES / f"{role}-{name}-{size}.png"
        if os.environ.get("PICTURES") == "write":
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(page.screenshot())
        elif not kept.is_file():
            faults.append(f"{name}: no picture {kept.name}; take it with PICTURES=write and look at it")
        elif name not in SHOWS_TODAY and not looks_like(page, kept):
            (demo.home / kept.name).write_bytes(page.screenshot())
            faults.append(f"{name}: looks otherwise than {kept.name}; see {demo.home}")
    page.context.close()
    assert faults == []
