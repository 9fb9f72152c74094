"""The pages under load: `python -m benchmarks.serve [--quick] [--sessions 100] [--minutes 30] [--json FILE]`.

A store of 6.5 million scored learners (an invented area of `raksa demo`, repeated), one server process, and as many
area officers as there are sessions, each signed in and at an area of her own. A session does what a browser does on
Streamlit's websocket: it opens the page, then, after a pause for thought, types a name, clears it, shows all children,
turns to another page. What is timed is a click: from the message sent to the last message of the page it draws.

    p50_ms, p95_ms       milliseconds of a click, all sessions together, the first minute left out
    errors               clicks that showed an exception, and sockets that closed
    rss_mb_start / _end  memory of the server process after the first minute, and at the end (medians of ten samples)
    list_30k_ms          work of the server for one list of an area of 30,000 children: the median of every question the
                         page Lists asks, in this process, each with a choice not asked before
    first_paint_ms       from the address to a drawn list in a warm Chromium, before the load begins
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import httpx
import psutil
from playwright.sync_api import sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin, Subprotocol

from benchmarks.measure import measured
from dashboard import roster
from dashboard.serve import command
from raksa.access import Scope
from raksa.accounts import Accounts
from raksa.demo import PASSWORD
from raksa.settings import load
from raksa.store import Store
from tests.browser import chromium

NATION = 6_500_000
AREA = 30_000
WARM_UP_S = 60
_NAMES = ("กา", "มะ", "สม", "ใจ", "วิ", "พร", "ศร", "นา")
_DRAWN = "() => document.querySelector('.raksa h2') && !document.querySelector('[data-stale=true]')"


# ------------------------------------------------------------------------------------------------- the store
def nation(home: Path, learners: int) -> int:
    """Make the invented area and repeat its current run until it has so many learners; five copies, 30,000 children,
    are one service area. Returns how many areas there are."""
    measured("from raksa.cli import main; main()", "demo", "--no-serve", environment={"RAKSA_HOME": str(home)})
    store = Store(home)
    file = store.run_folder() / "scores.duckdb"
    with duckdb.connect(str(file)) as con:
        (made,) = con.execute("select count(*) from score").fetchone() or (0,)
        copies = -(-learners // made)
        each = max(1, round(AREA / made))
        other = {
            "learner_id": "learner_id + copy * 10000000",
            "school_id": "printf('%08d', 10000000 + 100 * copy + right(school_id, 2)::int)",
            "area_id": f"printf('%04d', copy // {each})",
            "area_name": f"'เขตสมมุติ ' || (copy // {each})",
        }
        for (table,) in con.execute("select table_name from information_schema.tables").fetchall():
            columns = [name for (name, *_) in con.execute(f"describe {table}").fetchall()]
            said = ", ".join(f"{other.get(name, name)} as {name}" for name in columns)
            order = "area_id, school_id" if "area_id" in columns else "learner_id"
            con.execute(f"create table more as select {said} from range({copies}) c(copy), {table} order by {order}")
            con.execute(f"drop table {table}")
            con.execute(f"alter table more rename to {table}")
        con.execute("checkpoint")
    packed = file.with_suffix(".packed")  # a DuckDB file keeps the room of dropped tables
    with duckdb.connect() as con:
        con.execute(f"attach '{file}' as held (read_only)")
        con.execute(f"attach '{packed}' as kept")
        con.execute("copy from database held to kept")
    packed.replace(file)
    return int(-(-copies // each))


# ------------------------------------------------------------------------------------------------- a session
@dataclass
class Found:
    """What all sessions saw: (when, milliseconds, what) of each click, and what went wrong."""

    clicks: list[tuple[float, float, str]] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


@dataclass
class Session:
    """One browser tab as the server knows it."""

    socket: ClientConnection
    draw: random.Random
    pages: dict[str, str] = field(default_factory=dict)  # address -> Streamlit's name of the page
    widgets: dict[str, tuple[str, str]] = field(default_factory=dict)  # kind -> (id, page)
    at: str = ""
    values: dict[str, WidgetState] = field(default_factory=dict)

    async def click(self, what: str, found: Found) -> None:
        ask = BackMsg()
        if what == "open":
            pass
        elif what.startswith("page:"):
            self.at, self.values = self.pages.get(what[5:], self.pages["first"]), {}
            self.widgets = {}
        elif what == "type":
            self._set("text_input", string_value=self.draw.choice(_NAMES))
        elif what == "clear":
            self._set("text_input", string_value="")
        elif what == "all":
            self._set("checkbox", bool_value=self.draw.random() < 0.5)
        ask.rerun_script.page_script_hash = self.at
        ask.rerun_script.widget_states.widgets.extend(self.values.values())
        started = time.perf_counter()
        await self.socket.send(ask.SerializeToString())
        await self._drawn(found)
        found.clicks.append((time.time(), 1000 * (time.perf_counter() - started), what))

    def _set(self, kind: str, **value: Any) -> None:
        if kind in self.widgets:
            name = self.widgets[kind][0]
            self.values[name] = WidgetState(id=name, **value)

    async def _drawn(self, found: Found) -> None:
        """Read what the server sends until the page is whole."""
        while True:
            told = ForwardMsg()
            told.ParseFromString(await asyncio.wait_for(self.socket.recv(), 60))
            kind = told.WhichOneof("type")
            if kind == "navigation":
                self.pages = {page.url_pathname or "first": page.page_script_hash for page in told.navigation.app_pages}
                self.at = told.navigation.page_script_hash
            elif kind == "delta" and told.delta.HasField("new_element"):
                element = told.delta.new_element
                which = element.WhichOneof("type")
                if which in ("text_input", "checkbox"):
                    self.widgets.setdefault(which, (getattr(element, which).id, self.at))
                elif which == "exception":
                    found.errors[f"exception {element.exception.type}"] += 1
            elif kind == "script_finished":
                if told.script_finished in (
                    ForwardMsg.FINISHED_SUCCESSFULLY,
                    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
                ):
                    return
                if told.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                    found.errors["compile error"] += 1
                    return


async def _officer(address: str, cookie: str, seed: int, until: float, think: float, found: Found) -> None:
    draw = random.Random(seed)
    await asyncio.sleep(draw.random() * min(think, until - time.time()) * 2)
    protocols = [Subprotocol("streamlit"), Subprotocol("unknown")]
    try:
        async with connect(
            address.replace("http", "ws") + "/_stcore/stream",
            subprotocols=protocols,
            additional_headers={"Cookie": f"raksa_session={cookie}"},
            origin=Origin(address),
            max_size=None,
        ) as socket:
            session = Session(socket, draw)
            await session.click("open", found)
            await session.click("page:lists", found)
            while time.time() < until:
                await asyncio.sleep(think * (0.5 + draw.random()))
                others = [f"page:{name}" for name in session.pages if name in ("first", "lists", "model")]
                at_list = session.at == session.pages.get("lists", session.pages["first"])
                await session.click(
                    draw.choice(["type", "clear", "all", "type", "clear", *others] if at_list else ["page:lists"]),
                    found,
                )
    except (OSError, WebSocketException, TimeoutError) as wrong:
        found.errors[type(wrong).__name__] += 1


async def _load(address: str, cookies: list[str], minutes: float, think: float, server: psutil.Process) -> Any:
    found, memory = Found(), []
    until = time.time() + 60 * minutes
    officers = [asyncio.create_task(_officer(address, c, n, until, think, found)) for n, c in enumerate(cookies)]
    while not all(one.done() for one in officers):
        memory.append((time.time(), server.memory_info().rss / 1e6))
        await asyncio.sleep(2)
    await asyncio.gather(*officers)
    return found, memory


# ------------------------------------------------------------------------------------------------- measured
def list_ms(home: Path, repeats: int) -> float:
    """Milliseconds of every question the page Lists asks for an area of 30,000, the median; no choice twice."""
    run = roster.open_run(Store(home))
    accounts = Accounts.open(load(home))
    person = accounts.person("officer000")
    accounts.close()
    grades = [grade for grade, _room in roster.classes(run, person)]
    took = []
    for n in range(repeats):
        chosen = roster.Filters(grade=grades[n % len(grades)] if n % 3 else "", search=_NAMES[n % 7] if n % 2 else "")
        started = time.perf_counter()
        roster.areas(run, person)
        roster.schools(run, person)
        roster.classes(run, person)
        roster.promise(run, person, chosen)
        roster.how_many(run, person, chosen)
        roster.children(run, person, roster.Filters(**{**vars(chosen), "top": 20}))
        roster.gaps(run, person, chosen)
        took.append(1000 * (time.perf_counter() - started))
    run.close()
    return statistics.median(took)


def first_paint_ms(address: str, cookie: str) -> float:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        context = browser.new_context(base_url=address)
        context.add_cookies([{"name": "raksa_session", "value": cookie, "url": address}])
        page, took = context.new_page(), []
        for _ in range(6):
            started = time.perf_counter()
            page.goto("/lists")
            page.wait_for_function(_DRAWN, polling=20)
            took.append(1000 * (time.perf_counter() - started))
        browser.close()
    return statistics.median(took[1:])


def _sign_ins(home: Path, sessions: int, areas: int) -> list[str]:
    now = datetime.now(UTC)
    accounts = Accounts.open(load(home))
    cookies = []
    for n in range(sessions):
        name = f"officer{n:03d}"
        scopes = [Scope("area", f"{n % areas:04d}")]
        accounts.create_person(name, f"เจ้าหน้าที่ {n}", "area", scopes, PASSWORD, now, must_change_password=False)
        cookies.append(str(accounts.sign_in(name, PASSWORD, now)))
    accounts.close()
    return cookies


def _started(home: Path, port: int) -> psutil.Popen:
    argv, environment = command(load(home).model_copy(update={"port": port}))
    server = psutil.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200:
                return server
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            server.kill()
            raise SystemExit("the server did not start")
        time.sleep(0.2)


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--quick", action="store_true", help="20 sessions, half a minute, 60,000 learners")
    options.add_argument("--sessions", type=int, default=100)
    options.add_argument("--minutes", type=float, default=30)
    options.add_argument("--think", type=float, default=5, help="seconds between clicks, on average")
    options.add_argument("--learners", type=int, default=NATION)
    options.add_argument("--home", type=Path, help="keep the made-up store here, or use the one that is there")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    if chosen.quick:
        chosen.sessions, chosen.minutes, chosen.learners = 20, 0.5, 60_000
    packages = ("streamlit", "duckdb", "sqlalchemy", "starlette", "uvicorn")
    print(f"The pages under load · {os.cpu_count()} cores · " + " · ".join(f"{p} {version(p)}" for p in packages))
    with tempfile.TemporaryDirectory() as folder:
        home = chosen.home or Path(folder) / "home"
        kept = home / "areas.txt"
        areas = int(kept.read_text()) if kept.is_file() else nation(home, chosen.learners)
        kept.write_text(str(areas))
        for left in home.glob("raksa.db*"):
            left.unlink()
        found = _measured(home, areas, chosen)
        if not chosen.home:
            shutil.rmtree(home)
    for name, value in found.items():
        print(f"{name:>16}  {value:,.1f}" if isinstance(value, float) else f"{name:>16}  {value}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


def _measured(home: Path, areas: int, chosen: argparse.Namespace) -> dict[str, Any]:
    cookies = _sign_ins(home, chosen.sessions, areas)
    work = list_ms(home, 12 if chosen.quick else 60)
    port = 8599
    server = _started(home, port)
    address = f"http://127.0.0.1:{port}"
    try:
        paint = first_paint_ms(address, cookies[0])
        busy_before = sum(server.cpu_times()[:2])
        started = time.time()
        found, memory = asyncio.run(_load(address, cookies, chosen.minutes, chosen.think, server))
        busy = sum(server.cpu_times()[:2]) - busy_before
    finally:
        server.terminate()
        server.wait()
    warm = started + min(WARM_UP_S, 20 * chosen.minutes)
    took = sorted(ms for at, ms, _ in found.clicks if at > warm)
    by: dict[str, list[float]] = {}
    for at, ms, what in found.clicks:
        if at > warm:
            by.setdefault(what, []).append(ms)
    resident = [mb for at, mb in memory if at > warm] or [mb for _, mb in memory]
    return {
        "sessions": chosen.sessions,
        "p50_ms": statistics.median(took),
        "p95_ms": took[int(0.95 * len(took))],
        "errors": sum(found.errors.values()),
        "rss_mb_start": statistics.median(resident[:10]),
        "rss_mb_end": statistics.median(resident[-10:]),
        "list_30k_ms": work,
        "first_paint_ms": paint,
        "clicks": len(took),
        "cpu_ms_a_click": 1000 * busy / len(found.clicks),
        "minutes": chosen.minutes,
        "learners": chosen.learners,
        "what_went_wrong": dict(found.errors),
        "by_click": {what: {"n": len(ms), "p50_ms": statistics.median(ms)} for what, ms in sorted(by.items())},
    }


if __name__ == "__main__":
    main()
