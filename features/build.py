"""From the register to one row per learner: every feature of the registry, as of any date.

    cohort ──► attendance, grades, home, growth, enrolment   (by learner bucket, spread by joblib)
                      └──► school context                    (second pass, over all learners)

The same call runs on one core, on all, or under `joblib.parallel_config(backend="dask")`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from features.attendance import attendance, last_mark
from features.cohort import cohort
from features.enrolment import enrolment
from features.grades import grades
from features.growth import growth
from features.home import home
from features.registry import FEATURES
from features.school import school
from raksa.settings import Settings
from raksa.store import Store

NAMES = [f.name for f in FEATURES]
PLACE = [
    "learner_id",
    "area_id",
    "main_school_id",
    "school_id",
    "grade",
    "room",
    "academic_year",
    "floating",
    "started_on",
    "last_mark",
]


def build(store: Store, settings: Settings, as_of: date) -> pd.DataFrame:
    """One row per learner of the cohort, sorted by learner: where the learner is (PLACE), then every feature (float32).

    `last_mark` is the last day before the date with an attendance mark, NaT without one this year. Values follow the
    registry's units and ranges; NaN means not known. Nothing dated on or after `as_of` is read.
    """
    buckets = range(store.identity.buckets)
    # Starting processes costs more than the work of a small register.
    jobs = settings.jobs if _rows(store) > 2_000_000 else 1
    parts = Parallel(n_jobs=jobs)(delayed(_bucket)(store.home, settings, as_of, bucket) for bucket in buckets)
    whole: pd.DataFrame = pd.concat(parts, ignore_index=True).sort_values("learner_id", ignore_index=True)
    context = school(whole, whole)
    whole = pd.concat([whole, context], axis=1)
    return pd.concat([whole[PLACE], whole[NAMES].astype(np.float32)], axis=1)


def _bucket(home_folder: Path, settings: Settings, as_of: date, bucket: int) -> pd.DataFrame:
    store = Store(home_folder)
    who = cohort(store, settings, as_of, bucket)
    parts = [part(store, settings, who, as_of, bucket) for part in (attendance, grades, home, growth, enrolment)]
    place = who.assign(last_mark=last_mark(store, settings, who, as_of, bucket))
    return pd.concat([place.drop(columns=["attempts_before", "credits", "isced_completed"]), *parts], axis=1)


def _rows(store: Store) -> int:
    """Learner-years on roll pages, from the files' sizes: about 60 bytes a page once compressed."""
    return sum(f.stat().st_size for f in (store.home / "register" / "roll").rglob("*.parquet")) // 60
