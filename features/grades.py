"""Grade features: averages, change, weakest area and what is still open (0, ร, มส), as known before the date.

A piece of work or a subject may be known several times: not handed in, handed in, marked, re-sat. The latest row known
before the date counts. A grade is read from the grade scale 0–4; where only a percentage is known, percent ÷ 25.

Rows become arrays once for all dates; a date is a mask over them, and dates between which nothing became known share
their figures. Within a year a learner's rows are a run: figures are sums over runs, without grouping.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features import rows
from features.cohort import Cohort
from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import OPEN_GRADES

_COLUMNS = ("learner_id", "school_id", "term", "subject", "part", "learning_area", "credits", "percent", "grade",
            "attended_percent", "days_late", "known_on")  # fmt: skip
_NOT_FINAL_GRADE = ("ร", "มส", "ผ", "มผ")
_YEARS = 3
FINAL, MIDTERM = "final", "midterm"


def grades(
    store: Store, settings: Settings, cohort: Cohort, as_of: date, bucket: int | None = None
) -> dict[str, np.ndarray]:
    """Grade features of the cohort, in its order (float32). Learners without a known result have NaN throughout."""
    year, day = calendar.academic_year(as_of, settings), rows.days(as_of)

    def read() -> _Results:
        years = range(year - _YEARS + 1, year + 1)
        each = (store.read("result", years=[y], bucket=bucket, columns=_COLUMNS, codes=True) for y in years)
        return _Results([rows.by_learner(table) for table in each])

    results = rows.once(store, ("results", bucket), year, read)
    known = results.known_on < day
    count = year, int(np.count_nonzero(known))
    found, due = rows.once(store, ("grades", bucket), count, lambda: (_features(results, known), _due(results, known)))
    place = rows.Places(results.learners, cohort["learner_id"])
    out = {name: place.of(values) for name, values in found.items()}
    for name in ("days_open", "days_since_result"):  # so far the day itself
        out[name] = np.float32(day) - out[name]
    ahead = np.bincount(due[0][due[1] > day], minlength=len(results.learners)).astype(np.float32)
    out["work_ahead"] = np.where(np.isnan(out["results_known"]), np.float32(np.nan), place.of(ahead))
    return out


class _Runs:
    """Rows that lie together by learner, several times over (once a year), and the place of each run's learner."""

    def __init__(self, begins: np.ndarray, whose: np.ndarray, rows: int, learners: int) -> None:
        self.begins, self.whose, self.learners = begins, whose, learners
        self.lengths = np.diff(begins, append=rows)
        self.of = self.spread(np.arange(learners))  # the place of each row's learner

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values of the learners as values of their rows."""
        return np.repeat(values[self.whose], self.lengths)

    def count(self, mask: np.ndarray) -> np.ndarray:
        """How many rows of a mask each learner has."""
        out = np.zeros(self.learners, np.int64)
        np.add.at(out, self.whose, np.add.reduceat(mask, self.begins, dtype=np.int64))
        return out

    def total(self, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Sum over each learner's rows of a mask."""
        return np.bincount(self.of, np.where(mask, values, 0), minlength=self.learners)

    def largest(self, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Largest value of each learner's rows of a mask, float64; NaN where there is none."""
        out = np.full(self.learners, -np.inf)
        np.maximum.at(out, self.whose, np.maximum.reduceat(np.where(mask, values, -np.inf), self.begins))
        return np.where(np.isneginf(out), np.nan, out)

    def smallest(self, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return -self.largest(-values, mask)


class _Results:
    """Result rows year by year, within a year by learner, and within a learner by piece of work as it became known.

    `learners` ascend, each once; `this_year` are the rows of the last year. Arrays of the length of all rows: `piece`
    is a number for each piece of work, `point` the grade, NaN where a row gives none.
    """

    def __init__(self, years: Sequence[pa.Table]) -> None:
        years = [_in_order(table) for table in years]
        held = pa.concat_tables(years)
        ids, begin = held["learner_id"].to_numpy(), len(held) - len(years[-1])
        year = np.repeat(np.arange(len(years)), [len(table) for table in years])
        new = np.append(True, (ids[1:] != ids[:-1]) | (year[1:] != year[:-1]))[: len(ids)]
        begins = np.flatnonzero(new)
        self.learners, whose = np.unique(ids[begins], return_inverse=True)
        self.runs = _Runs(begins, whose, len(ids), len(self.learners))
        own = begins >= begin
        self.this_year = slice(begin, len(ids))
        self.runs_this_year = _Runs(begins[own] - begin, whose[own], len(ids) - begin, len(self.learners))

        coded = {name: rows.codes(held, name) for name in ("subject", "part", "grade", "learning_area")}
        (subject, _), (part, parts), (grade, grades), (self.area, areas) = coded.values()
        self.areas = len(areas) - 1  # the last stands for none
        term = held["term"].combine_chunks().fill_null(-1).to_numpy()
        for which in (term, subject, part):
            new[1:] |= which[1:] != which[:-1]
        self.piece = np.cumsum(new)
        self.several = np.flatnonzero(~new | np.append(~new[1:], False)[: len(new)])  # rows of work told several times
        self.known_on = held["known_on"].combine_chunks().cast(pa.int32()).to_numpy()
        self.percent, self.credits, self.attended, self.days_late = (
            held[name].to_numpy() for name in ("percent", "credits", "attended_percent", "days_late")
        )
        stated = np.array([np.nan if g is None or g in _NOT_FINAL_GRADE else float(g) for g in grades])
        self.is_open = _among(OPEN_GRADES, grades)[grade]
        self.unmarked = _among(("ร", "มส"), grades)[grade]
        self.is_final, self.is_midterm = _among((FINAL,), parts)[part], _among((MIDTERM,), parts)[part]
        # ร, มส, ผ and มผ are no grade, whatever the percentage beside them; nor is a mark part-way through the term.
        by_percent = (np.isnan(stated) & ~_among(_NOT_FINAL_GRADE, grades))[grade]
        self.point = stated[grade]
        self.point[by_percent] = self.percent[by_percent].astype(np.float64) / 25
        self.point[self.is_midterm] = np.nan
        self.graded = ~np.isnan(self.point)

    def last_of_each(self, mask: np.ndarray) -> np.ndarray:
        """Of the rows of a mask, the last of each piece of work, as a mask."""
        out = mask.copy()
        at = self.several[mask[self.several]]
        out[at[:-1][self.piece[at[1:]] == self.piece[at[:-1]]]] = False
        return out


def _in_order(results: pa.Table) -> pa.Table:
    """Results of one year, rows of one piece of work together also where a learner changed school within the year: they
    come by school before term and subject."""
    ids, (school, _) = results["learner_id"].to_numpy(), rows.codes(results, "school_id")
    moved = np.isin(ids, ids[1:][(ids[1:] == ids[:-1]) & (school[1:] != school[:-1])])
    if not moved.any():
        return results
    by = {
        "learner_id": pa.int64(),
        "term": pa.int8(),
        "subject": pa.string(),
        "part": pa.string(),
        "known_on": pa.date32(),
    }
    theirs = pa.table({name: results[name].filter(pa.array(moved)).cast(kind) for name, kind in by.items()})
    order, at = np.arange(len(ids)), np.flatnonzero(moved)
    order[at] = at[pc.sort_indices(theirs, sort_keys=[(name, "ascending") for name in by]).to_numpy()]  # stable
    return results.take(order)


def _among(words: Sequence[str], each: Sequence[str | None]) -> np.ndarray:
    return np.array([word in words for word in each])


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))


def _features(held: _Results, known: np.ndarray) -> dict[str, np.ndarray]:
    """Each feature by learner of `held.learners`, float32, as long as no other rows become known. Instead of days since
    a day stands the day itself."""
    runs, latest = held.runs, held.last_of_each(known)
    out = _averages(held, held.last_of_each(known & held.graded))
    is_open = held.is_open & latest
    out["open_results"] = np.where(runs.count(known) > 0, runs.count(is_open), np.nan)
    out["days_open"] = runs.smallest(held.known_on, is_open)
    out["days_since_result"] = runs.largest(held.known_on, known & ~held.unmarked)
    final = latest & held.is_final & ~np.isnan(held.credits)
    passed = final & ~held.is_open
    behind = runs.total(held.credits, final) - runs.total(held.credits, passed)
    out["credits_behind"] = np.where(runs.count(final) > 0, behind, np.nan)

    runs, year = held.runs_this_year, held.this_year
    mine, still, known_on, credits = latest[year], held.is_open[year], held.known_on[year], held.credits[year]
    some = runs.count(mine)
    out["open_share"] = _share(runs.count(mine & still), some)
    last = mine & (known_on == runs.spread(runs.largest(known_on, mine)))
    out["open_latest"] = runs.largest(still, last)
    out["results_known"] = np.where(some > 0, some, np.nan)
    done = mine & ~still
    out["work_done"] = np.where(some > 0, runs.count(done), np.nan)
    out["credits_done"] = np.where(some > 0, runs.total(np.nan_to_num(credits), done), np.nan)
    late_known = mine & ~np.isnan(held.days_late[year])
    out["work_days_late"] = _share(runs.total(held.days_late[year], late_known), runs.count(late_known))
    attended, percent = held.attended[year], held.percent[year]
    out["lowest_attended_percent"] = runs.smallest(attended, mine & ~np.isnan(attended))
    midterm = mine & held.is_midterm[year] & ~np.isnan(percent)
    out["midterm_percent"] = _share(runs.total(percent, midterm), runs.count(midterm))
    return {name: values.astype(np.float32) for name, values in out.items()}


def _averages(held: _Results, graded: np.ndarray) -> dict[str, np.ndarray]:
    """What the grades of a mask come to, by learner."""
    runs, point = held.runs, held.point
    credits = held.credits.astype(np.float64)
    weight = np.where(np.isnan(credits) | (credits == 0), 1.0, credits)
    count, total = runs.count(graded), runs.total(point, graded)
    newest = graded & (held.known_on == runs.spread(runs.largest(held.known_on, graded)))
    earlier = graded & ~newest
    latest, mean = _share(runs.total(point, newest), runs.count(newest)), _share(total, count)
    spread = _share(runs.total((point - runs.spread(mean)) ** 2, graded), count)
    return {
        "grade_average": _share(runs.total(weight * point, graded), runs.total(weight, graded)),
        "grade_latest": latest,
        "grade_change": latest - _share(runs.total(point, earlier), runs.count(earlier)),
        "grade_spread": np.where(count > 1, np.sqrt(spread), np.nan),
        "grade_lowest_area": _lowest_area(held, graded),
    }


def _due(held: _Results, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Work of this year handed in: whose it is, and the day it was due."""
    year = held.this_year
    at = np.flatnonzero(held.last_of_each(known)[year] & ~np.isnan(held.days_late[year]))
    return held.runs_this_year.of[at], held.known_on[year][at] - np.floor(held.days_late[year][at])


def _lowest_area(held: _Results, graded: np.ndarray) -> np.ndarray:
    """Mean of the learning area with the lowest mean; NaN without an area."""
    at = np.flatnonzero(graded & (held.area < held.areas))
    cell = held.runs.of[at] * held.areas + held.area[at]
    size = len(held.learners) * held.areas
    counts = np.bincount(cell, minlength=size)
    means = _share(np.bincount(cell, held.point[at], minlength=size), counts).reshape(len(held.learners), held.areas)
    lowest = np.where(np.isnan(means), np.inf, means).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(lowest), lowest, np.nan)
