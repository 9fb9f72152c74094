"""Behind the page Plan, its files and `raksa plan`: whom to visit first, where they live, and a plan that is kept.

What is kept of a plan is what somebody chose and the order of the visits, in a file of her own in the data folder:
times and distances are reckoned anew from it (`care.planner.reordered`), so that page, paper, calendar and sheet show
the same plan, also after a restart and after the order was changed by hand. It is not looked for again for each file,
because a search that was cut short on a busy machine may find another plan; and it does not stand in the address,
because that would hold a key of every child. Names are not in it, and whose children a person may see is asked anew
each time: who is no longer hers is no longer in her plan.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine

from care.capacity import in_order
from care.contacts import Place, last_contacts
from care.family_hours import Hours, as_json, from_json, in_words
from care.opinions import holding
from care.planner import Day, Home, LeftOut, Options, Plan, Round, School, Team, plan, reordered
from care.visit_paper import Visited
from care.visit_sheet import Known, Report, take_sheet, to_mend
from care.visits import Visit, in_scope
from dashboard import roster
from dashboard.budget import needs
from dashboard.keys import learner_of
from dashboard.roster import Child, Filters, Run
from raksa.access import Person, sees_learners
from raksa.audit import Entry, record
from raksa.calendar import academic_year, first_day, term_days
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store

MOST_HOMES, MOST_DAYS, MOST_TEAMS = 60, 10, 5
SECONDS = 1.5  # of search: the page answers within two
NO_HOURS: Mapping[str, Hours] = MappingProxyType({})
_CARRIES_IT = Person("", "", "teacher")


@dataclass(frozen=True)
class Choices:
    """What a person asks of a plan. `top` children of the school's list by need, and `also` these (keys); `hours` are
    those of families, by key, also of children who are not in the plan this time."""

    school: str
    days: tuple[date, ...]
    start: time = time(13)
    end: time = time(16, 30)
    minutes: int = 30
    teams: int = 1
    top: int = 8
    also: tuple[str, ...] = ()
    hours: Mapping[str, Hours] = field(default_factory=dict)


@dataclass(frozen=True)
class Kept:
    """A plan as it is kept: the choices, for each day and pair the keys in order, and who fits nowhere and why
    (key → code, Thai, English)."""

    choices: Choices
    order: tuple[tuple[str, ...], ...]
    left_out: Mapping[str, tuple[str, str, str]]
    cut_short: bool
    run: str
    at: datetime


@dataclass(frozen=True)
class Shown:
    """A kept plan with its times, and by key the children it visits and how a paper speaks of them."""

    plan: Plan
    people: Mapping[str, Visited]
    children: Mapping[str, Child]


# ------------------------------------------------------------------------------------------------------ whom to visit
def by_need(run: Run, people: Engine, person: Person | None, school: str, today: date) -> list[Child]:
    """Children of a school's list the person may see, in the order of care.capacity: whom nobody has looked at before
    whom somebody has, then the greatest need (chance, what can be changed, how long nobody made contact)."""
    rows = needs(run, person, last_contacts(people, person), today, school=school)
    learners = in_order(rows[rows["listed"] & rows["need"].notna()])["learner_id"]
    found = {one.learner_id: one for one in roster.children_of(run, person, learners)}
    return [found[learner] for learner in learners if learner in found]


def beside(run: Run, people: Engine, person: Person, school: str, today: date) -> list[Child]:
    """Children a plan may take besides: those teachers named, then the rest of the school's list by class."""
    named = [one.place.learner_id for one in holding(people, person, today) if one.says == "nominate"]
    first = [one for one in roster.children_of(run, person, named, sort="class") if one.school_id == school]
    held = {one.learner_id for one in first}
    listed = roster.children(run, person, Filters(school=school, sort="class"))
    return [*first, *(one for one in listed if one.learner_id not in held and one.school_id == school)]


def schools(run: Run, person: Person | None) -> dict[str, str]:
    """Schools the person may plan for: code → name. None for who only sees children counted."""
    return {one.id: one.name for one in roster.schools(run, person)} if sees_learners(person) else {}


def depot(run: Run, school: str, name: str) -> School:
    """Where rounds begin. Raises RaksaError if it is not known where the school lies."""
    found = run.rows("SELECT latitude, longitude FROM school WHERE school_id = ?", [school])
    latitude, longitude = found[0] if found else (None, None)
    if latitude is None or longitude is None:
        raise RaksaError(
            "It is not known where {name} lies, and visits start there. Add ละติจูด and ลองจิจูด to the school list, "
            "import it, then `raksa score` again.",
            name=name,
        )
    return School(latitude, longitude, name)


def pairs(teams: int, language: str) -> list[Team]:
    """So many pairs, numbered where there are several."""
    word = "คู่ที่" if language == "th" else "Pair"
    return [Team((f"{word} {n}",) if teams > 1 else ()) for n in range(1, teams + 1)]


def homes_of(
    store: Store, run: Run, children: Sequence[Child], language: str, hours: Mapping[str, Hours] = NO_HOURS
) -> tuple[list[Home], dict[str, Visited], list[Home]]:
    """A home for each child, in the order given; who is visited there, by the child's key; and the known homes of the
    rest of the school, without a name and to a hundredth of a degree, by which a home without coordinates is placed.
    Of address and place the last said before the run's day counts; coordinates and the way to school of the survey, if
    any. `hours` of the families, by key. Reasons are those a class teacher reads, whoever asks: a paper is also read by
    whoever picks it up."""
    ids = {child.learner_id for child in children}
    schools = sorted({child.school_id for child in children})
    marks = ", ".join("?" * len(schools)) or "NULL"
    everybody = {row[0] for row in run.rows(f"SELECT learner_id FROM score WHERE school_id IN ({marks})", schools)}
    lives = _last_said(store, "identity", ("address", "subdistrict", "district"), ids | everybody, run.as_of)
    lies = _last_said(store, "home", ("latitude", "longitude"), ids | everybody, run.as_of)
    far = _last_said(store, "household", ("distance_km",), ids, run.as_of)

    def home_of(key: str, learner: int) -> Home:
        at, spot = lives.get(learner, {}), lies.get(learner, {})
        known = len(spot) == 2
        return Home(
            key,
            spot["latitude"] if known else None,
            spot["longitude"] if known else None,
            place=_village(at.get("address", "")),
            subdistrict=at.get("subdistrict", ""),
        )

    # To about a kilometre: whoever plans may not see these children, and in a village of one known home its middle is
    # that home's door.
    others = [home_of("", learner) for learner in sorted(everybody - ids) if len(lies.get(learner, ())) == 2]
    around = [replace(one, latitude=_roughly(one.latitude), longitude=_roughly(one.longitude)) for one in others]
    homes, people = [], {}
    for child in children:
        at = lives.get(child.learner_id, {})
        asked = hours.get(child.key, Hours())
        homes.append(
            replace(
                home_of(child.key, child.learner_id),
                window=asked.window,
                first=asked.first,
                name=child.name,
                not_on=asked.not_on,
                school_km=far.get(child.learner_id, {}).get("distance_km"),
            )
        )
        guardian = child.guardian_name or ""
        if child.guardian_relation:
            guardian = f"{guardian} ({child.guardian_relation})".strip()
        # Beside whom one rings up, on the page and on the paper; who goes first is the school's affair.
        if said := in_words(replace(asked, first=False), language):
            guardian = f"{guardian or ('ไม่ทราบ' if language == 'th' else 'not known')} · {said}"
        people[child.key] = Visited(
            child.name,
            child.class_name,
            guardian,
            child.phone or "",
            _whole(at),
            tuple(
                reason.th if language == "th" else reason.en for reason in roster.discreet(_CARRIES_IT, child.reasons)
            ),
        )
    return homes, people, around


# ------------------------------------------------------------------------------------------------------ a plan is kept
def make(
    run: Run, store: Store, people: Engine, person: Person, choices: Choices, now: datetime, today: date, seed: int = 0
) -> Kept:
    """The best plan found in a second and a half for these choices.

    Raises RaksaError for a school the person has no children in or whose place is not known, no day, a day that ends
    before it starts, or more than 60 children, 10 days or 5 pairs.
    """
    name = schools(run, person).get(choices.school)
    if name is None:
        raise RaksaError("School {school} is not among those of this account. Choose another.", school=choices.school)
    also = [learner_of(store.home, key) for key in choices.also]
    children = by_need(run, people, person, choices.school, today)[: choices.top]
    held = {child.key for child in children}
    more = roster.children_of(run, person, [learner for learner in also if learner is not None])
    children += [one for one in more if one.key not in held and one.school_id == choices.school]
    if not (choices.days and children):
        raise RaksaError("There is no day or no child to plan for. Choose at least one of each.")
    if len(children) > MOST_HOMES or len(choices.days) > MOST_DAYS or not 1 <= choices.teams <= MOST_TEAMS:
        raise RaksaError(
            "A plan holds {homes} homes, {days} days and {teams} pairs. Choose fewer.",
            homes=MOST_HOMES, days=MOST_DAYS, teams=MOST_TEAMS,
        )  # fmt: skip
    if choices.end <= choices.start:
        raise RaksaError(
            "The day ends at {end}, before it starts at {start}. Turn them round.",
            end=f"{choices.end:%H:%M}", start=f"{choices.start:%H:%M}",
        )  # fmt: skip
    homes, _, around = homes_of(store, run, children, "th", choices.hours)
    days = [Day(on, choices.start, choices.end) for on in choices.days]
    options = Options(minutes=choices.minutes)
    school = depot(run, choices.school, name)
    made = plan(homes, school, days, pairs(choices.teams, "th"), options, SECONDS, seed, around)
    return Kept(
        choices=choices,
        order=tuple(tuple(stop.home.key for stop in round.stops) for round in made.rounds),
        left_out={out.home.key: (out.code, out.th, out.en) for out in made.left_out},
        cut_short=made.cut_short,
        run=run.id,
        at=now,
    )


def shown(run: Run, store: Store, person: Person, kept: Kept, language: str) -> Shown:
    """The kept plan with its times, of the children the person may see today. Nothing is searched for."""
    keys = [*(key for keys in kept.order for key in keys), *kept.left_out]
    learners = {key: learner for key in keys if (learner := learner_of(store.home, key)) is not None}
    by_key = {one.key: one for one in roster.children_of(run, person, learners.values())}
    children = {key: by_key[key] for key in keys if key in by_key}
    choices = kept.choices
    homes, people, around = homes_of(store, run, list(children.values()), language, choices.hours)
    school = depot(run, choices.school, schools(run, person).get(choices.school, ""))
    # A plan of no days has the roads and nobody in it; its rounds are then those that were kept.
    empty = plan(homes, school, [], options=Options(minutes=choices.minutes), around=around)
    days = [Day(on, choices.start, choices.end) for on in sorted(choices.days)]
    rounds = [Round(day, team, day.start, day.start, 0, ()) for day in days for team in pairs(choices.teams, language)]
    left = tuple(LeftOut(home, *kept.left_out[home.key]) for home in homes if home.key in kept.left_out)
    whole = replace(empty, rounds=tuple(rounds), left_out=left, cut_short=kept.cut_short)
    order = [[key for key in keys if key in children] for keys in kept.order]
    return Shown(reordered(whole, order), people, children)


def why_not(out: LeftOut, language: str) -> str:
    """Why a home is in no round, and what its family asked, if anything."""
    said = out.th if language == "th" else out.en
    asked = in_words(out.home.hours, language)
    return f"{said} ({asked})" if asked else said


def moved(kept: Kept, key: str, to: int | None = None, by: int = 0) -> Kept:
    """The plan with one home elsewhere: `by` -1 earlier and 1 later in its round, `to` the end of another round; with
    neither it is taken out. Earlier than the first and later than the last changes nothing."""
    order = [list(keys) for keys in kept.order]
    at = next((n for n, keys in enumerate(order) if key in keys), None)
    if to is None and by and at is not None:
        place = order[at].index(key)
        order[at].insert(max(0, place + by), order[at].pop(place))
    else:
        for keys in order:
            if key in keys:
                keys.remove(key)
        if to is not None and 0 <= to < len(order):
            order[to].append(key)
    named = {one for keys in order for one in keys}
    left = {one: said for one, said in kept.left_out.items() if one not in named}
    if key not in named and key not in left:
        left[key] = ("by_hand", "มีคนนำออกจากแผน", "Somebody took it out of the plan.")
    return replace(kept, order=tuple(tuple(keys) for keys in order), left_out=left)


def keep(home: Path, person: Person, kept: Kept) -> None:
    """Write the plan down; it takes the place of the one before."""
    choices = kept.choices
    said: dict[str, Any] = vars(kept) | {
        "choices": vars(choices)
        | {"start": f"{choices.start:%H:%M}", "end": f"{choices.end:%H:%M}"}
        | {"hours": {key: as_json(asked) for key, asked in choices.hours.items()}},
        "at": kept.at.isoformat(),
    }
    _write(home, person, "plan.json", json.dumps(said, ensure_ascii=False, default=str).encode())


def kept(home: Path, person: Person) -> Kept | None:
    """The plan this person made last; None if there is none, or it cannot be read."""
    file = _folder(home, person) / "plan.json"
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        chosen = said["choices"]
        choices = Choices(
            **chosen
            | {"days": tuple(date.fromisoformat(day) for day in chosen["days"]), "also": tuple(chosen["also"])}
            | {end: time.fromisoformat(chosen[end]) for end in ("start", "end")}
            | {"hours": {key: from_json(asked) for key, asked in chosen.get("hours", {}).items()}}
        )
        order = tuple(tuple(keys) for keys in said["order"])
        left = {key: (code, th, en) for key, (code, th, en) in said["left_out"].items()}
        at = datetime.fromisoformat(said["at"])
        return Kept(choices, order, left, bool(said["cut_short"]), str(said["run"]), at)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def keep_hours(home: Path, person: Person, hours: Mapping[str, Hours]) -> None:
    """Write down what families asked, in the plan the person made last, if there is one. The order stays; whether it
    still holds, `shown` says."""
    held = kept(home, person)
    if held is not None and hours:
        told = {key: asked for key, asked in {**held.choices.hours, **hours}.items() if asked != Hours()}
        keep(home, person, replace(held, choices=replace(held.choices, hours=told)))


def address_of(settings: Settings) -> str:
    """Where people open Raksa, as far as the settings say; the codes on the sheets lead there."""
    if "public_url" in settings.model_fields_set:
        return settings.public_url
    named = settings.public_host.replace(",", " ").split()
    return f"https://{named[0]}" if named else f"http://{settings.host}:{settings.port}"


def checked_address(url: str) -> str:
    """The address as it was given. Raises RaksaError if it is none."""
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise RaksaError(
            "--url {url} is no web address. Write it whole, such as https://raksa.example.go.th.", url=repr(url)
        )
    return url


# --------------------------------------------------------------------------------------------------- what comes back
def place_of_key(run: Run, home: Path, person: Person | None, key: str) -> Place | None:
    """Where the child of a key stands; None for a key of no child, and of one the person may not see."""
    learner = learner_of(home, key)
    child, _ = roster.child(run, person, learner) if learner is not None else (None, None)
    return Place(child.learner_id, child.school_id, child.area_id, child.grade, child.room) if child else None


def take_back(
    run: Run, store: Store, people: Engine, person: Person, name: str, content: bytes, now: datetime
) -> Report:
    """Hand in the visits of a filled-in sheet, and keep what families asked for the next plan. Rows that were refused
    are kept as a workbook until the next sheet. Raises RaksaError if the file is no sheet of a plan."""

    def where(key: str) -> Place | None:
        return place_of_key(run, store.home, person, key)

    record(
        people, Entry(now, person.username, "return_visits", None, f"run {run.id}, {len(content)} bytes", person.role)
    )
    report = take_sheet(people, person, name, content, where, now=now, home=store.home)
    keep_hours(store.home, person, report.hours)
    if report.refused:
        _write(store.home, person, "to-mend.xlsx", to_mend(report, person.language))
    else:
        (_folder(store.home, person) / "to-mend.xlsx").unlink(missing_ok=True)
    return report


def rows_to_mend(home: Path, person: Person) -> bytes | None:
    """The refused rows of the person's last sheet as a workbook; None if there were none."""
    file = _folder(home, person) / "to-mend.xlsx"
    return file.read_bytes() if file.is_file() else None


def term_of(day: date, settings: Settings) -> tuple[date, date]:
    """First and last day of the term a day lies in; between terms, of the year up to then."""
    year = academic_year(day, settings)
    terms = [term_days(year, term.number, settings) for term in settings.terms]
    return next((term for term in terms if term[0] <= day <= term[1]), (first_day(year, settings), day))


def visits_of_term(
    run: Run, people: Engine, person: Person | None, settings: Settings, today: date
) -> tuple[list[Visit], dict[int, Known]]:
    """Visits of the present term to children who stood in the person's scope then, and those of them she may see now
    by name; the others keep their row without one."""
    first, last = term_of(today, settings)
    made = [one for one in in_scope(people, person, first) if one.form.on <= last]
    children = roster.children_of(run, person, {one.place.learner_id for one in made})
    return made, {one.learner_id: Known(one.name, one.class_name, one.student_number or "") for one in children}


# ------------------------------------------------------------------------------------------------------------- inside
def _folder(home: Path, person: Person) -> Path:
    # Hashed: a name of an account may hold letters a file system reads otherwise.
    return home / "plans" / sha256(person.username.encode()).hexdigest()[:32]


def _write(home: Path, person: Person, name: str, content: bytes) -> None:
    """Whole or not at all, readable by this program alone."""
    folder = _folder(home, person)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = folder / f".{name}"
    beside.write_bytes(content)
    beside.chmod(0o600)
    beside.replace(folder / name)


def _last_said(
    store: Store, table: str, columns: tuple[str, ...], ids: Iterable[int], before: date
) -> dict[int, dict[str, Any]]:
    """Of each learner the last value said of each column before a day; what was never said is not in it."""
    rows = store.read(table, columns=["learner_id", "known_on", *columns])
    named = pc.is_in(rows["learner_id"], pa.array(sorted(ids), pa.int64()))
    rows = rows.filter(pc.and_(named, pc.less(rows["known_on"], pa.scalar(before))))
    found: dict[int, dict[str, Any]] = {}
    for row in rows.sort_by("known_on").to_pylist():
        held = found.setdefault(row["learner_id"], {})
        held |= {name: row[name] for name in columns if row[name] is not None}
    return found


def _roughly(degrees: float | None) -> float | None:
    return None if degrees is None else round(degrees, 2)


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
