"""One pass over the days of roll pages: running counts of each learner, for any number of as-of dates at once.

Pages are turned day-major in blocks that nearly fit a core's cache; each day a few vector operations over the block's
learners add to running counts of one byte each. A window's count is the difference of two running counts, so the pass
remembers the counts at the edges of every window of every as-of date and looks at no day twice. A day on which a whole
block has no school costs one look. There is no Python per learner and no window function.

Words: a day is *recorded* when it carries any mark but '-' and '.', *away* when the mark is absent, sick or on leave.
Runs are counted in recorded school days: a day nobody recorded neither lengthens a run nor ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from raksa.tables import ABSENT, LATE, LEAVE, NO_SCHOOL, NOT_RECORDED, SICK

# Learners of one block: 16,384 x 366 days = 6 MB of marks, and running counts of 16 KB each.
BLOCK = 16_384
WINDOWS = {"14d": 14, "28d": 28, "56d": 56, "84d": 84}
WEEKS = 8  # whole weeks before the date whose counts are kept one by one, for the trend
RECENT = 28  # days before the date whose marks are kept one by one, as bits, to be set beside the class's
KINDS = ("recorded", "unexcused", "sick", "leave", "late", "open")
_MONDAY, _FRIDAY = 0, 4
_A, _S, _L, _T, _UNSAID, _CLOSED = (ord(mark) for mark in (ABSENT, SICK, LEAVE, LATE, NOT_RECORDED, NO_SCHOOL))

Counts = dict[str, np.ndarray]


def count(pages: np.ndarray, stops: Sequence[int], first_weekday: int) -> list[Counts]:
    """Counts over (learners, days) marks, for each stop: days before the stop are read, the stop itself is not.

    `first_weekday` is the weekday of the pages' first day, Monday = 0. For each stop, as (learners,) whole numbers:

        <kind>_days_<window>       recorded, absent (away for any reason), unexcused, sick, leave, late, open (school
                                   days, recorded or not), in the windows and in the year
        <recorded|absent>_week_<k> the k-th week before the date, 1 = the last seven days
        longest_absence, current_absence, runs_3, runs_5     runs of days away; how many reached 3, 5 days
        <recorded|absent>_days_edge    Mondays and Fridays
        <recorded|absent>_days_holiday school days next to a closed weekday
        last_mark                  position of the last recorded day, -1 = none
        <recorded|absent>_bits     the last 28 days as bits, bit 0 = the day before the date
    """
    learners, end = len(pages), max(stops, default=0)
    # Only days on which someone has school are turned: of a year's days little more than half.
    some_open = np.flatnonzero(np.bitwise_or.reduce(pages[:, :end] ^ np.uint8(_CLOSED), axis=0))
    by_day = dict(zip(some_open.tolist(), np.ascontiguousarray(pages[:, some_open].T), strict=True))
    # A count of one byte holds the 200 days of a school year; a school that is open on more takes two.
    number = np.uint8 if len(by_day) <= np.iinfo(np.uint8).max else np.uint16

    def zero() -> np.ndarray:
        return np.zeros(learners, number)

    total = {kind: zero() for kind in KINDS}
    edge_recorded, edge_away, holiday_recorded, holiday_away = zero(), zero(), zero(), zero()
    run, longest, runs_3, runs_5 = zero(), zero(), zero(), zero()
    # The weekday before, as far as it is not yet counted as next to a closed day.
    before_recorded, before_away = np.zeros(learners, np.uint8), np.zeros(learners, np.uint8)
    before_closed = np.zeros(learners, np.uint8)
    backs = sorted({*WINDOWS.values(), *(7 * week for week in range(1, WEEKS + 1))})
    edges = {stop - back for stop in stops for back in backs if stop - back > 0} | set(stops)
    at: dict[int, Counts] = {}
    found: dict[int, Counts] = {}
    for day in range(end + 1 if stops else 0):
        if day in edges:
            at[day] = {kind: held.copy() for kind, held in total.items()}
        if day in stops:
            found[day] = {
                "longest_absence": longest.copy(), "current_absence": run.copy(), "runs_3": runs_3.copy(),
                "runs_5": runs_5.copy(), "recorded_days_edge": edge_recorded.copy(),
                "absent_days_edge": edge_away.copy(), "recorded_days_holiday": holiday_recorded.copy(),
                "absent_days_holiday": holiday_away.copy(),
            }  # fmt: skip
        if day == end:
            break
        weekday = (first_weekday + day) % 7
        if day not in by_day:  # no school for anyone
            if weekday < 5 and day < pages.shape[1]:  # the day before a holiday of everyone
                holiday_recorded += before_recorded
                holiday_away += before_away
                before_recorded[:], before_away[:], before_closed[:] = 0, 0, 1
            continue
        marks = by_day[day]
        closed = (marks == _CLOSED).view(np.uint8)
        some_closed = closed.any()
        unexcused = (marks == _A).view(np.uint8)
        sick = (marks == _S).view(np.uint8)
        leave = (marks == _L).view(np.uint8)
        away = unexcused | sick
        away |= leave
        recorded = (marks != _UNSAID).view(np.uint8)
        if some_closed:
            recorded ^= closed  # a closed day is not '-', so it stood as recorded
        total["recorded"] += recorded
        total["unexcused"] += unexcused
        total["sick"] += sick
        total["leave"] += leave
        total["late"] += (marks == _T).view(np.uint8)
        total["open"] += 1
        if some_closed:
            total["open"] -= closed
        run += away
        run *= away | (recorded ^ 1)
        np.maximum(longest, run, out=longest)
        runs_3 += (run == 3).view(np.uint8) & away
        runs_5 += (run == 5).view(np.uint8) & away
        if weekday in (_MONDAY, _FRIDAY):
            edge_recorded += recorded
            edge_away += away
        if weekday < 5:
            if some_closed:
                holiday_recorded += before_recorded & closed
                holiday_away += before_away & closed
            if before_closed.any():
                after = before_closed & (closed ^ 1)
                holiday_recorded += recorded & after
                holiday_away += away & after
                before_recorded, before_away = recorded & (after ^ 1), away & (after ^ 1)
            else:
                before_recorded, before_away = recorded, away
            before_closed = closed
    return [
        found[stop]
        | _windows(at, stop)
        | _bits(by_day, stop, learners)
        | {"last_mark": _last_mark(by_day, stop, learners)}
        for stop in stops
    ]


def _windows(at: Mapping[int, Counts], stop: int) -> Counts:
    """Counts of each window: what is counted up to the stop less what was counted up to the window's first day."""
    now = at[stop]
    out: Counts = {}
    since = {name: stop - days for name, days in WINDOWS.items()} | {"year": 0}
    for window, edge in since.items():
        # A window longer than the year so far is the year so far.
        counts = {kind: now[kind] - at[edge][kind] if edge > 0 else now[kind] for kind in KINDS}
        out |= {f"{kind}_days_{window}": held for kind, held in counts.items()}
        out[f"absent_days_{window}"] = counts["unexcused"] + counts["sick"] + counts["leave"]
    later = now
    for week in range(1, WEEKS + 1):
        earlier = at.get(stop - 7 * week)
        for name, kinds in (("recorded", ("recorded",)), ("absent", ("unexcused", "sick", "leave"))):
            held = [later[kind] - earlier[kind] if earlier is not None else later[kind] for kind in kinds]
            out[f"{name}_week_{week}"] = np.add.reduce(held)
        if earlier is None:
            later = {kind: np.zeros_like(counted) for kind, counted in later.items()}
        else:
            later = earlier
    return out


def _bits(by_day: Mapping[int, np.ndarray], stop: int, learners: int) -> Counts:
    recorded_bits, away_bits = np.zeros(learners, np.uint32), np.zeros(learners, np.uint32)
    for back in range(RECENT):
        marks = by_day.get(stop - 1 - back)
        if marks is not None:
            recorded = (marks != _UNSAID) & (marks != _CLOSED)
            away = (marks == _A) | (marks == _S) | (marks == _L)
            recorded_bits |= recorded.astype(np.uint32) << np.uint32(back)
            away_bits |= away.astype(np.uint32) << np.uint32(back)
    return {"recorded_bits": recorded_bits, "absent_bits": away_bits}


def _last_mark(by_day: Mapping[int, np.ndarray], stop: int, learners: int) -> np.ndarray:
    """The last recorded day of each, sought backwards: most have one within a day or two."""
    out, left = np.full(learners, -1, np.int16), np.arange(learners)
    for day in sorted((day for day in by_day if day < stop), reverse=True):
        marks = by_day[day][left]
        recorded = (marks != _UNSAID) & (marks != _CLOSED)
        out[left[recorded]] = day
        left = left[~recorded]
        if not len(left):
            break
    return out
