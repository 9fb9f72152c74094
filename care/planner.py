"""Which homes to visit on which afternoon, and in which order, so that every visit keeps its hours.

Two teachers have five afternoons; forty homes wait. `plan` fits in as many as it can, the ones marked `first` before
all others, and then with the least time on the road; it names every home that does not fit, and why.

    school = School(15.0, 101.0)
    afternoons = [Day(date(2026, 11, 23), time(13), time(16, 30)), Day(date(2026, 11, 24), time(13), time(16, 30))]
    mali = Home("mali", 15.02, 101.01, place="บ้านทุ่งนา")
    kong = Home("kong", 15.09, 101.08, window=(time(16), time(18)))
    made = plan([mali, kong], school, afternoons)
    for round in made.rounds:
        print(round.day.on, [(stop.begins, stop.home.key) for stop in round.stops])
    made.left_out            # kong: at home from 16.00, a visit takes until 16.30, and the school is a ride away

The order is sought by PyVRP (docs/decisions/0016-pyvrp.md); every time of a plan is reckoned here, by `_round`, so that
a plan reordered by hand is reckoned like one that was sought. All lengths of time are whole minutes, rounded up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from itertools import pairwise, product
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from care.family_hours import WEEKDAYS, Hours
from raksa.errors import RaksaError

if TYPE_CHECKING:
    from numpy.typing import NDArray

EARTH_KM = 6371.0088
# What a plan is judged by, in steps of ten metres: a minute away from school counts as a kilometre, and leaving one
# village or road for another as half a kilometre more, so that neighbours are visited together where it costs little.
STEP, MINUTE, LEAVING = 10, 100, 50
# The search starts anew so often, and each time ends when nothing better was found for so many rounds of it: where too
# many homes wait, other beginnings find more than patience does (200 homes, 5 afternoons: 30 visits instead of 29).
STARTS, PATIENCE = 5, 200
# A visit is worth two whole days on the road, one marked first ten visits; a minute too late costs more than either.
PRIZE, FIRST, LATE = 2, 10, 1e6
ROUTER_SECONDS = 5.0
# A record of how far a home is from school and the place found for it disagree when one is more than twice the other
# and they are more than three kilometres apart: less is a detour, or a village longer than its middle (our judgement).
TWICE, APART_KM = 2, 3


@dataclass(frozen=True)
class Home:
    """A home to visit. `key` says which; `place` is the village or road, as people there call it.

    `window` is when the family is there: the whole visit lies in it; None = any time. `not_on` are weekdays on which
    nobody comes, 0 = Monday. `minutes` at the home; None = as the options say. `first`: goes before all that are not.
    Latitude and longitude in degrees, None = not known. `school_km` is how far from school a record says it is by road,
    such as the poverty screening; it counts where the coordinates are not known. None = no record.
    """

    key: str
    latitude: float | None = None
    longitude: float | None = None
    place: str = ""
    subdistrict: str = ""
    window: tuple[time, time] | None = None
    minutes: int | None = None
    first: bool = False
    name: str = ""
    not_on: tuple[int, ...] = ()
    school_km: float | None = None

    @property
    def hours(self) -> Hours:
        """What the family asked."""
        return Hours.of(self.window, self.not_on, self.first)

    @property
    def where(self) -> str:
        """Village or road, and sub-district, as an address has them: บ้านทุ่งนา หมู่ 3 ต.ทุ่งนา."""
        named = self.subdistrict.startswith(("ตำบล", "ต.", "แขวง")) or not self.subdistrict
        return f"{self.place} {'' if named else 'ต.'}{self.subdistrict}".strip()

    @property
    def village(self) -> tuple[str, str] | None:
        """Sub-district and village; None unless both are known: หมู่ 3 without a sub-district is one of many."""
        return (self.subdistrict, self.place) if self.subdistrict and self.place else None


@dataclass(frozen=True)
class School:
    """Where every round begins and ends, in degrees."""

    latitude: float
    longitude: float
    name: str = ""


@dataclass(frozen=True)
class Day:
    """An afternoon: nobody leaves the school before `start` or is back after `end`."""

    on: date
    start: time
    end: time


@dataclass(frozen=True)
class Team:
    """Who goes together: a teacher and a colleague."""

    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """How long visits and roads take.

    `minutes` a visit. Without a router a road is `road_factor` times the straight line (assumed; 1.2 to 1.4 where
    roads are dense, more across rivers and hills) and driven at `km_per_hour`. `router_url` is the table service of a
    road server of one's own, OSRM (…/table/v1/driving) or Valhalla (…/sources_to_targets): it is told where the homes
    are. If it does not answer in `router_seconds`, the straight line is used and the plan says so.
    """

    minutes: int = 30
    road_factor: float = 1.35
    km_per_hour: float = 30.0
    router_url: str | None = None
    router_seconds: float = ROUTER_SECONDS


@dataclass(frozen=True)
class Stop:
    """A visit. `km` and `travel` (minutes) are of the way there from the stop before; `waits` are the minutes at the
    door before it begins. `placed`: where the home was put for want of coordinates, "village", "sub-district" or
    "school". `doubt` (Thai, English): that a record says it is elsewhere; None = none does."""

    home: Home
    begins: time
    ends: time
    km: float
    travel: int
    waits: int
    latitude: float
    longitude: float
    placed: str | None
    doubt: tuple[str, str] | None


@dataclass(frozen=True)
class Round:
    """What one team does on one day. Leaves and is back at the school; without stops both are the day's start."""

    day: Day
    team: Team
    leaves: time
    back: time
    km: float
    stops: tuple[Stop, ...]


@dataclass(frozen=True)
class LeftOut:
    """A home that is in no round, and why: `day` (all days are weekdays the family cannot), `window` (never there at a
    time a team could be), `far` (no day is long enough to go there and back), `full` (the days are full), `by_hand`
    (taken out by a person)."""

    home: Home
    code: str
    th: str
    en: str


@dataclass(frozen=True)
class Broken:
    """What does not hold in a round put in order by hand; `key` is the home, "" = the day's end."""

    round: int
    key: str
    th: str
    en: str


@dataclass(frozen=True, eq=False)
class Roads:
    """Ways between the places of a plan, row from, column to: 0 is the school, then the homes as given."""

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    metres: NDArray[np.int64]
    minutes: NDArray[np.int64]
    placed: tuple[str | None, ...]
    doubts: tuple[tuple[str, str] | None, ...]
    note: tuple[str, str] | None


@dataclass(frozen=True)
class Plan:
    """Rounds by day and team, whoever is left out, and what a person should know (`notes`: Thai and English).

    `broken` is empty unless the plan was put in order by hand. `cut_short`: time ended the search, not its own
    patience, so another machine may find another order.
    """

    school: School
    homes: tuple[Home, ...]
    options: Options
    rounds: tuple[Round, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[tuple[str, str], ...] = ()
    broken: tuple[Broken, ...] = ()
    cut_short: bool = False
    roads: Roads = field(repr=False, compare=False, kw_only=True)

    @property
    def km(self) -> float:
        return sum(round.km for round in self.rounds)

    @property
    def visits(self) -> int:
        return sum(len(round.stops) for round in self.rounds)


def plan(
    homes: Sequence[Home],
    school: School,
    days: Sequence[Day],
    teams: Sequence[Team] = (Team(),),
    options: Options = Options(),
    seconds: float = 1.5,
    seed: int = 0,
    around: Sequence[Home] = (),
) -> Plan:
    """The best plan found in `seconds`: as many homes as fit, those marked `first` before others, then least time away.

    `around` are homes nobody visits this time: they say where a village lies in which a home without coordinates is.
    Of equal days the one with the home named earliest in `homes` comes first. The same input and seed give the same
    plan unless it is `cut_short`. Raises RaksaError for a home named twice, a place that is none, a visit of no
    minutes, or a day that ends before it starts.
    """
    homes, days, teams = tuple(homes), tuple(sorted(days, key=lambda d: (d.on, d.start, d.end))), tuple(teams)
    _check(homes, school, days, teams, options)
    roads = _roads(homes, school, options, around)
    why = [_never(i, home, days, roads, options) for i, home in enumerate(homes)]
    inside = [i for i, code in enumerate(why) if not code]
    orders, cut_short = _sought(inside, homes, days, teams, roads, options, seconds, seed)
    rounds = tuple(
        _round(day, team, order, homes, roads, options)[0]
        for (day, team), order in zip(((d, t) for d in days for t in teams), orders, strict=True)
    )
    taken = {i for order in orders for i in order}
    left = tuple(_left_out(home, why[i] or "full") for i, home in enumerate(homes) if i not in taken)
    return Plan(school, homes, options, rounds, left, _notes(homes, roads), cut_short=cut_short, roads=roads)


def reordered(plan: Plan, order: Sequence[Sequence[str]]) -> Plan:
    """The plan as a person wants it: for each of its rounds the keys of the homes in order.

    Nothing is put right: times are reckoned anew and `broken` says what no longer holds. A home of the plan that is
    named nowhere is left out `by_hand`, or stays left out as before; one that was left out may be named. Raises
    RaksaError for another number of rounds, a home the plan does not know, and one named twice.
    """
    number = {home.key: i for i, home in enumerate(plan.homes)}
    named = [key for keys in order for key in keys]
    if len(order) != len(plan.rounds):
        raise RaksaError(f"The plan has {len(plan.rounds)} rounds, {len(order)} were given. Name one list for each.")
    if unknown := [key for key in named if key not in number]:
        raise RaksaError(f"{unknown[0]!r} is no home of this plan. Make a new plan with it.")
    if twice := [key for key in named if named.count(key) > 1]:
        raise RaksaError(f"{twice[0]!r} is named twice. A home is visited once in a plan.")
    found = [
        _round(round.day, round.team, [number[key] for key in keys], plan.homes, plan.roads, plan.options, at)
        for at, (round, keys) in enumerate(zip(plan.rounds, order, strict=True))
    ]
    before = {left.home.key: left for left in plan.left_out}
    gone = [home for home in plan.homes if home.key not in set(named)]
    return replace(
        plan,
        rounds=tuple(round for round, _ in found),
        broken=tuple(broken for _, more in found for broken in more),
        left_out=tuple(before.get(home.key) or _left_out(home, "by_hand") for home in gone),
    )


# ------------------------------------------------------------------------------------------------------- the roads
def _roads(homes: Sequence[Home], school: School, options: Options, around: Sequence[Home]) -> Roads:
    latitude, longitude, placed = _places(homes, school, around)
    # Great circles (haversine).
    phi, lam = np.radians(latitude), np.radians(longitude)
    half = (
        np.sin((phi[:, None] - phi) / 2) ** 2
        + np.cos(phi)[:, None] * np.cos(phi) * np.sin((lam[:, None] - lam) / 2) ** 2
    )
    km = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1))) * options.road_factor
    metres = np.ceil(km * 1000 - 1e-6).astype(np.int64)
    minutes = np.ceil(km / options.km_per_hour * 60 - 1e-6).astype(np.int64)
    note = None
    if options.router_url and homes:
        try:
            metres, minutes = _asked(options.router_url, latitude, longitude, options.router_seconds)
        except (OSError, ValueError, KeyError, TypeError) as wrong:
            note = (
                f"ไม่ได้คำตอบจากบริการเส้นทาง ({_short(wrong)}) จึงใช้ระยะทางเส้นตรง × {options.road_factor:g}",
                f"The road service gave no answer ({_short(wrong)}): straight lines × {options.road_factor:g} instead.",
            )
    far = metres[0, 1:] / 1000
    doubts = (None, *(_doubt(home, at, km) for home, at, km in zip(homes, placed[1:], far.tolist(), strict=True)))
    beyond = _beyond(homes, placed, metres)
    metres, minutes = metres + beyond, minutes + np.ceil(beyond / 1000 / options.km_per_hour * 60).astype(np.int64)
    return Roads(latitude, longitude, metres, minutes, placed, doubts, note)


def _places(
    homes: Sequence[Home], school: School, around: Sequence[Home]
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str | None, ...]]:
    """Where the school and each home is; those without coordinates amid the known homes of their village, else of their
    sub-district (the median of each coordinate, so that one slip of the pen moves nobody), else at the school."""
    known: dict[object, list[tuple[float, float]]] = {}
    for home in [*homes, *around]:
        if home.latitude is not None and home.longitude is not None:
            for part in filter(None, (home.village, home.subdistrict)):
                known.setdefault(part, []).append((home.latitude, home.longitude))
    middle = {part: np.median(np.array(points), axis=0).tolist() for part, points in known.items()}
    at: list[tuple[float, float]] = [(school.latitude, school.longitude)]
    placed: list[str | None] = [None]
    for home in homes:
        if home.latitude is not None and home.longitude is not None:
            at.append((home.latitude, home.longitude))
            placed.append(None)
            continue
        parts = (("village", home.village), ("sub-district", home.subdistrict))
        how, spot = next(((how, middle[part]) for how, part in parts if part in middle), ("school", at[0]))
        at.append(spot)
        placed.append(how)
    points = np.array(at, dtype=np.float64)
    return points[:, 0], points[:, 1], tuple(placed)


def _beyond(homes: Sequence[Home], placed: Sequence[str | None], metres: NDArray[np.int64]) -> NDArray[np.int64]:
    """Metres to add between places, so that a home without coordinates is at least as far from school as its record
    says: as if it stood that far behind the place found for it, and its village with it."""
    behind = np.zeros(len(metres), dtype=np.int64)
    for i, home in enumerate(homes, start=1):
        if placed[i] and home.school_km is not None:
            behind[i] = max(0, math.ceil(home.school_km * 1000 - 1e-6) - max(metres[0, i], metres[i, 0]))
    villages = [None, *(home.village or home.key for home in homes)]
    number = np.array([villages.index(each) for each in villages])
    beyond: NDArray[np.int64] = np.where(
        number[:, None] == number, np.abs(behind[:, None] - behind), behind[:, None] + behind
    )
    return beyond


def _asked(
    url: str, latitude: NDArray[np.float64], longitude: NDArray[np.float64], seconds: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Metres and minutes between all places, as a road server says. Raises OSError or ValueError."""
    import httpx

    points = [(float(lat), float(lon)) for lat, lon in zip(latitude, longitude, strict=True)]
    try:
        if url.rstrip("/").endswith("sources_to_targets"):
            spots = [{"lat": lat, "lon": lon} for lat, lon in points]
            sent = {"sources": spots, "targets": spots, "costing": "auto", "units": "kilometers"}
            cells = httpx.post(url, json=sent, timeout=seconds).raise_for_status().json()["sources_to_targets"]
            metres = [[1000 * float(cell["distance"]) for cell in row] for row in cells]
            took = [[float(cell["time"]) for cell in row] for row in cells]
        else:
            where = ";".join(f"{lon:.6f},{lat:.6f}" for lat, lon in points)
            address = f"{url.rstrip('/')}/{where}"
            got = httpx.get(address, params={"annotations": "duration,distance"}, timeout=seconds)
            table = got.raise_for_status().json()
            metres, took = table["distances"], table["durations"]
    except (httpx.HTTPError, httpx.InvalidURL) as wrong:
        # Not the whole message: the address in it says where families live.
        raise OSError(type(wrong).__name__) from None
    size = (len(points), len(points))
    far, long = np.array(metres, dtype=np.float64), np.array(took, dtype=np.float64)
    if far.shape != size or long.shape != size or not (np.isfinite(far).all() and np.isfinite(long).all()):
        raise ValueError("a table with gaps")
    return np.ceil(far).astype(np.int64), np.ceil(long / 60).astype(np.int64)


def _short(wrong: Exception) -> str:
    return str(wrong) if isinstance(wrong, OSError | ValueError) and len(str(wrong)) < 60 else type(wrong).__name__


# -------------------------------------------------------------------------------------------------------- the times
def _round(
    day: Day, team: Team, order: Sequence[int], homes: Sequence[Home], roads: Roads, options: Options, at: int = 0
) -> tuple[Round, list[Broken]]:
    """The round over these homes in this order, and what does not hold in it. The team leaves the school as late as it
    can without being back later, so that nobody waits at a door who could have taught."""
    legs = list(zip([0, *(i + 1 for i in order)], [i + 1 for i in order], strict=False))
    hours = [_hours(homes[i]) for i in order]
    stay = [_length(homes[i], options) for i in order]

    def begun(leaves: int) -> tuple[list[int], list[int]]:
        """When each visit begins, and how long the team waits before it."""
        now, begins, waits = leaves, [], []
        for (one, other), (earliest, _), minutes in zip(legs, hours, stay, strict=True):
            now += int(roads.minutes[one, other])
            waits.append(max(0, earliest - now))
            begins.append(max(now, earliest))
            now = begins[-1] + minutes
        return begins, waits

    leaves = _minute(day.start)
    begins, waits = begun(leaves)
    slack = [latest - begin - minutes for begin, minutes, (_, latest) in zip(begins, stay, hours, strict=True)]
    waited = np.cumsum(waits)
    leaves += max(0, min([int(waited[-1]), *(waited + slack).tolist()])) if order else 0
    begins, waits = begun(leaves)
    broken = [_wrong_day(at, homes[i], day.on) for i in order if day.on.weekday() in homes[i].not_on]
    broken += [
        _broken(at, homes[i], begin + minutes, latest)
        for i, begin, minutes, (_, latest) in zip(order, begins, stay, hours, strict=True)
        if begin + minutes > latest
    ]
    stops = tuple(
        Stop(
            homes[i],
            _clock(begin),
            _clock(begin + minutes),
            int(roads.metres[leg]) / 1000,
            int(roads.minutes[leg]),
            wait,
            float(roads.latitude[i + 1]),
            float(roads.longitude[i + 1]),
            roads.placed[i + 1],
            roads.doubts[i + 1],
        )
        for i, leg, begin, minutes, wait in zip(order, legs, begins, stay, waits, strict=True)
    )
    last = legs[-1][1] if legs else 0
    back = begins[-1] + stay[-1] + int(roads.minutes[last, 0]) if order else leaves
    if back > _minute(day.end):
        broken.append(_broken(at, None, back, _minute(day.end)))
    metres = sum(int(roads.metres[leg]) for leg in [*legs, (last, 0)])
    return Round(day, team, _clock(leaves), _clock(back), metres / 1000, stops), broken


def _never(i: int, home: Home, days: Sequence[Day], roads: Roads, options: Options) -> str:
    """Why a home fits on none of the days even alone: "far", "day", "window"; "" = it fits on one of them."""
    go, back, stay = int(roads.minutes[0, i + 1]), int(roads.minutes[i + 1, 0]), _length(home, options)

    def fits(days: Sequence[Day], earliest: int, latest: int) -> bool:
        ends = [(max(_minute(day.start) + go, earliest) + stay, _minute(day.end)) for day in days]
        return any(end <= latest and end + back <= closes for end, closes in ends)

    theirs = [day for day in days if day.on.weekday() not in home.not_on]
    if not days or fits(theirs, *_hours(home)):
        return ""
    if not fits(days, 0, 24 * 60):
        return "far"
    return "window" if theirs else "day"


def _hours(home: Home) -> tuple[int, int]:
    """Minutes of the day between which the whole visit lies."""
    return (_minute(home.window[0]), _minute(home.window[1])) if home.window else (0, 24 * 60)


def _length(home: Home, options: Options) -> int:
    return options.minutes if home.minutes is None else home.minutes


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _clock(minute: int) -> time:
    """A minute of the day as a time; what runs past midnight, in an order nobody can keep, stops there."""
    return time(*divmod(min(minute, 24 * 60 - 1), 60))


# ------------------------------------------------------------------------------------------------------- the search
def _sought(
    inside: Sequence[int],
    homes: Sequence[Home],
    days: Sequence[Day],
    teams: Sequence[Team],
    roads: Roads,
    options: Options,
    seconds: float,
    seed: int,
) -> tuple[list[list[int]], bool]:
    """For each day and team the homes in order, and whether time ended the search."""
    if not inside or not days:
        return [[] for _ in range(len(days) * len(teams))], False
    from pyvrp import Model, PenaltyParams, Result, SolveParams
    from pyvrp.stop import MaxRuntime, MultipleCriteria, NoImprovement

    rows = [0, *(i + 1 for i in inside)]
    felt = _felt(rows, homes, roads)
    model = Model()
    spots = [model.add_location(float(roads.longitude[row]), float(roads.latitude[row])) for row in rows]
    depot = model.add_depot(spots[0])
    most = max(_minute(day.end) - _minute(day.start) for day in days)
    prize = PRIZE * most * MINUTE
    for spot, i in zip(spots[1:], inside, strict=True):
        earliest, latest = _hours(homes[i])
        model.add_client(
            spot,
            service_duration=_length(homes[i], options),
            tw_early=earliest,
            tw_late=latest - _length(homes[i], options),
            prize=prize * (FIRST if homes[i].first else 1),
            required=False,
        )
    # Days of the same hours, to which the same homes can be visited, are one kind of vehicle: the search need not tell
    # Monday from Tuesday.
    each_day = [_kind(day, inside, homes) for day in days]
    kinds = sorted(set(each_day))
    for start, end, closed in kinds:
        roads_of_day = model.add_profile()
        for a, b in product(range(len(rows)), closed):
            if a != b:  # two days to such a home: longer than any round may take
                model.add_edge(spots[a], spots[b], int(felt[a, b]), 2 * 24 * 60, roads_of_day)
        model.add_vehicle_type(
            each_day.count((start, end, closed)) * len(teams),
            start_depot=depot,
            end_depot=depot,
            tw_early=start,
            tw_late=end,
            unit_duration_cost=MINUTE,
            profile=roads_of_day,
        )
    for a, one in enumerate(rows):
        for b, other in enumerate(rows):
            if a != b:
                model.add_edge(spots[a], spots[b], int(felt[a, b]), int(roads.minutes[one, other]))
    began = monotonic()
    results: list[Result] = []
    for start in range(STARTS):
        left = max(0.0, seconds - (monotonic() - began))
        if results and not left:
            break
        stop = MultipleCriteria([NoImprovement(PATIENCE), MaxRuntime(left)])
        params = SolveParams(penalty=PenaltyParams(max_penalty=LATE))
        results.append(model.solve(stop, seed * STARTS + start, collect_stats=False, display=False, params=params))
    best = min(results, key=lambda result: result.cost()).best
    found: dict[Kind, list[list[int]]] = {each: [] for each in kinds}
    for route in best.routes():
        found[kinds[route.vehicle_type()]].append([inside[each.idx] for each in route.schedule() if each.is_client()])
    for each in found.values():
        each.sort(key=min, reverse=True)
    orders = []
    for day, kind in zip(days, each_day, strict=True):
        for team in teams:
            alike = found[kind]
            order = alike.pop() if alike else []
            # A search stopped before it had found a whole plan may hand over rounds that run late.
            while _round(day, team, order, homes, roads, options)[1]:
                order.pop()
            orders.append(order)
    return orders, monotonic() - began >= seconds


Kind = tuple[int, int, tuple[int, ...]]  # of a day: start and end in minutes, places of the search closed on it


def _kind(day: Day, inside: Sequence[int], homes: Sequence[Home]) -> Kind:
    closed = tuple(place for place, i in enumerate(inside, start=1) if day.on.weekday() in homes[i].not_on)
    return _minute(day.start), _minute(day.end), closed


def _felt(rows: Sequence[int], homes: Sequence[Home], roads: Roads) -> NDArray[np.int64]:
    """Metres between the places of the search (0 = school), half a kilometre more from one village to another."""
    villages = [(homes[row - 1].subdistrict, homes[row - 1].place or homes[row - 1].key) for row in rows[1:]]
    number = np.array([villages.index(each) for each in villages])
    felt = roads.metres[np.ix_(rows, rows)] // STEP
    felt[1:, 1:] += LEAVING * (number[:, None] != number)
    return felt


# -------------------------------------------------------------------------------------------------------- the words
def _check(homes: Sequence[Home], school: School, days: Sequence[Day], teams: Sequence[Team], options: Options) -> None:
    keys = [home.key for home in homes]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise RaksaError(f"Home {twice[0]!r} is given twice. Children of one home go into one Home.")
    for what, latitude, longitude in [
        ("The school", school.latitude, school.longitude),
        *((f"Home {home.key!r}", home.latitude, home.longitude) for home in homes),
    ]:
        if not _on_earth(latitude, longitude):
            raise RaksaError(f"{what} lies at {latitude}, {longitude}. Give degrees, such as 15.02, 101.01.")
    for home in homes:
        if _length(home, options) < 1:
            raise RaksaError(f"Home {home.key!r} has a visit of {_length(home, options)} minutes. Give 1 or more.")
    for day in days:
        if day.end <= day.start:
            raise RaksaError(
                f"{day.on} ends at {day.end:%H:%M}, before it starts at {day.start:%H:%M}. Turn them round."
            )
    for one, next in pairwise(days):
        if one.on == next.on and next.start < one.end:
            raise RaksaError(f"{one.on} is given twice with hours that overlap. A team is in one place at a time.")
    if not teams:
        raise RaksaError("Nobody goes. Name at least one team.")
    if options.km_per_hour <= 0 or options.road_factor < 1:
        raise RaksaError(
            "Roads are at least as long as the straight line (1) and driven faster than 0 km/h. Correct the options."
        )


def _on_earth(latitude: float | None, longitude: float | None) -> bool:
    if latitude is None or longitude is None:
        return latitude is None and longitude is None
    return math.isfinite(latitude) and math.isfinite(longitude) and abs(latitude) <= 90 and abs(longitude) <= 180


_LEFT_OUT = {
    "day": (
        "ครอบครัวไม่สะดวกในวันที่เลือกทุกวัน: เลือกวันอื่น ถามอีกครั้ง หรือโทรหาแทน",
        "The family can be visited on none of these weekdays: choose another day, ask again, or call.",
    ),
    "window": (
        "ไม่มีใครอยู่บ้านในเวลาที่ออกเยี่ยมได้: ถามเวลาอื่น เลือกวันที่กลับช้ากว่านี้ หรือโทรหาแทน",
        "Nobody is home at a time the days allow: ask for another hour, choose a day that ends later, or call.",
    ),
    "far": (
        "ไกลเกินกว่าจะไปและกลับได้ในวันเดียว: เลือกวันที่ยาวกว่านี้ ตรวจพิกัด หรือโทรหาแทน",
        "Too far to go there and back in one of these days: choose a longer day, check where it lies, or call.",
    ),
    "full": ("วันที่เลือกเต็มแล้ว: เพิ่มวันหรือเพิ่มคู่", "The days are full: add a day or a pair."),
    "by_hand": ("มีคนนำออกจากแผน", "Somebody took it out of the plan."),
}


_PLACED = {
    "village": (
        "ไม่ทราบพิกัด วางไว้กลางบ้านที่รู้พิกัดในหมู่บ้านเดียวกัน",
        "Placed amid the known homes of the village, for want of coordinates",
    ),
    "sub-district": (
        "ไม่ทราบพิกัด วางไว้กลางบ้านที่รู้พิกัดในตำบลเดียวกัน",
        "Placed amid the known homes of the sub-district, for want of coordinates",
    ),
    "school": (
        "ไม่ทราบพิกัดและไม่รู้พิกัดบ้านใดในตำบล วางไว้ที่โรงเรียน",
        "Placed at the school, for want of coordinates",
    ),
}


def _left_out(home: Home, code: str) -> LeftOut:
    return LeftOut(home, code, *_LEFT_OUT[code])


def _broken(at: int, home: Home | None, ends: int, latest: int) -> Broken:
    over = ends - latest
    if home is None:
        return Broken(at, "", f"กลับถึงโรงเรียนช้าไป {over} นาที", f"Back at school {over} min late.")
    name = home.name or home.key
    return Broken(
        at,
        home.key,
        f"{name}: เยี่ยมเสร็จช้ากว่าเวลาที่ครอบครัวสะดวก {over} นาที",
        f"{name}: the visit ends {over} min after the family's hours.",
    )


def _wrong_day(at: int, home: Home, on: date) -> Broken:
    name, (thai, _, english) = home.name or home.key, WEEKDAYS[on.weekday()]
    return Broken(at, home.key, f"{name}: ครอบครัวไม่สะดวกวัน{thai}", f"{name}: the family cannot on {english}.")


def _doubt(home: Home, placed: str | None, km: float) -> tuple[str, str] | None:
    """What a record says against the place found for a home, in Thai and English."""
    if placed is None or home.school_km is None:
        return None
    near, far = sorted((home.school_km, km))
    if far <= TWICE * near or far - near <= APART_KM:
        return None
    return (
        f"ไม่ทราบพิกัด บันทึกว่าห่างโรงเรียน {home.school_km:.1f} กม.",
        f"place not known; the record says {home.school_km:.1f} km from school",
    )


def _notes(homes: Sequence[Home], roads: Roads) -> tuple[tuple[str, str], ...]:
    notes = [roads.note] if roads.note else []
    for how, (th, en) in _PLACED.items():
        names = [home.name or home.key for home, placed in zip(homes, roads.placed[1:], strict=True) if placed == how]
        if names:
            notes.append((f"{th}: {', '.join(names)}", f"{en}: {', '.join(names)}."))
    for home, doubt in zip(homes, roads.doubts[1:], strict=True):
        if doubt:
            notes.append((f"{home.name or home.key}: {doubt[0]}", f"{home.name or home.key}: {doubt[1]}."))
    return tuple(notes)
