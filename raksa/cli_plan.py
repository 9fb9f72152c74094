"""`raksa plan`: from a school's list to afternoons on the road: plan.pdf, plan.ics and plan.xlsx.

Every command loads only what it needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

import typer

from raksa.access import Person
from raksa.errors import RaksaError

if TYPE_CHECKING:
    from care.planner import Home, Plan, School
    from care.visit_paper import Visited
    from dashboard.roster import Child, Run
    from raksa.settings import Settings
    from raksa.store import Store

_CARRIES_IT = Person("", "", "teacher")


def plan(
    school: Annotated[str, typer.Option(help="school, code or part of its name; visits start and end there")],
    days: Annotated[str, typer.Option(help="days to go, separated by commas: 2026-11-23,24/11/2569")],
    to: Annotated[Path, typer.Option(help="folder to write plan.pdf, plan.ics and plan.xlsx into")],
    start: Annotated[str, typer.Option(help="when to leave school, at the earliest")] = "13:00",
    end: Annotated[str, typer.Option(help="when to be back, at the latest")] = "16:30",
    minutes: Annotated[int, typer.Option(min=5, max=240, help="minutes for a visit")] = 30,
    teams: Annotated[int, typer.Option(min=1, max=20, help="pairs that go at the same time")] = 1,
    top: Annotated[int | None, typer.Option(min=1, help="no more than so many of the list, by need")] = None,
    router: Annotated[
        str | None, typer.Option(help="table address of an own OSRM or Valhalla; it is told where the homes are")
    ] = None,
    url: Annotated[str | None, typer.Option(help="address people open Raksa by, for the QR codes")] = None,
    names: Annotated[bool, typer.Option("--names", help="children's names in the calendar file, not numbers")] = False,
    seconds: Annotated[float, typer.Option(min=0.1, max=600, help="time to look for a good order")] = 1.5,
    as_person: Annotated[str | None, typer.Option("--as", help="the list and reasons this person's page shows")] = None,
    language: Annotated[Literal["th", "en"] | None, typer.Option(help="default as in the settings")] = None,
) -> None:
    """Plan home visits for a school's list: who is visited when, the papers to carry, and who does not fit and why."""
    from care.calendar_file import ics
    from care.planner import Day, Options, Team
    from care.planner import plan as fit
    from care.visit_paper import visit_set
    from dashboard import roster
    from raksa.settings import load
    from raksa.store import Store

    settings = load()
    store, now = Store(settings.home), datetime.now(UTC)
    said: Literal["th", "en"] = language or ("th" if settings.language == "th" else "en")
    address = _address(url or _own_address(settings))
    times = _time(start, "--start"), _time(end, "--end")
    afternoons = [Day(_day(text), *times) for text in dict.fromkeys(days.split(","))]
    run = roster.open_run(store)
    try:
        person = roster.person_named(settings, as_person) if as_person else None
        place = _school(run, roster.schools(run, person, roster.Filters(school=school)), school)
        wanted = roster.Filters(school=place.id, top=top)
        children = roster.children(run, person, wanted)
        depot = _depot(run, place.id, place.name)
        homes, people = homes_of(store, run, children, said)
    finally:
        run.close()
    pairs = [Team((f"{'คู่ที่' if said == 'th' else 'Pair'} {n}",) if teams > 1 else ()) for n in range(1, teams + 1)]
    made = fit(homes, depot, afternoons, pairs, Options(minutes=minutes, router_url=router), seconds, settings.seed)
    to.mkdir(parents=True, exist_ok=True)
    (to / "plan.pdf").write_bytes(visit_set(made, people, address, said))
    (to / "plan.ics").write_bytes(ics(made, now, "full" if names else "number", said))
    (to / "plan.xlsx").write_bytes(workbook(made, people, said))
    roster.note_listing(settings, person, wanted, len(children), now)
    _tell(made, people, said, to)


def homes_of(store: Store, run: Run, children: Sequence[Child], language: str) -> tuple[list[Home], dict[str, Visited]]:
    """A home for each child, in the order given, and who is visited there, by the child's key. Of address and place the
    last said before the run's day counts; coordinates of the survey, if any. Reasons are those a class teacher reads,
    whoever asks: a paper is also read by whoever picks it up."""
    from care.planner import Home
    from care.visit_paper import Visited
    from dashboard.roster import discreet

    ids = {child.learner_id for child in children}
    lives = _last_said(store, "identity", ("address", "subdistrict", "district"), ids, run.as_of)
    lies = _last_said(store, "home", ("latitude", "longitude"), ids, run.as_of)
    homes, people = [], {}
    for child in children:
        at, spot = lives.get(child.learner_id, {}), lies.get(child.learner_id, {})
        known = "latitude" in spot and "longitude" in spot
        homes.append(
            Home(
                child.key,
                spot["latitude"] if known else None,
                spot["longitude"] if known else None,
                place=_village(at.get("address", "")),
                subdistrict=at.get("subdistrict", ""),
                name=child.name,
            )
        )
        guardian = child.guardian_name or ""
        if child.guardian_relation:
            guardian = f"{guardian} ({child.guardian_relation})".strip()
        people[child.key] = Visited(
            child.name,
            child.class_name,
            guardian,
            child.phone or "",
            _whole(at),
            tuple(reason.th if language == "th" else reason.en for reason in discreet(_CARRIES_IT, child.reasons)),
        )
    return homes, people


def workbook(made: Plan, people: dict[str, Visited], language: str) -> bytes:
    """The plan as a sheet to fill in, a row a visit: what the paper asks, with the codes' words to choose from."""
    import io

    import xlsxwriter

    from care.visit_paper import CAUSES, HELP, MODES, date_words

    thai = language == "th"
    said = 0 if thai else 1
    fixed = ("Key", "No.", "Child", "Class", "Planned", "Time")
    if thai:
        fixed = ("รหัส", "ที่", "นักเรียน", "ชั้น", "กำหนด", "เวลา")
    asked: list[tuple[str, list[str]]] = [
        ("วันที่เยี่ยม" if thai else "Visited on", []),
        ("พบ" if thai else "Met", [words[said] for words in MODES.values()]),
        *((f"{'เหตุที่พบ' if thai else 'Found'} {n}", [words[said] for words in CAUSES.values()]) for n in (1, 2)),
        *((f"{'ต้องการ' if thai else 'Help'} {n}", [words[said] for words in HELP.values()]) for n in (1, 2)),
        ("ตกลงกันว่า" if thai else "Agreed", []),
        ("นัดครั้งต่อไป" if thai else "Next time", []),
        ("เสียงของเด็ก" if thai else "In the child's own words", []),
    ]
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("เยี่ยมบ้าน" if thai else "Visits")
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.write_row(0, 0, [*fixed, *(heading for heading, _ in asked)], bold)
    stops = [(round, stop) for round in made.rounds for stop in round.stops]
    for at, (round, stop) in enumerate(stops, start=1):
        who = people[stop.home.key]
        when = date_words(round.day.on, "th" if thai else "en")
        sheet.write_row(at, 0, [stop.home.key, at, who.name, who.class_name, when, f"{stop.begins:%H.%M}"], wrap)
    for column, (_, words) in enumerate(asked, start=len(fixed)):
        if words and stops:
            sheet.data_validation(1, column, len(stops), column, {"validate": "list", "source": words})
    sheet.set_column(0, 0, 4)
    sheet.set_column(1, 1, 5)
    sheet.set_column(2, len(fixed) + len(asked) - 1, 18)
    sheet.freeze_panes(1, 3)
    book.close()
    return out.getvalue()


def _tell(made: Plan, people: dict[str, Visited], language: str, to: Path) -> None:
    """The plan in lines, and what a person must know of it."""
    from care.visit_paper import date_words

    thai = language == "th"
    for round in made.rounds:
        pair = " · ".join(round.team.members)
        print(" ".join(filter(None, (date_words(round.day.on, "th" if thai else "en"), pair))))
        for stop in round.stops:
            print(f"  {stop.begins:%H:%M}–{stop.ends:%H:%M}  {people[stop.home.key].name}  {stop.km:.1f} km")
        if round.stops:
            print(f"  {round.back:%H:%M}  {made.school.name}  {round.km:.1f} km")
    for out in made.left_out:
        print(f"- {people[out.home.key].name}: {out.th if thai else out.en}")
    for th, en in made.notes:
        print(f"* {th if thai else en}")
    if made.cut_short:
        print("* The search was cut short: more --seconds may find a shorter way.")
    print(f"{made.visits} visits, {len(made.left_out)} left out, {made.km:.1f} km: {to}")


def _last_said(
    store: Store, table: str, columns: tuple[str, ...], ids: set[int], before: date
) -> dict[int, dict[str, Any]]:
    """Of each learner the last value said of each column before a day; what was never said is not in it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = store.read(table, columns=["learner_id", "known_on", *columns])
    named = pc.is_in(rows["learner_id"], pa.array(sorted(ids), pa.int64()))
    rows = rows.filter(pc.and_(named, pc.less(rows["known_on"], pa.scalar(before))))
    found: dict[int, dict[str, Any]] = {}
    for row in rows.sort_by("known_on").to_pylist():
        held = found.setdefault(row["learner_id"], {})
        held |= {name: row[name] for name in columns if row[name] is not None}
    return found


def _whole(said: Mapping[str, str]) -> str:
    """The address on one line, as far as it is known."""
    parts = (("", "address"), ("ต.", "subdistrict"), ("อ.", "district"))
    return " ".join(f"{short}{said[name]}" for short, name in parts if name in said)


def _village(address: str) -> str:
    """The village or road of an address: all but the house's own number.

    >>> _village("44/2 หมู่ 12"), _village("ซอย 3 ถนนใหญ่"), _village("9")
    ('หมู่ 12', 'ซอย 3 ถนนใหญ่', '')
    """
    number, _, rest = address.strip().partition(" ")
    return rest.strip() if number[:1].isdigit() else address.strip()


def _school(run: Run, found: Sequence[Any], asked: str) -> Any:
    exact = [one for one in found if asked in (one.id, one.name)] or list(found)
    if len(exact) != 1:
        names = ", ".join(f"{one.id} {one.name}" for one in exact[:5])
        which = f"means {len(exact)} schools ({names} …)" if exact else "is no school of this run"
        raise RaksaError(f"--school {asked!r} {which}. Give the code of one.")
    return exact[0]


def _depot(run: Run, school: str, name: str) -> School:
    from care.planner import School

    ((latitude, longitude),) = run.rows("SELECT latitude, longitude FROM school WHERE school_id = ?", [school])
    if latitude is None or longitude is None:
        raise RaksaError(
            f"It is not known where {name} lies, and visits start there. Add ละติจูด and ลองจิจูด to the school list, "
            "import it, then `raksa score` again."
        )
    return School(latitude, longitude, name)


def _own_address(settings: Settings) -> str:
    """Where people open Raksa, as far as the settings say."""
    named = settings.public_host.split()
    return f"https://{named[0]}" if named else f"http://{settings.host}:{settings.port}"


def _address(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise RaksaError(f"--url {url!r} is no web address. Write it whole, such as https://raksa.example.go.th.")
    return url


def _day(text: str) -> date:
    from raksa.thai import read_date

    day = read_date(text)
    if day is None:
        raise RaksaError(f"--days: {text!r} is not a date. Write 2026-11-23 or 23/11/2569, with commas between.")
    return day


def _time(text: str, option: str) -> time:
    try:
        return time.fromisoformat(text.replace(".", ":").rjust(5, "0"))
    except ValueError:
        raise RaksaError(f"{option} {text!r} is not a time. Write it as 13:00.") from None
