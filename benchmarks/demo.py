"""The demo measured: how long, how much memory, how good beside plain rules, and how soon the page is there.

    python -m benchmarks.demo [--quick] [--json FILE]

The pipeline is `raksa demo --no-serve` in a process of its own; memory is the largest sum over it and its workers, seen
ten times a second, a page counted in full in every process that shares it. The page is timed in a real Chromium against
a real server that has answered once before.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table

from benchmarks.measure import children, measured
from raksa.demo import PASSWORD
from raksa.store import Store
from tests.browser import chromium

_READY = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app && document.querySelector('.raksa.bar') && document.querySelector('.raksa h2')
    && app.getAttribute('data-test-script-state') === 'notRunning';
}"""


def pipeline(home: Path, *sizes: str) -> dict[str, float]:
    """Run the demo; wall and CPU seconds, and the largest memory of all its processes together in MB."""
    return measured(
        "from raksa.cli import main; main()", "demo", "--no-serve", *sizes, environment={"RAKSA_HOME": str(home)}
    )


def first_page(home: Path, repeats: int) -> dict[str, float]:
    """Seconds from a click on the address to a drawn list, signed in, on a warm server: cold and warm browser."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", "from raksa.cli import main; main()", "serve", "--port", str(port)]
    server = psutil.Popen(
        command, env={**os.environ, "RAKSA_HOME": str(home)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium(), args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
            )
            _sign_in(browser.new_page(), address)
            cold, warm = [], []
            for _ in range(repeats):
                context = browser.new_context()
                page = context.new_page()
                _sign_in(page, address)
                warm += [_seconds(page, address) for _ in range(2)]
                state = context.storage_state()
                context.close()
                context = browser.new_context(storage_state=state)
                cold.append(_seconds(context.new_page(), address))
                context.close()
        return {"warm_browser_s": statistics.median(warm), "cold_browser_s": statistics.median(cold)}
    finally:
        for process in (*children(server), server):
            process.terminate()
        server.wait()


def _sign_in(page: Page, address: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            page.goto(address)
            break
        except PlaywrightError as not_up:  # the port is still closed
            if time.monotonic() > deadline:
                raise SystemExit("the server did not start") from not_up
            time.sleep(0.2)
    page.fill("input[name=username]", "officer")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_function(_READY)


def _seconds(page: Page, address: str) -> float:
    started = time.perf_counter()
    page.goto(address)
    page.wait_for_function(_READY, polling=20)
    return time.perf_counter() - started


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--quick", action="store_true", help="a small area, few page loads")
    options.add_argument("--json", type=Path, help="write the figures to this file")
    chosen = options.parse_args()
    sizes = ("--schools", "8", "--learners", "1200") if chosen.quick else ()
    packages = ("streamlit", "lightgbm", "duckdb", "pandas", "pyarrow")
    print(f"Raksa demo · {os.cpu_count()} cores · " + " · ".join(f"{p} {version(p)}" for p in packages))
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        found["pipeline"] = pipeline(home, *sizes)
        found["page"] = first_page(home, 2 if chosen.quick else 5)
        found["judged"] = json.loads((Store(home).model_folder() / "card.json").read_text(encoding="utf-8"))["judged"]
    made, seen, judged = found["pipeline"], found["page"], found["judged"]
    print(f"files to lists: {made['wall_s']:.1f} s wall, {made['cpu_s']:.1f} s CPU, {made['peak_mb']:,.0f} MB at most")
    print(f"the list: {seen['warm_browser_s']:.2f} s in a warm browser, {seen['cold_browser_s']:.2f} s in a cold one")
    table = Table(
        title=f"judged on {judged['year']}, learned from {judged['trained_on']}", title_justify="left", box=None
    )
    for heading in ("by", "n", "base", "AUC", "average precision", "listed", "precision", "recall", "ECE"):
        table.add_column(heading, justify="left" if heading == "by" else "right")
    for name, f in sorted(judged["compared"].items(), key=lambda item: -item[1]["auc"]):
        at = f["at_capacity"]
        table.add_row(
            name, f"{f['n']:,}", f"{f['base']:.3f}", f"{f['auc']:.3f}", f"{f['ap']:.3f}", f"{at['listed']:,}",
            f"{at['precision']:.3f}", f"{at['recall']:.3f}", f"{f['ece']:.4f}" if "ece" in f else "",
        )  # fmt: skip
    Console(width=120).print(table)
    low, high = judged["intervals"]["auc"]
    print(f"AUC of the model, 95 %, whole schools drawn: {low:.3f}–{high:.3f}; "
          f"foreseen {judged['foreseen']:.0f}, left {judged['left']}")  # fmt: skip
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
