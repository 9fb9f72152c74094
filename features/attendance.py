"""Attendance features of a cohort, from the roll pages of this year and the last, for any number of as-of dates.

The counting is `features.kernel`; here counts become shares, changes and distances to the 80 % line.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pyarrow as pa

from features import kernel
from features.cohort import Cohort
from features.kernel import BLOCK, WEEKS, Counts
from features.rows import Places
from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store, page_matrix
from raksa.tables import ABSENT, LEAVE, NO_SCHOOL, NOT_RECORDED, PAGE_DAYS, SICK

# Below this share of a subject's class time a learner has no right to its final (มส); the whole-day share is the same
# line seen early.
LINE = 0.8
_FACTS = tuple(
    f"{kind}_days_{window}"
    for kind in ("recorded", "absent", "unexcused", "late", "sick")
    for window in ("14d", "28d", "84d", "year")
)
# Where there is no page: not known; no days of what is counted; no last mark.
_MISSING = {"f": np.nan, "u": 0, "i": -1}
# For the second pass only: the last weeks day by day, and what the coming weeks were like last year.
CONTEXT = ("recorded_bits", "absent_bits", "season_recorded", "season_absent", "last_recorded", "last_absent")


def attendance(
    store: Store, settings: Settings, cohort: Cohort, as_of: date, bucket: int | None = None
) -> dict[str, np.ndarray]:
    """Attendance features of the cohort, in its order, from marks dated strictly before the date; see `many`."""
    return many(store, settings, {as_of: cohort}, bucket)[as_of]


def many(
    store: Store, settings: Settings, cohorts: Mapping[date, Cohort], bucket: int | None = None
) -> dict[date, dict[str, np.ndarray]]:
    """For each as-of date the attendance features of its cohort, in its order (float32), the columns of CONTEXT, and
    `last_mark` (datetime64[D], NaT without a mark this year).

    Each year's pages are read and walked through once, whatever the number of dates. Pages of two schools in one year
    are one page: a move never resets an absence. A learner without a page, and a window without a recorded
    day, give NaN.
    """
    out: dict[date, dict[str, np.ndarray]] = {}
    years = sorted({calendar.academic_year(as_of, settings) for as_of in cohorts})
    held: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for year in years:
        for each in (year - 1, year):
            if each not in held:
                roll = store.read("roll", years=[each], bucket=bucket, columns=["learner_id", "marks"])
                held[each] = one_page_each(roll)
        dates = sorted(d for d in cohorts if calendar.academic_year(d, settings) == year)
        out |= _of_year(held[year], held[year - 1], settings, year, {d: cohorts[d] for d in dates})
        held = {year: held[year]}
    return out


def one_page_each(roll: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Learner ids, ascending, and the page of each, as (learners,) int64 and (learners, days) uint8."""
    ids, marks = roll["learner_id"].to_numpy(), page_matrix(roll["marks"])
    if not len(ids):
        return np.zeros(0, np.int64), np.zeros((0, PAGE_DAYS), np.uint8)
    if (np.diff(ids) > 0).all():
        return ids, marks
    learners, first, count = np.unique(ids, return_index=True, return_counts=True)
    order = np.argsort(ids, kind="stable")
    begins = np.cumsum(count) - count
    pages = marks[first]
    for several in np.unique(count[count > 1]).tolist():
        own = np.flatnonzero(count == several)
        pages[own] = _laid_together(marks[order[begins[own, None] + np.arange(several)]])
    return learners, pages


def _laid_together(pages: np.ndarray) -> np.ndarray:
    """(learners, schools, days) marks as (learners, days): each day as the school has it that recorded the learner last
    up to that day; before any did, the one that did first. Of two that recorded a day the lower school code stands.

    A day that only one of two schools keeps is a school day or a holiday by the school the child is at, and what a new
    school's page says of the months before the child came counts for nothing.
    """
    recorded = (pages != ord(NOT_RECORDED)) & (pages != ord(NO_SCHOOL))
    said = recorded.any(axis=1)
    days = np.arange(pages.shape[2])
    last = np.maximum.accumulate(np.where(said, days, -1), axis=1)
    last = np.where(last < 0, np.argmax(said, axis=1)[:, None], last)
    owner = np.take_along_axis(recorded.argmax(axis=1), last, axis=1)
    return np.asarray(np.take_along_axis(pages, owner[:, None, :], axis=1)[:, 0, :])


def _of_year(
    now: tuple[np.ndarray, np.ndarray],
    before: tuple[np.ndarray, np.ndarray],
    settings: Settings,
    year: int,
    cohorts: Mapping[date, Cohort],
) -> dict[date, dict[str, np.ndarray]]:
    ids, pages = now
    stops = [calendar.position(as_of, settings) for as_of in cohorts]
    weekday = calendar.first_day(year, settings).weekday()
    open_days = calendar.blank_page(year, settings) != ord(NO_SCHOOL)
    parts: dict[date, list[Counts]] = {as_of: [] for as_of in cohorts}
    for first in range(0, len(ids), BLOCK):
        block = pages[first : first + BLOCK]
        counted = kernel.count(block, stops, weekday)
        for as_of, stop, counts in zip(cohorts, stops, counted, strict=True):
            planned = int(open_days.sum()) - int(open_days[:stop].sum()) + counts["open_days_year"].astype(np.int32)
            found = _features(counts, planned)
            window = _same_weeks_of_last_term(as_of, settings)
            if window and window[0] == year:
                found["absent_change_term"] = found["absent_rate_28d"] - _rate(*_window(block, *window[1:]))
            parts[as_of].append(found)
    ids_before, pages_before = before
    whole = _window(pages_before, 0, PAGE_DAYS)
    out = {}
    for as_of, cohort in cohorts.items():
        then = ids_before, _from_last_year(as_of, pages_before, whole, settings, year)
        out[as_of] = _placed(cohort, ids, parts.pop(as_of), then, settings, year)
    return out


def _features(counts: Counts, planned: np.ndarray) -> Counts:
    """Features of one block; `planned` are the school days of each learner's whole year, as its school keeps it."""
    recorded = {w: counts[f"recorded_days_{w}"] for w in ("14d", "28d", "56d", "84d", "year")}
    out: Counts = {
        name: np.where(recorded[name.rpartition("_")[2]] > 0, counts[name], np.nan).astype(np.float32)
        for name in _FACTS
    }
    for kind, windows in (
        ("absent", ("14d", "28d", "56d", "84d", "year")), ("unexcused", ("28d", "84d", "year")),
        ("sick", ("28d", "year")), ("leave", ("28d", "year")), ("late", ("28d", "84d", "year")),
    ):  # fmt: skip
        out |= {f"{kind}_rate_{w}": _rate(recorded[w], counts[f"{kind}_days_{w}"]) for w in windows}
    seen = recorded["year"] > 0
    for name in ("longest_absence", "current_absence", "runs_3", "runs_5"):
        out[name] = np.where(seen, counts[name], np.nan).astype(np.float32)
    before = {kind: counts[f"{kind}_days_56d"] - counts[f"{kind}_days_28d"] for kind in ("recorded", "absent", "late")}
    out["absent_days_before"] = np.where(before["recorded"] > 0, before["absent"], np.nan).astype(np.float32)
    out["absent_change_28d"] = out["absent_rate_28d"] - _rate(before["recorded"], before["absent"])
    out["late_change_28d"] = out["late_rate_28d"] - _rate(before["recorded"], before["late"])
    out["absent_trend"] = _trend(counts)
    left = np.floor((1 - LINE) * planned + 1e-9) - counts["absent_days_year"]
    out["days_to_line"] = np.where(seen, left, np.nan).astype(np.float32)
    for name in ("edge", "holiday"):
        there, away = counts[f"recorded_days_{name}"], counts[f"absent_days_{name}"]
        other = _rate(recorded["year"] - there, counts["absent_days_year"] - away)
        out[f"absent_{name}"] = _rate(there, away) - other
    for window in ("28d", "year"):
        share = _rate(counts[f"open_days_{window}"], recorded[window])
        out[f"recorded_share_{window}"] = np.where(seen, share, np.float32(np.nan))
    return out | {name: counts[name] for name in ("recorded_bits", "absent_bits", "last_mark")}


def _rate(whole: np.ndarray, part: np.ndarray) -> np.ndarray:
    """part / whole as float32; NaN where there is no whole."""
    out = np.full(len(whole), np.nan, np.float32)
    return np.asarray(np.divide(part, whole, out=out, where=whole > 0, dtype=np.float32, casting="unsafe"))


def _trend(counts: Counts) -> np.ndarray:
    """Least-squares slope of the weekly share of days away over the last weeks, each week weighing its recorded days.

    Positive = more away as weeks go by. NaN with fewer than two weeks recorded."""
    n = len(counts["recorded_week_1"])
    w, wx, wxx, a, xa = (np.zeros(n) for _ in range(5))
    for week in range(1, WEEKS + 1):
        recorded, away = counts[f"recorded_week_{week}"], counts[f"absent_week_{week}"]
        w += recorded
        wx -= float(week) * recorded
        wxx += float(week * week) * recorded
        a += away
        xa -= float(week) * away
    spread = wxx * w - wx * wx
    slope = np.divide(xa * w - wx * a, spread, out=np.full(n, np.nan), where=spread > 0)
    return np.asarray(slope, np.float32)


def _window(pages: np.ndarray, first: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Days recorded and days away from `first` up to before `stop`, of each page."""
    marks = pages[:, max(first, 0) : max(stop, 0)]
    recorded = (marks != ord(NOT_RECORDED)) & (marks != ord(NO_SCHOOL))
    away = (marks == ord(ABSENT)) | (marks == ord(SICK)) | (marks == ord(LEAVE))
    return recorded.sum(axis=1, dtype=np.uint16), away.sum(axis=1, dtype=np.uint16)


def _same_weeks_of_last_term(as_of: date, settings: Settings) -> tuple[int, int, int] | None:
    """The 28 days as far into the term before as the date is into its own: year and positions; None between terms."""
    year = calendar.academic_year(as_of, settings)
    terms = [(year, t.number) for t in settings.terms]
    days = {(y, n): calendar.term_days(y, n, settings) for y, n in [(year - 1, terms[-1][1]), *terms]}
    order = sorted(days, key=lambda term: days[term][0])
    own = next((t for t in order if days[t][0] < as_of <= days[t][1]), None)
    if own is None or own == order[0]:
        return None
    earlier = order[order.index(own) - 1]
    start = calendar.first_day(earlier[0], settings)
    stop = (days[earlier][0] - start).days + (as_of - days[own][0]).days
    return earlier[0], stop - kernel.RECENT, stop


def _from_last_year(
    as_of: date, pages: np.ndarray, whole: tuple[np.ndarray, np.ndarray], settings: Settings, year: int
) -> Counts:
    """What last year's pages say: the year's rate, the same four weeks, and the four weeks to come."""
    stop = calendar.position(as_of, settings)
    coming = _window(pages, stop, stop + kernel.RECENT)
    found = {
        "absent_rate_last_year": _rate(*whole),
        "absent_rate_then": _rate(*_window(pages, stop - kernel.RECENT, stop)),
        "season_recorded": coming[0], "season_absent": coming[1], "last_recorded": whole[0], "last_absent": whole[1],
    }  # fmt: skip
    term = _same_weeks_of_last_term(as_of, settings)
    if term and term[0] == year - 1:
        found["absent_rate_last_term"] = _rate(*_window(pages, *term[1:]))
    return found


def _placed(
    cohort: Cohort,
    ids: np.ndarray,
    parts: list[Counts],
    last_year: tuple[np.ndarray, Counts],
    settings: Settings,
    year: int,
) -> dict[str, np.ndarray]:
    """The features of all blocks in the cohort's order."""
    learners = cohort["learner_id"]
    parts = parts or [_features(*_nothing())]
    here, then = Places(ids, learners), Places(last_year[0], learners)
    columns = {
        name: here.of(np.concatenate([part[name] for part in parts]), _MISSING[values.dtype.kind])
        for name, values in parts[0].items()
    }
    before = {name: then.of(values, _MISSING[values.dtype.kind]) for name, values in last_year[1].items()}
    columns["absent_rate_last_year"] = before["absent_rate_last_year"]
    columns["absent_change_year"] = columns["absent_rate_28d"] - before["absent_rate_then"]
    if "absent_rate_last_term" in before:
        columns["absent_change_term"] = columns["absent_rate_28d"] - before["absent_rate_last_term"]
    columns.setdefault("absent_change_term", np.full(len(learners), np.nan, np.float32))
    columns |= {name: before[name] for name in CONTEXT if name in before}
    last = columns["last_mark"].astype(np.int64)
    start = np.datetime64(calendar.first_day(year, settings), "D")
    columns["last_mark"] = np.where(last >= 0, start + last, np.datetime64("NaT"))
    return columns


def _nothing() -> tuple[Counts, np.ndarray]:
    return kernel.count(np.zeros((0, 1), np.uint8), [0], 0)[0], np.zeros(0)
