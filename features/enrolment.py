"""Age, grade, moves and entry, from lists and birth dates known before the date."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from features.cohort import known_before, per_learner
from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import GRADE_LEVEL

# A child enters ป.1 in the academic year in which she turns seven (compulsory education act, section 4 as read from
# summaries), so on the year's first day she is 6.0 to 7.0, half a year over 6 on average.
_USUAL_AGE_BEFORE_FIRST_GRADE = 5.5
_YEARS_OF_MOVES = 3


def enrolment(
    store: Store, settings: Settings, cohort: pd.DataFrame, as_of: date, bucket: int | None = None
) -> pd.DataFrame:
    """Age-and-grade and moves features of the cohort, in its order."""
    year = calendar.academic_year(as_of, settings)
    level = cohort["grade"].map(GRADE_LEVEL).to_numpy(np.float64, na_value=np.nan)

    births = known_before(store.read("learner", bucket=bucket), as_of, "known_on").to_pandas()
    births["birth_date"] = pd.to_datetime(births["birth_date"])
    born = births.sort_values("known_on").dropna(subset=["birth_date"]).drop_duplicates("learner_id", keep="last")
    days_old = (pd.Timestamp(calendar.first_day(year, settings)) - born.set_index("learner_id")["birth_date"]).dt.days
    over_age = per_learner(cohort, days_old / 365.25) - (_USUAL_AGE_BEFORE_FIRST_GRADE + level)

    lists = store.read("enrolment", years=range(year - _YEARS_OF_MOVES + 1, year + 1), bucket=bucket,
                       columns=["learner_id", "school_id", "listed_on"])  # fmt: skip
    schools = known_before(lists, as_of, "listed_on").to_pandas().groupby("learner_id")["school_id"].nunique()

    started = cohort["started_on"]
    return pd.DataFrame(
        {
            "grade_level": level,
            "over_age": over_age,
            "attempts_before": cohort["attempts_before"].to_numpy(np.float64, na_value=np.nan),
            "isced_completed": cohort["isced_completed"].to_numpy(np.float64, na_value=np.nan),
            "credits": cohort["credits"].to_numpy(np.float64, na_value=np.nan),
            "days_into_year": (pd.Timestamp(as_of) - started).dt.days.to_numpy(np.float64),
            "moves": per_learner(cohort, schools.astype(np.float64) - 1),
            "entered_late": (cohort["entered_on"] - started).dt.days.to_numpy(np.float64, na_value=np.nan),
        }
    )
