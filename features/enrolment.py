"""Age, grade, moves and entry, from lists and birth dates known before the date."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from features import rows
from features.cohort import Cohort, lists, of_schools
from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import GRADE_LEVEL

# A child enters ป.1 in the academic year in which she turns seven (compulsory education act, section 4 as read from
# summaries), so on the year's first day she is 6.0 to 7.0, half a year over 6 on average.
_USUAL_AGE_BEFORE_FIRST_GRADE = 5.5
_LEVEL = {grade: float(level) for grade, level in GRADE_LEVEL.items()}
_YEARS_OF_MOVES = 3
_FURTHEST = (-5, 15)  # years from the usual age beyond which a birth date was mistyped


def enrolment(
    store: Store, settings: Settings, cohort: Cohort, as_of: date, bucket: int | None = None
) -> dict[str, np.ndarray]:
    """Age-and-grade and moves features of the cohort, in its order."""
    year, learners = calendar.academic_year(as_of, settings), cohort["learner_id"]
    level = rows.steps(cohort, "grade", _LEVEL)

    held = rows.known(store, "learner", bucket, as_of, "known_on")
    ids, said = rows.last_said(held["learner_id"].to_numpy(), {"born": rows.numbers(held, "birth_date")})
    age = (rows.days(calendar.first_day(year, settings)) - rows.placed(ids, said["born"], learners)) / 365.25

    over = age - (_USUAL_AGE_BEFORE_FIRST_GRADE + level)
    first_day = rows.numbers(cohort, "started_on")
    moved_from, past = _past(store, year, as_of, bucket)
    place = rows.Places(moved_from, learners)
    before = place.of(past["last_level"])
    return {
        "grade_level": level,
        "over_age": np.where((over >= _FURTHEST[0]) & (over <= _FURTHEST[1]), over, np.nan),
        **{name: rows.numbers(cohort, name) for name in ("attempts_before", "isced_completed", "credits")},
        "days_into_year": rows.days(as_of) - first_day,
        "entered_late": rows.numbers(cohort, "entered_on") - first_day,
        "moves": place.of(past["schools"]) - 1,
        "agency_changes": place.of(past["agencies"]) - 1,
        "repeated_grade": np.where(np.isnan(before) | np.isnan(level), np.nan, before >= level),
    }


def _past(store: Store, year: int, as_of: date, bucket: int | None) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Learners listed in three years, ascending: how many schools and agencies listed each (NaN if no agency is known),
    and the grade level she was last listed in the year before."""
    each = [lists(store, y, as_of, bucket) for y in range(year - _YEARS_OF_MOVES + 1, year + 1)]

    def count() -> tuple[np.ndarray, dict[str, np.ndarray]]:
        held = pa.concat_tables([table.select(["learner_id", "school_id", "listed_on", "grade"]) for table in each])
        learners, of = np.unique(held["learner_id"].to_numpy(), return_inverse=True)
        school, words = rows.codes(held, "school_id")
        agency, agencies = rows.codes(of_schools(store, words, "agency"), "agency")
        agency = agency[school]
        known = agency < len(agencies) - 1  # the last stands for none
        before = each[-2]
        ids, then = before["learner_id"].to_numpy(), rows.steps(before, "grade", _LEVEL)
        at = _last_by_day(ids, rows.numbers(before, "listed_on"), ~np.isnan(then))
        return learners, {
            "schools": _distinct(of, school, len(learners)),
            "agencies": _distinct(of[known], agency[known], len(learners)),
            "last_level": rows.placed(ids[at], then[at], learners),
        }

    return rows.once(store, ("past lists", bucket), (year, *map(len, each)), count)


def _distinct(of: np.ndarray, codes: np.ndarray, learners: int) -> np.ndarray:
    """How many different codes each learner has, by the place of the learner; NaN for none."""
    pairs = np.unique(of * (int(codes.max(initial=0)) + 1) + codes)
    counts = np.bincount(pairs // (int(codes.max(initial=0)) + 1), minlength=learners)
    return np.where(counts > 0, counts, np.nan)


def _last_by_day(ids: np.ndarray, day: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Position of each learner's latest row of a mask, sorted by learner."""
    at = np.flatnonzero(mask)
    at = at[np.lexsort((day[at], ids[at]))]
    own = ids[at]
    return at[np.append(own[1:] != own[:-1], True)] if len(at) else at
