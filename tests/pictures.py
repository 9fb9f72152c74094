"""Pictures of the pages for docs/pictures/: `python -m tests.pictures http://127.0.0.1:8501` beside a running demo."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from raksa.demo import PASSWORD
from tests.browser import chromium

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
READY = """() => { const a = document.querySelector('[data-testid="stApp"]');
  return a && document.querySelector('.raksa.bar') && a.getAttribute('data-test-script-state') === 'notRunning'; }"""
SIZES = {"desktop": {"width": 1280, "height": 1000}, "phone": {"width": 390, "height": 1200}}


def sign_in(page: Page, address: str, username: str) -> None:
    page.goto(address)
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_function(READY)
    page.wait_for_timeout(1200)


def main(address: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        for size, viewport in SIZES.items():
            for username, path in (
                ("officer", ""),
                ("teacher", ""),
                ("director", ""),
                ("province", ""),
                ("researcher", ""),
                ("officer", "model"),
            ):
                context = browser.new_context(viewport=viewport, locale="th-TH", device_scale_factor=1)
                page = context.new_page()
                sign_in(page, address, username)
                if path:
                    page.goto(f"{address}/{path}")
                    page.wait_for_function(READY)
                    page.wait_for_timeout(1200)
                page.screenshot(path=FOLDER / f"{username}{'-' + path if path else ''}-{size}.png")
                context.close()
        page = browser.new_page(viewport=SIZES["desktop"])
        page.goto(address)
        page.screenshot(path=FOLDER / "sign-in.png")


if __name__ == "__main__":
    main(sys.argv[1])
