"""School context, the second pass: what a learner's figures mean beside those of the class and the school.

It needs the learners of a school together, so it runs over the whole cohort after the buckets are done. A class is
school, grade and room; where lists have no rooms, the grade or the school stands in for it.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features import rows
from features.attendance import CONTEXT
from features.kernel import RECENT
from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import LEAVING_CAUSES

# What the second pass needs of the first, beside the place.
NEEDED = (
    "absent_rate_28d",
    "absent_rate_year",
    "open_share",
    "grade_average",
    "grade_latest",
    "work_days_late",
    *CONTEXT,
)


def keys(cohort: pd.DataFrame) -> pd.DataFrame:
    """The school and the class of each learner as numbers that are the same in every bucket, 64 bits of a hash: columns
    school_key and class_key."""
    school_key = _hashed(cohort["school_id"])
    class_key = school_key
    for column in ("grade", "room", "started_on"):
        class_key = class_key * np.uint64(0x9E3779B97F4A7C15) + _hashed(cohort[column])
    return pd.DataFrame({"school_key": school_key, "class_key": class_key})


def _hashed(words: pd.Series) -> np.ndarray:
    codes, distinct = pd.factorize(words)
    numbers = pd.util.hash_array(np.array(["", *map(str, distinct)], object), categorize=False)
    return np.asarray(numbers[codes + 1])


def past(store: Store, settings: Settings, as_of: date, bucket: int | None = None) -> pd.DataFrame:
    """Of one bucket, by school_key: learners it listed last year, and those of them who left before finishing, as known
    before the date."""
    year = calendar.academic_year(as_of, settings)
    columns = ["learner_id", "school_id", "listed_on"]
    lists = rows.read(store, "enrolment", bucket, years=[year - 1], columns=columns)
    listed = rows.known_before(lists, as_of, "listed_on").group_by(["learner_id", "school_id"]).aggregate([])
    exits = rows.told_last(
        rows.known_before(rows.read(store, "exit", bucket), as_of, "known_on"), "school_id", "left_on"
    )
    left_on = pc.coalesce(exits["left_on"], exits["known_on"])  # as in features.cohort
    begin, end = (pa.scalar(calendar.first_day(y, settings), pa.date32()) for y in (year - 1, year))
    during = pc.and_(pc.greater_equal(left_on, begin), pc.less(left_on, end))
    gone = exits.filter(pc.and_(during, pc.is_in(exits["cause"], pa.array(LEAVING_CAUSES))))
    left = (
        gone.group_by(["learner_id", "school_id"])
        .aggregate([])
        .join(listed, ["learner_id", "school_id"], join_type="inner")
    )
    counts = {name: held["school_id"].to_pandas().value_counts() for name, held in (("listed", listed), ("left", left))}
    found = pd.DataFrame(counts).fillna(0)
    return found.set_axis(pd.Index(_hashed(found.index.to_series()), name="school_key"))


def school(first: pd.DataFrame, left: pd.DataFrame) -> pd.DataFrame:
    """Context features in the order of `first`: columns NEEDED and those of `keys`, of all learners of the cohort.

    `left` are the sums of `past` by school_key.
    """
    room, house = _Groups(first["class_key"]), _Groups(first["school_key"])
    away, open_share = first["absent_rate_28d"].to_numpy(np.float64), first["open_share"].to_numpy(np.float64)
    class_away, class_open = room.mean(away), room.mean(open_share)
    season = house.ratio(first["season_absent"], first["season_recorded"])
    usual = house.ratio(first["last_absent"], first["last_recorded"])
    left_last_year = left["left"] / left["listed"].where(left["listed"] > 0)
    return pd.DataFrame(
        {
            "class_absent_rate": class_away,
            "absent_vs_class": away - class_away,
            "absent_alone_28d": _alone(room, first),
            "absent_rank_school": house.rank(first["absent_rate_year"].to_numpy(np.float64)),
            "class_open_share": class_open,
            "open_vs_class": open_share - class_open,
            "grade_vs_class": room.rank(first["grade_average"].to_numpy(np.float64)),
            "grade_vs_school": house.rank(first["grade_average"].to_numpy(np.float64)),
            "grade_latest_vs_class": room.rank(first["grade_latest"].to_numpy(np.float64)),
            "late_vs_class": room.rank(first["work_days_late"].to_numpy(np.float64)),
            "school_left_last_year": left_last_year.reindex(house.names).to_numpy(np.float64)[house.of],
            "school_season": season - usual,
            "school_size": house.size.astype(np.float64)[house.of],
        },
        dtype=np.float32,
    )


class _Groups:
    """Learners by group, once sorted: means and ranks are then sums and differences over runs."""

    def __init__(self, keys: pd.Series) -> None:
        self.of, self.names = pd.factorize(keys.to_numpy())
        self.count = len(self.names)
        of = self.of
        self.size = np.bincount(of, minlength=self.count)

    def total(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(np.bincount(self.of, values, minlength=self.count))

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The group's mean of the known values, for each learner; NaN where none is known."""
        known = ~np.isnan(values)
        return np.asarray(_share(self.total(np.where(known, values, 0)), self.total(known))[self.of])

    def ratio(self, part: pd.Series, whole: pd.Series) -> np.ndarray:
        """The group's sum of part over its sum of whole, for each learner."""
        shares = _share(self.total(part.to_numpy(np.float64)), self.total(whole.to_numpy(np.float64)))
        return np.asarray(shares[self.of])

    def rank(self, values: np.ndarray) -> np.ndarray:
        """Share of the group's known values that are no larger, ties in the middle; NaN where not known."""
        known = np.flatnonzero(~np.isnan(values))
        order = known[np.lexsort((values[known], self.of[known]))]
        own, value = self.of[order], values[order]
        new_group = np.append(True, own[1:] != own[:-1]) if len(own) else np.zeros(0, bool)
        new = new_group.copy()
        new[1:] |= value[1:] != value[:-1]
        at = np.arange(len(order))
        begins = np.maximum.accumulate(np.where(new_group, at, 0))
        tie = np.cumsum(new) - 1
        first = at[new] - begins[new]
        count = np.diff(np.append(at[new], len(at)))
        place = first + (count + 1) / 2  # ranks 1..n of the tie, on average
        out = np.full(len(values), np.nan)
        known_of = np.bincount(own, minlength=self.count)
        out[order] = place[tie] / known_of[own]
        return out


def _alone(room: _Groups, features: pd.DataFrame) -> np.ndarray:
    """Days away in four weeks, each weighing the share of the class that was there: a flood that keeps all at home
    weighs nothing. NaN without a recorded day."""
    recorded, away = features["recorded_bits"].to_numpy(np.uint32), features["absent_bits"].to_numpy(np.uint32)
    out = np.where(recorded > 0, 0.0, np.nan)
    for back in range(RECENT):
        there, gone = (recorded >> np.uint32(back)) & 1, (away >> np.uint32(back)) & 1
        if there.any():
            out += gone * (1 - np.nan_to_num(_share(room.total(gone), room.total(there)))[room.of])
    return out


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0))
