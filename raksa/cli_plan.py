"""`raksa plan`: from a school's list to afternoons on the road: plan.pdf, plan.ics and plan.xlsx; and the sheet back.

Every command loads only what it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from raksa.errors import RaksaError

if TYPE_CHECKING:
    from care.family_hours import Hours
    from care.planner import Plan
    from care.visit_paper import Visited
    from dashboard.planning import Kept
    from dashboard.roster import Run
    from raksa.settings import Settings


def plan(
    school: Annotated[
        str | None, typer.Option(help="school, code or part of its name; visits start and end there")
    ] = None,
    days: Annotated[str | None, typer.Option(help="days to go, separated by commas: 2026-11-23,24/11/2569")] = None,
    to: Annotated[Path | None, typer.Option(help="folder to write plan.pdf, plan.ics and plan.xlsx into")] = None,
    start: Annotated[str, typer.Option(help="when to leave school, at the earliest")] = "13:00",
    end: Annotated[str, typer.Option(help="when to be back, at the latest")] = "16:30",
    minutes: Annotated[int, typer.Option(min=5, max=240, help="minutes for a visit")] = 30,
    teams: Annotated[int, typer.Option(min=1, max=20, help="pairs that go at the same time")] = 1,
    top: Annotated[int | None, typer.Option(min=1, help="no more than so many of the list, by need")] = None,
    hours: Annotated[
        Path | None,
        typer.Option(help="a plan.xlsx in which families' hours are written; with --as those of her plan count, too"),
    ] = None,
    router: Annotated[
        str | None, typer.Option(help="table address of an own OSRM or Valhalla; it is told where the homes are")
    ] = None,
    url: Annotated[str | None, typer.Option(help="address people open Raksa by, for the QR codes")] = None,
    names: Annotated[bool, typer.Option("--names", help="children's names in the calendar file, not numbers")] = False,
    seconds: Annotated[float, typer.Option(min=0.1, max=600, help="time to look for a good order")] = 1.5,
    as_person: Annotated[str | None, typer.Option("--as", help="the list and reasons this person's page shows")] = None,
    filled: Annotated[
        Path | None, typer.Option("--return", help="a filled-in plan.xlsx: hand in its visits, as the person of --as")
    ] = None,
    mend: Annotated[Path | None, typer.Option(help="with --return: workbook to write the refused rows into")] = None,
    language: Annotated[Literal["th", "en"] | None, typer.Option(help="default as in the settings")] = None,
) -> None:
    """Plan home visits for a school's list: who is visited when, the papers to carry, and who does not fit and why.
    With --return the filled-in sheet comes back."""
    from raksa.settings import load

    settings = load()
    said: Literal["th", "en"] = language or ("th" if settings.language == "th" else "en")
    if filled is not None:
        _take_back(filled, mend, as_person, settings, said)
        return
    if school is None or days is None or to is None:
        raise RaksaError("A plan needs --school, --days and --to; a filled-in sheet comes back with --return.")

    from care.calendar_file import ics
    from care.planner import Day, Options
    from care.planner import plan as fit
    from care.visit_paper import visit_set
    from care.visit_sheet import workbook
    from dashboard import planning, roster
    from raksa.accounts import Accounts
    from raksa.calendar import today_in_bangkok
    from raksa.store import Store

    store, now = Store(settings.home), datetime.now(UTC)
    address = planning.checked_address(url or planning.address_of(settings))
    times = _time(start, "--start"), _time(end, "--end")
    afternoons = [Day(_day(text), *times) for text in dict.fromkeys(days.split(","))]
    run, accounts = roster.open_run(store), Accounts.open(settings)
    try:
        person = roster.person_named(settings, as_person) if as_person else None
        place = _school(run, roster.schools(run, person, roster.Filters(school=school)), school)
        wanted = roster.Filters(school=place.id, top=top)
        children = planning.by_need(run, accounts.people, person, place.id, today_in_bangkok(now))[:top]
        depot = planning.depot(run, place.id, place.name)
        asked = _asked(hours, planning.kept(store.home, person) if person else None)
        homes, people, around = planning.homes_of(store, run, children, said, asked)
    finally:
        accounts.close()
        run.close()
    pairs = planning.pairs(teams, said)
    options = Options(minutes=minutes, router_url=router)
    made = fit(homes, depot, afternoons, pairs, options, seconds, settings.seed, around)
    to.mkdir(parents=True, exist_ok=True)
    (to / "plan.pdf").write_bytes(visit_set(made, people, address, said))
    (to / "plan.ics").write_bytes(ics(made, now, "full" if names else "number", said))
    (to / "plan.xlsx").write_bytes(workbook(made, people, said))
    roster.note_listing(settings, person, wanted, len(children), now)
    _tell(made, people, said, to)


def _asked(file: Path | None, held: Kept | None) -> dict[str, Hours]:
    """What families asked: as it is kept with a plan, and over it what a sheet says."""
    asked = dict(held.choices.hours) if held else {}
    if file is None:
        return asked
    from care.visit_sheet import read_hours_asked

    if not file.is_file():
        raise RaksaError(f"{file} is not there. Give a plan.xlsx after --hours.")
    return asked | read_hours_asked(file.name, file.read_bytes())


def _take_back(file: Path, mend: Path | None, as_person: str | None, settings: Settings, language: str) -> None:
    """Hand in a filled-in sheet, as its person; what was refused goes into a workbook."""
    from care.visit_sheet import take_sheet, to_mend
    from dashboard import planning, roster
    from raksa.accounts import Accounts
    from raksa.audit import Entry, record
    from raksa.store import Store

    if as_person is None:
        raise RaksaError("Visits are somebody's: say whose with --as NAME, the account of the person who went.")
    if not file.is_file():
        raise RaksaError(f"{file} is not there. Give the filled-in plan.xlsx after --return.")
    person, store, now = roster.person_named(settings, as_person), Store(settings.home), datetime.now(UTC)
    run, accounts = roster.open_run(store), Accounts.open(settings)
    try:
        record(accounts.people, Entry(now, "operator", "return_visits", None, f"as {as_person}", "operator"))
        report = take_sheet(
            accounts.people,
            person,
            file.name,
            file.read_bytes(),
            lambda key: planning.place_of_key(run, store.home, person, key),
            now=now,
            home=settings.home,
        )
        planning.keep_hours(store.home, person, report.hours)
    finally:
        accounts.close()
        run.close()
    counts = report.written, report.same, report.unfilled
    if language == "th":
        print("บันทึกแล้ว {} แถว เคยส่งแล้ว {} แถว ยังไม่ได้กรอก {} แถว".format(*counts))
    else:
        print("{} written, {} handed in before, {} rows not filled in".format(*counts))
    line = "แถวที่" if language == "th" else "line"
    for one in report.refused:
        print(f"{file}, {line} {one.number}: {one.th if language == 'th' else one.en}")
    if report.refused:
        to = mend or file.with_name(f"{file.stem}-to-mend.xlsx")
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(to_mend(report, language))
        told = (
            "ต้องแก้ไข {} แถว: แก้ใน {} แล้วส่งด้วย --return"
            if language == "th"
            else ("{} refused: mend them in {} and give it to --return")
        )
        print(told.format(len(report.refused), to))
        raise typer.Exit(1)


def _tell(made: Plan, people: dict[str, Visited], language: str, to: Path) -> None:
    """The plan in lines, and what a person must know of it; ~ is where a home's position is not known, as on paper."""
    from care.family_hours import in_words
    from care.visit_paper import date_words
    from dashboard import planning

    thai = language == "th"
    km = "กม." if thai else "km"
    for round in made.rounds:
        pair = " · ".join(round.team.members)
        print(" ".join(filter(None, (date_words(round.day.on, "th" if thai else "en"), pair))))
        for stop in round.stops:
            way = f"{'~ ' if stop.placed else ''}{stop.km:.1f} {km}"
            line = f"  {stop.begins:%H:%M}–{stop.ends:%H:%M}  {people[stop.home.key].name}  {way}"
            doubt = stop.doubt[0 if thai else 1] if stop.doubt else ""
            print("  ".join(filter(None, (line, doubt, in_words(stop.home.hours, language)))))
        if round.stops:
            print(f"  {round.back:%H:%M}  {made.school.name}  {round.km:.1f} {km}")
    for out in made.left_out:
        print(f"- {people[out.home.key].name}: {planning.why_not(out, language)}")
    for th, en in made.notes:
        print(f"~ {th if thai else en}")
    counts = made.visits, len(made.left_out), made.km, to
    if thai:
        if made.cut_short:
            print("หมดเวลาค้นหาก่อน: เพิ่ม --seconds อาจได้ทางที่สั้นกว่า")
        print("เยี่ยม {} บ้าน ยังไม่อยู่ในแผน {} บ้าน รวม {:.1f} กม.: {}".format(*counts))
    else:
        if made.cut_short:
            print("The search was cut short: more --seconds may find a shorter way.")
        print("Visits: {}. Left out: {}. In all {:.1f} km: {}".format(*counts))


def _school(run: Run, found: Sequence[Any], asked: str) -> Any:
    exact = [one for one in found if asked in (one.id, one.name)] or list(found)
    if len(exact) != 1:
        names = ", ".join(f"{one.id} {one.name}" for one in exact[:5])
        which = f"means {len(exact)} schools ({names} …)" if exact else "is no school of this run"
        raise RaksaError(f"--school {asked!r} {which}. Give the code of one.")
    return exact[0]


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
