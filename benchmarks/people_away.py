"""The people database stopped under people at work, and fifty who write at once:
`python -m benchmarks.people_away [--quick] [--home DEMO] [--json FILE]`.

One server process on PostgreSQL. Thirty people turn pages, ten more write through the forms of the pages: what was
done for a child, the draft of a visit, a step of a case. PostgreSQL is stopped at once (nothing more is written, as in
a crash), stays away, and is started again. Whoever meets the message tries again after two seconds; a writer presses
again, as a person does who was not told that it was written. Everybody speaks Streamlit's websocket as a browser does.

    pages, pages_while_away    what was drawn: a page, the message, half a page, a fault, "signed out"
    first_, last_works_after_s from the moment PostgreSQL is ready until a session has a page again, its wait included
    confirmed, missing, twice  entries the page said yes to; of them not in the database; there more than once
    words_lost                 forms that came back without what was typed in them
    doors                      pages, files and /health asked by address once a second: answers by number
    rss_mb                     of the server: begin, before the stop, at the start, end

Then fifty people press at the same moment, on PostgreSQL and on SQLite: each for a child of her own, then all with a
step of the same case, three times. Of those one may win each time; the others are told and keep their words.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import httpx
import psutil
from sqlalchemy import select
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from care import cases
from care.contacts import ContactRow, Place
from care.visits import DraftRow
from dashboard.casework import STEPS
from dashboard.keys import key_of
from dashboard.language import speak
from dashboard.serve import command
from raksa import demo
from raksa.access import Scope
from raksa.accounts import Accounts
from raksa.people import scoped
from raksa.settings import Settings, load
from raksa.store import Store
from tests.people_database import Postgres, running

PATIENCE = 60  # seconds a person waits for a page
AGAIN = 2  # seconds until she tries again
KINDS = ("contact", "draft", "step")
# Kind of entry -> its page, the field for its words and the button; a draft is kept without one.
FORMS = {
    "contact": ("child", "What was done, and what was agreed", "Write it down"),
    "draft": ("visit", "What was agreed: who does what by when", ""),
    "step": ("child", "What came of it", "Add it"),
}
MOVED_ON = "Somebody added a step meanwhile. Look at it; your words are still here: press again."
AWAY = "The database of people does not answer."
_PASSWORD = "ทุ่งนาเขียวขจี-2569"
_WORDS = ("html", "markdown", "alert", "heading", "text")
_FIELDS = ("text_area", "text_input", "selectbox", "checkbox", "date_input")
_DRAWN = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
th = speak("th")


# ------------------------------------------------------------------------------------------------- a browser tab
@dataclass
class Tab:
    """One browser tab, doing with Streamlit's messages what a browser does: what a new run does not draw goes, and with
    it what stood in its fields."""

    socket: ClientConnection
    at: str = ""  # Streamlit's name of the page
    query: str = ""
    pages: dict[str, str] = field(default_factory=dict)  # address -> Streamlit's name of the page
    drawn: dict[tuple[int, ...], tuple[Element, int]] = field(default_factory=dict)  # place -> what, and of which run
    values: dict[str, WidgetState] = field(default_factory=dict)
    run: int = 0

    async def go(self, page: str = "", query: str = "") -> None:
        """Turn to a page, or draw this one anew."""
        if page:
            self.at, self.query, self.values = self.pages[page], query, {}
        await self._ask()

    def type(self, label: str, words: str) -> None:
        """Write into a field; the server hears of it with the next click."""
        name = self._named(label)[1].id
        self.values[name] = WidgetState(id=name, string_value=words)

    def choose(self, label: str, option: str) -> None:
        """Choose what is read so; a browser tells the server at once, here it hears with the next click."""
        self.type(label, option)

    def tick(self, label: str) -> None:
        name = self._named(label)[1].id
        self.values[name] = WidgetState(id=name, bool_value=True)

    async def press(self, label: str) -> None:
        """Press a button."""
        button = next(e.button for e, _ in self.drawn.values() if e.button.label == label)
        await self._ask(WidgetState(id=button.id, trigger_value=True))

    def has(self, label: str) -> bool:
        """Whether a field or a button of this name is drawn."""
        return any(getattr(e, _kind(e)).label == label for e, _ in self._labelled())

    def stands(self, label: str) -> Any:
        """What a person reads in a field."""
        kind, one = self._named(label)
        if one.id in self.values:
            value = self.values[one.id]
            return getattr(value, str(value.WhichOneof("value")))
        if kind in ("text_area", "text_input"):
            return one.value if one.set_value else one.default
        return one.value if kind == "checkbox" and one.set_value else one.default

    @property
    def shows(self) -> str:
        """What kind of thing is drawn: a page, `away`, `half page` with the message below it, `fault`, `signed out`."""
        if self.faults:
            return "fault"
        if th("You are signed out") in self.words:
            return "signed out"
        if AWAY in self.words:
            return "away" if all(AWAY in said for said in self._said() if said.strip()) else "half page"
        return "page" if self.words else "nothing"

    @property
    def words(self) -> str:
        """Everything that is read on the page."""
        return "\n".join(self._said())

    @property
    def faults(self) -> list[str]:
        """What the program failed at before everybody's eyes."""
        return [e.exception.type for e, _ in self.drawn.values() if _kind(e) == "exception"]

    def _said(self) -> list[str]:
        kinds = [(e, _kind(e)) for e, _ in self.drawn.values()]
        return [str(getattr(e, kind).body) for e, kind in kinds if kind in _WORDS]

    def _labelled(self) -> list[tuple[Element, int]]:
        return [(e, run) for e, run in self.drawn.values() if _kind(e) in (*_FIELDS, "button")]

    def _named(self, label: str) -> tuple[str, Any]:
        for element, _ in self.drawn.values():
            kind = _kind(element)
            if kind in _FIELDS and getattr(element, kind).label == label:
                return kind, getattr(element, kind)
        raise LookupError(f"no field {label!r} on the page")

    async def _ask(self, *pressed: WidgetState) -> None:
        ask = BackMsg()
        ask.rerun_script.page_script_hash = self.at
        ask.rerun_script.query_string = self.query
        ask.rerun_script.widget_states.widgets.extend([*self.values.values(), *pressed])
        await self.socket.send(ask.SerializeToString())
        while True:
            told = ForwardMsg()
            told.ParseFromString(await asyncio.wait_for(self.socket.recv(), PATIENCE))
            if self._take(told):
                return

    def _take(self, told: ForwardMsg) -> bool:
        """Draw what one message says; whether the page is whole with it."""
        kind = told.WhichOneof("type")
        if kind == "new_session":
            self.run += 1
        elif kind == "navigation":
            self.pages = {page.url_pathname or "first": page.page_script_hash for page in told.navigation.app_pages}
            self.at = told.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = told.page_info_changed.query_string
        elif kind == "delta" and told.delta.WhichOneof("type") == "new_element":
            place, element = tuple(told.metadata.delta_path), told.delta.new_element
            self.drawn = {p: one for p, one in self.drawn.items() if p[: len(place)] != place}
            self.drawn[place] = (element, self.run)
        elif kind == "delta" and told.delta.WhichOneof("type") == "add_block":
            self.drawn.pop(tuple(told.metadata.delta_path), None)
        elif kind == "script_finished" and told.script_finished in _DRAWN:
            self.drawn = {place: one for place, one in self.drawn.items() if one[1] == self.run}
            kept = {getattr(e, _kind(e)).id for e, _ in self._labelled()}
            self.values = {name: value for name, value in self.values.items() if name in kept}
            return True
        return False


def _kind(element: Element) -> str:
    return str(element.WhichOneof("type"))


@asynccontextmanager
async def opened(address: str, cookie: str) -> AsyncIterator[Tab]:
    """A tab of whoever has this cookie, its first page drawn."""
    async with connect(
        address.replace("http", "ws") + "/_stcore/stream",
        subprotocols=[Subprotocol("streamlit"), Subprotocol("unknown")],
        additional_headers={"Cookie": f"raksa_session={cookie}"},
        origin=Origin(address),
        max_size=None,
        close_timeout=1,
    ) as socket:
        tab = Tab(socket)
        await tab.go()
        yield tab


# ------------------------------------------------------------------------------------------------- people at work
@dataclass
class Seen:
    """What everybody saw: (when, whose tab, what) of each page drawn; what was confirmed (words -> kind of entry)."""

    pages: list[tuple[float, str, str]] = field(default_factory=list)
    confirmed: dict[str, str] = field(default_factory=dict)
    doors: Counter[str] = field(default_factory=Counter)
    words_lost: int = 0
    broken: Counter[str] = field(default_factory=Counter)

    def note(self, who: str, page: Tab) -> str:
        self.pages.append((time.time(), who, what := page.shows))
        return what


@dataclass(frozen=True)
class Worker:
    """One who looks after a school, signed in, with one of its children."""

    name: str
    cookie: str
    place: Place
    query: str


async def _until_back(tab: Tab, who: str, seen: Seen, until: float) -> bool:
    """Try again every two seconds, as the message says; whether the page came back in time."""
    while time.time() < until:
        await asyncio.sleep(AGAIN)
        await tab.go()
        if seen.note(who, tab) == "page":
            return True
    return False


async def _turn(tab: Tab, who: str, seen: Seen, until: float, page: str, query: str = "") -> bool:
    await tab.go(page, query)
    return seen.note(who, tab) == "page" or await _until_back(tab, who, seen, until)


async def _reader(address: str, one: Worker, seen: Seen, until: float, think: float) -> None:
    draw = random.Random(one.name)
    await asyncio.sleep(draw.random() * think)
    async with opened(address, one.cookie) as tab:
        while time.time() < until:
            page = draw.choice(("lists", "child", "child", "today", "cases"))
            if not await _turn(tab, one.name, seen, until, page, one.query if page == "child" else ""):
                return
            await asyncio.sleep(think * (0.5 + draw.random()))


async def _writer(address: str, one: Worker, seen: Seen, until: float, think: float) -> None:
    draw = random.Random(one.name)
    await asyncio.sleep(draw.random() * think)
    async with opened(address, one.cookie) as tab:
        n = 0
        while time.time() < until:
            kind = KINDS[n % len(KINDS)]
            page, named, button = FORMS[kind]
            words = f"{kind} {one.name} ครั้งที่ {(n := n + 1)}"
            if not await _turn(tab, one.name, seen, until, page, one.query):
                return
            while time.time() < until and words not in seen.confirmed:
                if tab.stands(th(named)) != words:
                    tab.type(th(named), words)
                if kind == "step":
                    tab.choose(th("Step"), th(STEPS["note"]))
                await (tab.press(th(button)) if button else tab.go())
                what = seen.note(one.name, tab)
                if what == "page":
                    there = th("Written down.") in tab.words if button else tab.stands(th(named)) == words
                    # A step whose answer was lost is found among the steps of the case; the form then says so.
                    if there or (kind == "step" and words in tab.words):
                        seen.confirmed[words] = kind
                    else:
                        seen.broken["neither confirmed nor away"] += 1
                elif not await _until_back(tab, one.name, seen, until):
                    return
                else:
                    seen.words_lost += tab.stands(th(named)) != words
            await asyncio.sleep(think * (0.5 + draw.random()))


async def _at_the_doors(address: str, cookie: str, seen: Seen, until: float) -> None:
    """Somebody who opens pages and files by their address, once a second."""
    headers = {"Accept": "text/html", "Cookie": f"raksa_session={cookie}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=PATIENCE) as client:
        while time.time() < until:
            for path in ("/lists", "/export/list.csv", "/health"):
                answer = await client.get(path)
                seen.doors[f"{path} {answer.status_code}"] += 1
            await asyncio.sleep(1)


async def stopped_under_work(
    address: str,
    postgres: Postgres,
    readers: list[Worker],
    writers: list[Worker],
    chosen: Chosen,
    server: psutil.Process,
) -> tuple[Seen, dict[str, Any]]:
    """Everybody works; the database goes for a while; everybody works on. What was seen, and when."""
    seen, begun = Seen(), time.time()
    until = begun + chosen.before + chosen.away + chosen.after
    memory = [server.memory_info().rss / 1e6]
    work = [_reader(address, one, seen, until, chosen.think) for one in readers]
    work += [_writer(address, one, seen, until, chosen.think) for one in writers]
    work.append(_at_the_doors(address, readers[0].cookie, seen, until))
    tasks = [asyncio.create_task(one) for one in work]
    await asyncio.sleep(chosen.before)
    memory.append(server.memory_info().rss / 1e6)
    await asyncio.to_thread(postgres.stop, at_once=True)
    stopped = time.time()
    await asyncio.sleep(chosen.away)
    memory.append(server.memory_info().rss / 1e6)
    asked = time.time()
    await asyncio.to_thread(postgres.start)
    ready = time.time()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if ended is not None:
            seen.broken[f"{type(ended).__name__}: {ended}"[:120]] += 1
    memory.append(server.memory_info().rss / 1e6)
    first: dict[str, float] = {}
    for at, who, what in seen.pages:
        if at > ready and what == "page":
            first.setdefault(who, at - ready)
    worked = {who for _, who, _ in seen.pages}
    return seen, {
        "pages": dict(Counter(what for _, _, what in seen.pages)),
        "pages_while_away": dict(Counter(what for at, _, what in seen.pages if stopped < at < asked)),
        "start_took_s": ready - asked,
        "first_works_after_s": min(first.values(), default=float("nan")),
        "last_works_after_s": max(first.values(), default=float("nan")),
        "never_worked_again": len(worked - set(first)),
        "rss_mb": [round(mb) for mb in memory],
    }


def held(accounts: Accounts, seen: Seen) -> dict[str, int]:
    """What was confirmed against what stands in the database: how much there is, is missing, is there twice."""
    with scoped(accounts.people, None) as session:
        there = Counter(session.scalars(select(ContactRow.text)))  # a note in a case is among them
        drafts = "\n".join(session.scalars(select(DraftRow.words)))
    last: dict[str, str] = {}  # of a draft only the latest words stand
    for words, kind in seen.confirmed.items():
        if kind == "draft":
            last[words.split()[1]] = words
    entries = [words for words, kind in seen.confirmed.items() if kind != "draft"]
    return {
        "confirmed": len(seen.confirmed),
        "missing": sum(not there[words] for words in entries) + sum(words not in drafts for words in last.values()),
        "twice": sum(count > 1 for words, count in there.items() if words.split()[0] in KINDS),
        "there_unconfirmed": sum(words not in seen.confirmed for words in there if words.split()[0] in KINDS),
    }


# ------------------------------------------------------------------------------------------------- all at once
async def different_children(address: str, workers: list[Worker]) -> dict[str, Any]:
    """Each writes about a child of her own, all at the same moment."""
    _, named, button = FORMS["contact"]
    async with AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(opened(address, one.cookie)) for one in workers]
        for one, tab in zip(workers, tabs, strict=True):
            await tab.go("child", one.query)
            tab.type(th(named), f"contact {one.name} พร้อมกัน")
        begun = time.perf_counter()
        await asyncio.gather(*(tab.press(th(button)) for tab in tabs))
        return {
            "wrote": sum(th("Written down.") in tab.words for tab in tabs),
            "seconds": time.perf_counter() - begun,
            "faults": sum(len(tab.faults) for tab in tabs),
        }


async def one_case(address: str, workers: list[Worker], rounds: int) -> dict[str, Any]:
    """All add a step to the same case at the same moment; who lost presses again in the next round."""
    _, named, button = FORMS["step"]
    found: dict[str, Any] = {"won": [], "told": [], "words_kept": [], "faults": 0, "seconds": []}
    async with AsyncExitStack() as stack:
        tabs = {one.name: await stack.enter_async_context(opened(address, one.cookie)) for one in workers}
        for name, tab in tabs.items():
            await tab.go("child", workers[0].query)
            tab.type(th(named), f"step {name} พร้อมกัน")
            tab.choose(th("Step"), th(STEPS["note"]))
        for _ in range(rounds):
            begun = time.perf_counter()
            await asyncio.gather(*(tab.press(th(button)) for tab in tabs.values()))
            found["seconds"].append(time.perf_counter() - begun)
            won = [name for name, tab in tabs.items() if th("Written down.") in tab.words]
            found["faults"] += sum(len(tab.faults) for tab in tabs.values())
            found["won"].append(len(won))
            tabs = {name: tab for name, tab in tabs.items() if name not in won}
            found["told"].append(sum(th(MOVED_ON) in tab.words for tab in tabs.values()))
            found["words_kept"].append(
                sum(tab.stands(th(named)) == f"step {name} พร้อมกัน" for name, tab in tabs.items())
            )
    return found


# ------------------------------------------------------------------------------------------------- measured
@dataclass(frozen=True)
class Chosen:
    """How many and how long; seconds."""

    readers: int
    writers: int
    at_once: int
    before: float
    away: float
    after: float
    think: float
    rounds: int


def workers(home: Path, accounts: Accounts, count: int, word: str) -> list[Worker]:
    """So many heads of school, each with a child of her own and an open case of that child."""
    with duckdb.connect(str(Store(home).run_folder() / "scores.duckdb"), read_only=True) as con:
        rows = con.execute(
            "select learner_id, school_id, area_id, grade, room from score order by hash(learner_id) limit ?", [count]
        ).fetchall()
    now, made = datetime.now(UTC), []
    for n, row in enumerate(rows):
        name, place = f"{word}{n:02d}", Place(*row)
        scope = [Scope("school", place.school_id)]
        accounts.create_person(name, f"ผู้อำนวยการ {name}", "school", scope, _PASSWORD, now, must_change_password=False)
        if word == "writer":
            cases.open_case(accounts.people, None, place, signal="list", said="เริ่ม", now=now)
        cookie = str(accounts.sign_in(name, _PASSWORD, now))
        made.append(Worker(name, cookie, place, f"child={key_of(home, place.learner_id)}"))
    return made


def officers(accounts: Accounts, count: int, child: Worker) -> list[Worker]:
    """So many officers of one area, all with the same child of it."""
    now, made, scope = datetime.now(UTC), [], [Scope("area", str(child.place.area_id))]
    for n in range(count):
        name = f"officer{n:02d}"
        accounts.create_person(name, f"เจ้าหน้าที่ {name}", "area", scope, _PASSWORD, now, must_change_password=False)
        made.append(Worker(name, str(accounts.sign_in(name, _PASSWORD, now)), child.place, child.query))
    return made


@contextmanager
def serving(settings: Settings) -> Iterator[tuple[str, psutil.Popen]]:
    """A server process over these settings: its address and the process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv, environment = command(settings.model_copy(update={"port": port}))
    environment["RAKSA_LOG"] = "off"
    log = settings.home / "server.log"
    with log.open("wb") as out:
        server = psutil.Popen(argv, env=environment, stdout=out, stderr=subprocess.STDOUT)
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 120
    try:
        while True:
            try:
                answer = httpx.get(f"{address}/health")
                if answer.status_code == 200:
                    break
                raise SystemExit(f"the server cannot serve this folder: {answer.text}")
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline or server.poll() is not None:
                raise SystemExit(f"the server did not start: {log.read_text(encoding='utf-8')}")
            time.sleep(0.2)
        yield address, server
    finally:
        server.terminate()
        server.wait()


def _away(home: Path, postgres: Postgres, chosen: Chosen) -> dict[str, Any]:
    url = postgres.new_database(durable=True).render_as_string(hide_password=False)
    settings = load(home).model_copy(update={"database_url": url})
    accounts = Accounts.open(settings)
    readers = workers(home, accounts, chosen.readers, "reader")
    writers = workers(home, accounts, chosen.writers, "writer")
    with serving(settings) as (address, server):
        seen, found = asyncio.run(stopped_under_work(address, postgres, readers, writers, chosen, server))
    found |= held(accounts, seen)
    found |= {"words_lost": seen.words_lost, "doors": dict(seen.doors), "broken": dict(seen.broken)}
    accounts.close()
    return found


def _together(settings: Settings, chosen: Chosen) -> dict[str, Any]:
    accounts = Accounts.open(settings)
    alone = workers(settings.home, accounts, chosen.at_once, "writer")
    same = officers(accounts, chosen.at_once, alone[0])
    with serving(settings) as (address, _server):
        found: dict[str, Any] = {
            "different_children": asyncio.run(different_children(address, alone)),
            "one_case": asyncio.run(one_case(address, same, chosen.rounds)),
        }
    with scoped(accounts.people, None) as session:
        there = Counter(session.scalars(select(ContactRow.text)))
    found["there"] = sum(words.startswith(KINDS) for words in there)
    found["twice"] = sum(count > 1 for words, count in there.items() if words.startswith(KINDS))
    accounts.close()
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--quick", action="store_true", help="6 sessions, 8 seconds away, 10 at once")
    options.add_argument("--readers", type=int, default=30)
    options.add_argument("--writers", type=int, default=10)
    options.add_argument("--at-once", type=int, default=50)
    options.add_argument("--away", type=float, default=20, help="seconds the database is away")
    options.add_argument("--think", type=float, default=5, help="seconds between clicks, on average")
    options.add_argument("--home", type=Path, help="folder of a demo; it is copied. Else a small one is made")
    options.add_argument("--json", type=Path)
    said = options.parse_args()
    chosen = Chosen(said.readers, said.writers, said.at_once, 30, said.away, 30, said.think, 3)
    if said.quick:
        chosen = Chosen(3, 3, 10, 6, 8, 10, 1, 2)
    packages = ("streamlit", "sqlalchemy", "psycopg")
    print(f"The people database away · {os.cpu_count()} cores · " + " · ".join(f"{p} {version(p)}" for p in packages))
    with tempfile.TemporaryDirectory() as folder, running() as postgres:
        home = Path(folder) / "home"
        if said.home:
            shutil.copytree(said.home, home, ignore=shutil.ignore_patterns("raksa.db*", "demo-files"))
        else:
            made = datetime(2026, 11, 16, 1, tzinfo=UTC)
            demo.run(load(home), schools=8, learners=1200, years=3, seed=0, now=made, progress=print)
        found = {"sessions": chosen.readers + chosen.writers, "away_s": chosen.away} | _away(home, postgres, chosen)
        for engine in ("postgresql", "sqlite"):
            url = postgres.new_database(durable=True).render_as_string() if engine == "postgresql" else ""
            for left in home.glob("raksa.db*"):
                left.unlink()
            found[f"at_once_{engine}"] = _together(load(home).model_copy(update={"database_url": url}), chosen)
    for name, value in found.items():
        print(f"{name:>22}  {value:,.1f}" if isinstance(value, float) else f"{name:>22}  {value}")
    if said.json:
        said.json.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
