"""Age, grade, moves and entry, from lists and birth dates known before the date."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from features import rows
from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import GRADE_LEVEL

# A child enters ป.1 in the academic year in which she turns seven (compulsory education act, section 4 as read from
# summaries), so on the year's first day she is 6.0 to 7.0, half a year over 6 on average.
_USUAL_AGE_BEFORE_FIRST_GRADE = 5.5
_YEARS_OF_MOVES = 3
_FURTHEST = (-5, 15)  # years from the usual age beyond which a birth date was mistyped


def enrolment(
    store: Store, settings: Settings, cohort: pd.DataFrame, as_of: date, bucket: int | None = None
) -> pd.DataFrame:
    """Age-and-grade and moves features of the cohort, in its order."""
    year, learners = calendar.academic_year(as_of, settings), cohort["learner_id"].to_numpy()
    level = _by_word(cohort["grade"], GRADE_LEVEL)

    held = rows.known_before(rows.read(store, "learner", bucket), as_of, "known_on")
    ids, born = held["learner_id"].to_numpy(), rows.numbers(held, "birth_date")
    at = rows.last(ids, ~np.isnan(born))
    age = (rows.days(calendar.first_day(year, settings)) - rows.placed(ids[at], born[at], learners)) / 365.25

    over = age - (_USUAL_AGE_BEFORE_FIRST_GRADE + level)
    first_day = cohort["started_on"].to_numpy("datetime64[D]").astype(np.float64)
    entered = cohort["entered_on"].to_numpy("datetime64[D]").astype(np.int64).astype(np.float64)
    entered = np.where(cohort["entered_on"].isna(), np.nan, entered)
    return pd.DataFrame(
        {
            "grade_level": level,
            "over_age": np.where((over >= _FURTHEST[0]) & (over <= _FURTHEST[1]), over, np.nan),
            "attempts_before": cohort["attempts_before"].to_numpy(np.float64, na_value=np.nan),
            "isced_completed": cohort["isced_completed"].to_numpy(np.float64, na_value=np.nan),
            "credits": cohort["credits"].to_numpy(np.float64, na_value=np.nan),
            "days_into_year": rows.days(as_of) - first_day,
            "entered_late": entered - first_day,
        }
        | _past(store, learners, level, year, as_of, bucket)
    )


def _past(
    store: Store, learners: np.ndarray, level: np.ndarray, year: int, as_of: date, bucket: int | None
) -> dict[str, np.ndarray]:
    """Schools and agencies before this one in three years, and whether the grade is the same as last year's."""
    years = range(year - _YEARS_OF_MOVES + 1, year + 1)
    columns = ["learner_id", "school_id", "academic_year", "listed_on", "grade"]
    lists = rows.read(store, "enrolment", bucket, years=years, columns=columns)
    lists = rows.known_before(lists, as_of, "listed_on")
    ids = lists["learner_id"].to_numpy()
    known = np.isin(learners, ids)

    schools = store.read("school", columns=["school_id", "agency"])
    agency = dict(zip(schools["school_id"].to_pylist(), schools["agency"].to_pylist(), strict=True))
    words = lists["school_id"].combine_chunks().dictionary_encode()
    code = words.indices.to_numpy()
    named = [agency.get(word) for word in words.dictionary.to_pylist()]
    kinds = {word: n for n, word in enumerate(dict.fromkeys(named))}
    kind = np.array([kinds[word] for word in named] or [0])[code]
    stated = np.array([word is not None for word in named] or [False])[code]

    before = lists["academic_year"].to_numpy() == year - 1
    then = rows.steps(lists, "grade", {g: float(n) for g, n in GRADE_LEVEL.items()})
    at = _last_by_day(ids, rows.numbers(lists, "listed_on"), before & ~np.isnan(then))
    last_level = rows.placed(ids[at], then[at], learners)
    repeated = np.where(np.isnan(last_level) | np.isnan(level), np.nan, (last_level >= level).astype(np.float64))
    return {
        "moves": np.where(known, _distinct(ids, code, learners) - 1, np.nan),
        "agency_changes": np.where(
            np.isin(learners, ids[stated]), _distinct(ids[stated], kind[stated], learners) - 1, np.nan
        ),
        "repeated_grade": repeated,
    }


def _distinct(ids: np.ndarray, codes: np.ndarray, learners: np.ndarray) -> np.ndarray:
    """How many different codes each learner has."""
    order = np.lexsort((codes, ids))
    own, code = ids[order], codes[order]
    new = np.append(True, (own[1:] != own[:-1]) | (code[1:] != code[:-1])) if len(own) else np.zeros(0, bool)
    each, counts = np.unique(own[new], return_counts=True)
    return rows.placed(each, counts.astype(np.float64), learners)


def _last_by_day(ids: np.ndarray, day: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Position of each learner's latest row of a mask, sorted by learner."""
    at = np.flatnonzero(mask)
    at = at[np.lexsort((day[at], ids[at]))]
    own = ids[at]
    return at[np.append(own[1:] != own[:-1], True)] if len(at) else at


def _by_word(words: pd.Series, worth: dict[str, int]) -> np.ndarray:
    codes, distinct = pd.factorize(words)
    return np.array([*(float(worth.get(w, np.nan)) for w in distinct), np.nan])[codes]
