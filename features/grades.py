"""Grade features: averages, change, weakest area and what is still open (0, ร, มส), as known before the date.

A piece of work or a subject may be known several times: not handed in, handed in, marked, re-sat. The latest row known
before the date counts. A grade is read from the grade scale 0–4; where only a percentage is known, percent ÷ 25.

Rows lie sorted by learner, so a learner's figures are sums over a run of rows: no grouping, no Python per learner.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from features import rows
from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import OPEN_GRADES

_COLUMNS = ("learner_id", "school_id", "academic_year", "term", "subject", "part", "learning_area", "credits",
            "percent", "grade", "attended_percent", "days_late", "known_on")  # fmt: skip
_NOT_FINAL_GRADE = ("ร", "มส", "ผ", "มผ")
_YEARS = 3
FINAL, MIDTERM = "final", "midterm"


def grades(
    store: Store, settings: Settings, cohort: pd.DataFrame, as_of: date, bucket: int | None = None
) -> pd.DataFrame:
    """Grade features of the cohort, in its order (float64). Learners without a known result have NaN throughout."""
    year = calendar.academic_year(as_of, settings)
    years = range(year - _YEARS + 1, year + 1)
    held = rows.read(store, "result", bucket, years=years, columns=_COLUMNS, codes=True)
    known = rows.known_before(held, as_of, "known_on")
    results, learners = _Results(known), cohort["learner_id"].to_numpy()
    found = _features(results, year, rows.days(as_of))
    return pd.DataFrame({name: rows.placed(results.ids, values, learners) for name, values in found.items()})


class _Results:
    """Result rows as arrays, sorted so that rows of one learner, and within them of one piece of work, lie together in
    the order they became known."""

    def __init__(self, known: pa.Table) -> None:
        def numbers(name: str, kind: type) -> np.ndarray:
            return np.asarray(known[name].to_numpy(), kind)

        def codes(name: str) -> tuple[np.ndarray, list[str | None]]:
            column = known[name] if pa.types.is_dictionary(known[name].type) else known[name].dictionary_encode()
            coded = column.unify_dictionaries().combine_chunks()
            words = [*coded.dictionary.to_pylist(), None]  # the last stands for what is missing
            return coded.indices.fill_null(len(words) - 1).to_numpy().astype(np.int64), words

        learner, year = numbers("learner_id", np.int64), numbers("academic_year", np.int64)
        term = known["term"].combine_chunks().fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        subject, subjects = codes("subject")
        part, parts = codes("part")
        grade, grade_words = codes("grade")
        area, areas = codes("learning_area")
        self.known_on = known["known_on"].combine_chunks().cast(pa.int32()).to_numpy(zero_copy_only=False)
        self.percent = numbers("percent", np.float64)
        self.credits = numbers("credits", np.float64)
        self.attended = numbers("attended_percent", np.float64)
        self.days_late = numbers("days_late", np.float64)
        which = (((year - 2400) * 8 + term + 1) * max(len(subjects), 1) + subject) * max(len(parts), 1) + part
        stated = np.array([np.nan if g is None or g in _NOT_FINAL_GRADE else float(g) for g in grade_words] or [np.nan])
        # ร, มส, ผ and มผ are no grade, whatever the percentage beside them; nor is a mark part-way through the term.
        ungraded = np.array([g in _NOT_FINAL_GRADE for g in grade_words] or [False])[grade]
        self.is_open = np.array([g in OPEN_GRADES for g in grade_words] or [False])[grade]
        self.is_final = np.array([p == FINAL for p in parts] or [False])[part]
        self.is_midterm = np.array([p == MIDTERM for p in parts] or [False])[part]
        point = np.where(np.isnan(stated[grade]) & ~ungraded, self.percent / 25, stated[grade])
        self.point = np.where(self.is_midterm, np.nan, point)
        self.unmarked = np.array([g in ("ร", "มส") for g in grade_words] or [False])[grade]
        self.area, self.areas = np.where(np.array([a is None for a in areas] or [True])[area], -1, area), len(areas)
        self.year, self.learner, self.which = year, learner, which
        school, _ = codes("school_id")
        # Rows come sorted by school before term and subject: only who changed school within a year is sorted again.
        same = (np.diff(learner) == 0) & (np.diff(year) == 0)
        moved = np.flatnonzero(np.isin(learner, learner[1:][same & (np.diff(school) != 0)]))
        if len(moved):
            order = np.arange(len(learner))
            order[moved] = moved[np.lexsort((self.known_on[moved], which[moved], learner[moved]))]
            for name, values in vars(self).items():
                if isinstance(values, np.ndarray):
                    setattr(self, name, values[order])
        self.first = np.flatnonzero(np.diff(self.learner, prepend=self.learner[:1] - 1)) if len(learner) else learner
        self.ids = self.learner[self.first]
        self.of = np.cumsum(np.diff(self.learner, prepend=self.learner[:1] - 1) != 0) - 1 if len(learner) else learner

    def last_of_each(self, mask: np.ndarray) -> np.ndarray:
        """Of the rows of a mask, the last of each piece of work, as a mask."""
        at = np.flatnonzero(mask)
        if not len(at):
            return mask
        same = (self.of[at[1:]] == self.of[at[:-1]]) & (self.which[at[1:]] == self.which[at[:-1]])
        out = np.zeros(len(mask), bool)
        out[at[np.append(~same, True)]] = True
        return out

    def total(self, mask: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        """Sum over each learner's rows of a mask: of values, or how many."""
        of, weights = self.of[mask], None if values is None else values[mask]
        return np.asarray(np.bincount(of, weights, minlength=len(self.ids)))

    def extreme(self, mask: np.ndarray, values: np.ndarray, largest: bool) -> np.ndarray:
        """Largest or smallest value of each learner's rows of a mask; NaN where there is none."""
        reduce, empty = (np.maximum, -np.inf) if largest else (np.minimum, np.inf)
        if not len(self.ids):
            return np.zeros(0)
        found = reduce.reduceat(np.where(mask & ~np.isnan(values), values, empty), self.first)
        return np.where(np.isfinite(found), found, np.nan)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))


def _features(held: _Results, year: int, day: int) -> dict[str, np.ndarray]:
    """Each feature by learner, in the order of `held.ids`."""
    everything = np.ones(len(held.learner), bool)
    graded = held.last_of_each(~np.isnan(held.point))
    latest = held.last_of_each(everything)
    known = held.known_on.astype(np.float64)
    count = held.total(graded)
    out: dict[str, np.ndarray] = {}
    weight = np.where(np.isnan(held.credits) | (held.credits == 0), 1.0, held.credits)
    out["grade_average"] = _share(held.total(graded, weight * held.point), held.total(graded, weight))
    newest_day = held.extreme(graded, known, largest=True)
    newest = graded & (known == newest_day[held.of]) if len(known) else graded
    out["grade_latest"] = _share(held.total(newest, held.point), held.total(newest))
    earlier = graded & ~newest
    out["grade_change"] = out["grade_latest"] - _share(held.total(earlier, held.point), held.total(earlier))
    mean = _share(held.total(graded, held.point), count)
    spread = _share(held.total(graded, (held.point - mean[held.of]) ** 2 if len(mean) else held.point), count)
    out["grade_spread"] = np.where(count > 1, np.sqrt(spread), np.nan)
    out["grade_lowest_area"] = _lowest_area(held, graded)

    is_open = held.is_open & latest
    some = held.total(everything) > 0
    out["open_results"] = np.where(some, held.total(is_open), np.nan)
    out["days_open"] = day - held.extreme(is_open, known, largest=False)
    this_year = latest & (held.year == year)
    mine = held.total(this_year)
    out["open_share"] = _share(held.total(this_year & held.is_open), mine)
    last_day = held.extreme(this_year, known, largest=True)
    last = this_year & (known == last_day[held.of]) if len(known) else this_year
    out["open_latest"] = held.extreme(last, held.is_open.astype(np.float64), largest=True)
    out["results_known"] = np.where(mine > 0, mine, np.nan)
    done = this_year & ~held.is_open
    out["work_done"] = np.where(mine > 0, held.total(done), np.nan)
    out["credits_done"] = np.where(mine > 0, held.total(done, np.nan_to_num(held.credits)), np.nan)
    final = latest & held.is_final & ~np.isnan(held.credits)
    passed = final & ~held.is_open
    out["credits_behind"] = np.where(
        held.total(final) > 0, held.total(final, held.credits) - held.total(passed, held.credits), np.nan
    )  # fmt: skip
    late_known = this_year & ~np.isnan(held.days_late)
    out["work_ahead"] = np.where(mine > 0, held.total(late_known & (known - np.floor(held.days_late) > day)), np.nan)
    out["days_since_result"] = day - held.extreme(~held.unmarked, known, largest=True)
    out["work_days_late"] = _share(held.total(late_known, held.days_late), held.total(late_known))
    out["lowest_attended_percent"] = held.extreme(this_year, held.attended, largest=False)
    midterm = this_year & held.is_midterm & ~np.isnan(held.percent)
    out["midterm_percent"] = _share(held.total(midterm, held.percent), held.total(midterm))
    return out


def _lowest_area(held: _Results, graded: np.ndarray) -> np.ndarray:
    """Mean of the learning area with the lowest mean; NaN without an area."""
    at = graded & (held.area >= 0)
    cell = held.of[at] * held.areas + held.area[at]
    size = len(held.ids) * held.areas
    counts = np.bincount(cell, minlength=size)
    means = _share(np.bincount(cell, held.point[at], minlength=size), counts).reshape(len(held.ids), held.areas)
    lowest = np.where(np.isnan(means), np.inf, means).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(lowest), lowest, np.nan)
