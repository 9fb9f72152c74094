"""Where a Chromium for the browser tests is. `python -m tests.browser` says so, and fails where there is none."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright


def chromium() -> str | None:
    """Debian's Chromium or the one Playwright can find; None where there is neither."""
    installed = shutil.which("chromium")
    if installed:
        return installed
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


if __name__ == "__main__":
    found = chromium()
    print(found or "no Chromium")
    sys.exit(found is None)
