"""Attendance features: one pass over the days of the roll pages, vectorised over learners.

The loop keeps running counts, a uint16 per learner, and remembers them where a window begins; a window's count is the
difference of two. A day on which the whole block has no school costs one look. Runs are counted in recorded school
days: a day nobody recorded neither lengthens a run of absence nor ends it.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from features.cohort import per_learner
from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store, page_matrix
from raksa.tables import ABSENT, ACTIVITY, LATE, LEAVE, NO_SCHOOL, NOT_RECORDED, PRESENT, SICK

# How many learners one block holds: 16,384 learners x 366 days = 6 MB, which a core's cache can nearly hold.
BLOCK = 16_384
WINDOWS = {"14d": 14, "28d": 28, "84d": 84}
_RECORDED, _AWAY, _UNEXCUSED, _LATE, _SICK, _OPEN = 1, 2, 4, 8, 16, 32
_COUNTS = {"recorded": _RECORDED, "absent": _AWAY, "unexcused": _UNEXCUSED, "late": _LATE, "sick": _SICK, "open": _OPEN}

# What each mark says, as bits: a school day, recorded, away (for any reason), without leave, late, sick.
_MEANING = np.zeros(256, np.uint8)
for _mark, _bits in {
    PRESENT: _OPEN | _RECORDED,
    ACTIVITY: _OPEN | _RECORDED,
    LATE: _OPEN | _RECORDED | _LATE,
    SICK: _OPEN | _RECORDED | _AWAY | _SICK,
    LEAVE: _OPEN | _RECORDED | _AWAY,
    ABSENT: _OPEN | _RECORDED | _AWAY | _UNEXCUSED,
    NOT_RECORDED: _OPEN,
    NO_SCHOOL: 0,
}.items():
    _MEANING[ord(_mark)] = _bits


def attendance(
    store: Store, settings: Settings, cohort: pd.DataFrame, as_of: date, bucket: int | None = None
) -> pd.DataFrame:
    """Attendance features of the cohort, in its order, from marks dated strictly before the date.

    Pages of two schools in one year are laid over each other: a move never resets an absence. A learner without a page,
    and a window without a recorded day, give NaN.
    """
    year = calendar.academic_year(as_of, settings)
    stop = calendar.position(as_of, settings)
    learners = cohort["learner_id"].to_numpy()
    pages, rows = _one_page_each(store.read("roll", years=[year], bucket=bucket), learners)
    counts = {name: np.full(len(learners), np.nan) for name in _names()}
    for first in range(0, len(rows), BLOCK):
        block = slice(first, first + BLOCK)
        for name, values in _count(pages[block, :stop]).items():
            counts[name][rows[block]] = values
    frame = _rates(pd.DataFrame(counts))

    last_year = store.read("roll", years=[year - 1], bucket=bucket, columns=["learner_id", "marks"])
    frame["absent_rate_last_year"] = per_learner(cohort, _year_rate(last_year, learners))
    return frame


def last_mark(
    store: Store, settings: Settings, cohort: pd.DataFrame, as_of: date, bucket: int | None = None
) -> pd.Series:
    """Last day before the date with any mark, for each learner of the cohort; NaT without one this year."""
    year = calendar.academic_year(as_of, settings)
    pages, rows = _one_page_each(store.read("roll", years=[year], bucket=bucket), cohort["learner_id"].to_numpy())
    marked = (_MEANING[pages[:, : calendar.position(as_of, settings)]] & _RECORDED) > 0
    last = np.where(marked.any(axis=1), marked.shape[1] - 1 - np.argmax(marked[:, ::-1], axis=1), -1)
    days = np.full(len(cohort), np.datetime64("NaT"), "datetime64[s]")
    start = np.datetime64(calendar.first_day(year, settings), "D")
    days[rows[last >= 0]] = (start + last[last >= 0]).astype("datetime64[s]")
    return pd.Series(days)


def _one_page_each(roll: pa.Table, learners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pages of the given learners, one each, and the learners' positions: (pages, days) uint8 and (pages,) int."""
    ids = roll["learner_id"].to_numpy()
    where = np.searchsorted(learners, ids)
    mine = (
        (where < len(learners)) & (learners[np.minimum(where, len(learners) - 1)] == ids) if len(learners) else ids < 0
    )
    marks = page_matrix(roll["marks"])
    if not mine.all():
        marks, where = marks[mine], where[mine]
    rows, first = np.unique(where, return_index=True)
    if len(rows) == len(where) and len(rows):
        return marks[first], rows
    pages = np.full((len(rows), marks.shape[1] if len(rows) else 366), ord(NO_SCHOOL), np.uint8)
    # What a mark outranks: no school < not recorded < recorded, so the school that saw the child that day wins.
    rank = np.zeros(256, np.uint8)
    rank[ord(NOT_RECORDED)] = 1
    rank[[ord(m) for m in (PRESENT, ACTIVITY, LATE, SICK, LEAVE, ABSENT)]] = 2
    into = np.searchsorted(rows, where)
    occurrence = pd.Series(into).groupby(into).cumcount().to_numpy()
    for nth in range(occurrence.max() + 1 if len(occurrence) else 0):
        here = occurrence == nth
        held, new = pages[into[here]], marks[here]
        pages[into[here]] = np.where(rank[new] > rank[held], new, held)
    return pages, rows


def _names() -> list[str]:
    windows = (*WINDOWS, "56d", "year")
    return [f"{kind}_days_{window}" for kind in _COUNTS for window in windows] + ["longest_absence", "current_absence"]


def _count(pages: np.ndarray) -> dict[str, np.ndarray]:
    """Counts over (learners, days) marks, the last day being the day before the as-of date."""
    learners, stop = pages.shape
    by_day = np.ascontiguousarray(_MEANING[pages].T)
    total = {kind: np.zeros(learners, np.uint16) for kind in _COUNTS}
    edges = {stop - days: window for window, days in (*WINDOWS.items(), ("56d", 56))}
    at_edge: dict[str, dict[str, np.ndarray]] = {}
    run = np.zeros(learners, np.uint16)
    longest = np.zeros(learners, np.uint16)
    for day in range(stop):
        if day in edges:
            at_edge[edges[day]] = {kind: count.copy() for kind, count in total.items()}
        meaning = by_day[day]
        if not meaning.any():
            continue
        for kind, bit in _COUNTS.items():
            total[kind] += (meaning & bit) > 0
        away = (meaning & _AWAY) > 0
        run = np.where((meaning & _RECORDED) > 0, (run + 1) * away, run)
        np.maximum(longest, run, out=longest)
    found: dict[str, np.ndarray] = {}
    for kind in _COUNTS:
        for window in (*WINDOWS, "56d"):
            # A window longer than the year so far is the year so far.
            before = at_edge[window][kind] if window in at_edge else np.uint16(0)
            found[f"{kind}_days_{window}"] = total[kind] - before
        found[f"{kind}_days_year"] = total[kind]
    return found | {"longest_absence": longest, "current_absence": run}


def _rates(counts: pd.DataFrame) -> pd.DataFrame:
    out: dict[str, np.ndarray] = {}
    column = {name: counts[name].to_numpy() for name in counts}

    def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))

    for kind in ("recorded", "absent", "unexcused", "late", "sick"):
        for window in (*WINDOWS, "year"):
            out[f"{kind}_days_{window}"] = column[f"{kind}_days_{window}"]
    for window in (*WINDOWS, "year"):
        out[f"absent_rate_{window}"] = share(column[f"absent_days_{window}"], column[f"recorded_days_{window}"])
    out["unexcused_rate_28d"] = share(column["unexcused_days_28d"], column["recorded_days_28d"])
    out["unexcused_rate_year"] = share(column["unexcused_days_year"], column["recorded_days_year"])
    out["sick_rate_year"] = share(column["sick_days_year"], column["recorded_days_year"])
    out["late_rate_28d"] = share(column["late_days_28d"], column["recorded_days_28d"])
    recorded = column["recorded_days_year"] > 0
    out["longest_absence"] = np.where(recorded, column["longest_absence"], np.nan)
    out["current_absence"] = np.where(recorded, column["current_absence"], np.nan)
    before_recorded = column["recorded_days_56d"] - column["recorded_days_28d"]
    out["absent_days_before"] = column["absent_days_56d"] - column["absent_days_28d"]
    out["absent_change_28d"] = out["absent_rate_28d"] - share(out["absent_days_before"], before_recorded)
    out["recorded_share_28d"] = share(column["recorded_days_28d"], column["open_days_28d"])
    return pd.DataFrame(out)


def _year_rate(roll: pa.Table, learners: np.ndarray) -> pd.Series:
    """Share of recorded days away over whole pages, by learner; only learners asked for."""
    pages, rows = _one_page_each(roll, learners)
    recorded = np.zeros(len(rows))
    away = np.zeros(len(rows))
    for first in range(0, len(rows), BLOCK):
        meaning = _MEANING[pages[first : first + BLOCK]]
        recorded[first : first + BLOCK] = np.count_nonzero(meaning & _RECORDED, axis=1)
        away[first : first + BLOCK] = np.count_nonzero(meaning & _AWAY, axis=1)
    rate = np.divide(away, recorded, out=np.full(len(rows), np.nan), where=recorded > 0)
    return pd.Series(rate, index=learners[rows])
