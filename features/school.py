"""School context, the second pass: what a learner's figures mean beside those of the class and the school.

It needs the learners of a school together, so it runs over the whole cohort after the buckets are done. A class is
school, grade and room; where lists have no rooms, the grade or the school stands in for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features import rows
from features.attendance import CONTEXT
from features.cohort import Cohort, exits_told, lists
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


def keys(cohort: Cohort | pd.DataFrame) -> pd.DataFrame:
    """The school and the class of each learner as numbers that are the same in every bucket, 64 bits of a hash: columns
    school_key and class_key. `cohort` may be rows of `features.build.build` too."""
    place = pa.table({name: cohort[name] for name in ("school_id", "grade", "room", "started_on")})
    school_key = _hashed(place, "school_id")
    class_key = place["started_on"].cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.uint64)
    for words in (school_key, _hashed(place, "grade"), _hashed(place, "room")):
        class_key = class_key * np.uint64(0x9E3779B97F4A7C15) + words
    return pd.DataFrame({"school_key": school_key, "class_key": class_key})


def _hashed(table: pa.Table, column: str) -> np.ndarray:
    which, words = rows.codes(table, column)
    return np.asarray(_hashes(words)[which])


def _hashes(words: list[str | None]) -> np.ndarray:
    return np.asarray(pd.util.hash_array(np.array([word or "" for word in words], object), categorize=False))


def past(store: Store, settings: Settings, as_of: date, bucket: int | None = None) -> dict[str, np.ndarray]:
    """Of one bucket, a row per school (`school_key`): learners it listed last year, and those of them who left before
    finishing, as known before the date."""
    year = calendar.academic_year(as_of, settings)
    held, exits = lists(store, year - 1, as_of, bucket), exits_told(store, as_of, bucket)
    begin, end = (pa.scalar(calendar.first_day(y, settings), pa.date32()) for y in (year - 1, year))

    def count() -> dict[str, np.ndarray]:
        school, words = rows.codes(held, "school_id")
        learners, of = np.unique(held["learner_id"].to_numpy(), return_inverse=True)
        listed = np.unique(of * len(words) + school)  # a learner on a school's list, however many times
        facts = rows.told_last(exits, "school_id", "left_on")
        left_on = pc.coalesce(facts["left_on"], facts["known_on"])  # as in features.cohort
        during = pc.and_(pc.greater_equal(left_on, begin), pc.less(left_on, end))
        gone = facts.filter(pc.and_(during, pc.is_in(facts["cause"], pa.array(LEAVING_CAUSES))))
        number = {word: n for n, word in enumerate(words)}
        place = rows.Places(learners, gone["learner_id"].to_numpy())
        who = place.of(np.arange(len(learners)), missing=-1)
        where = np.array([number.get(word, -1) for word in gone["school_id"].to_pylist()], np.int64)
        left = np.intersect1d(listed, (who * len(words) + where)[(who >= 0) & (where >= 0)])
        counts = {
            name: np.bincount(each % len(words), minlength=len(words))
            for name, each in (("listed", listed), ("left", left))
        }
        return {"school_key": _hashes(words), **counts}

    return rows.once(store, ("past", bucket), (year, len(held), len(exits)), count)


def school(first: Mapping[str, np.ndarray], left: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Context features (float32) in the order of `first`: columns NEEDED and those of `keys`, of all learners of the
    cohort. `left` are the rows of `past`, of all buckets.
    """
    room, house = _Groups(first["class_key"]), _Groups(first["school_key"])
    away, open_share = first["absent_rate_28d"].astype(np.float64), first["open_share"].astype(np.float64)
    class_away, class_open = room.mean(away), room.mean(open_share)
    season = house.ratio(first["season_absent"], first["season_recorded"])
    usual = house.ratio(first["last_absent"], first["last_recorded"])
    schools, of = np.unique(left["school_key"], return_inverse=True)
    share = _share(*(np.bincount(of, left[name], minlength=len(schools)) for name in ("left", "listed")))
    found = {
        "class_absent_rate": class_away,
        "absent_vs_class": away - class_away,
        "absent_alone_28d": _alone(room, first["recorded_bits"], first["absent_bits"]),
        "absent_rank_school": house.rank(first["absent_rate_year"]),
        "class_open_share": class_open,
        "open_vs_class": open_share - class_open,
        "grade_vs_class": room.rank(first["grade_average"]),
        "grade_vs_school": house.rank(first["grade_average"]),
        "grade_latest_vs_class": room.rank(first["grade_latest"]),
        "late_vs_class": room.rank(first["work_days_late"]),
        "school_left_last_year": rows.placed(schools, share, house.names)[house.of],
        "school_season": season - usual,
        "school_size": house.size[house.of],
    }
    return {name: values.astype(np.float32) for name, values in found.items()}


class _Groups:
    """Learners by group: means and ranks among them."""

    def __init__(self, keys: np.ndarray) -> None:
        self.of, self.names = pd.factorize(keys)
        self.size = np.bincount(self.of, minlength=len(self.names))

    def total(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self.of, values, minlength=len(self.names))

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The group's mean of the known values, for each learner; NaN where none is known."""
        known = ~np.isnan(values)
        return _share(self.total(np.where(known, values, 0)), self.total(known))[self.of]

    def ratio(self, part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """The group's sum of part over its sum of whole, for each learner."""
        return _share(self.total(part), self.total(whole))[self.of]

    def rank(self, values: np.ndarray) -> np.ndarray:
        """Share of the group's known values (float32) that are no larger, ties in the middle; NaN where not known."""
        known = np.flatnonzero(~np.isnan(values))
        # One whole number a learner to sort by: the group, then the value, whose bits are made a number in its order.
        bits = (values[known] + np.float32(0)).view(np.int32)  # -0 is 0
        bits ^= (bits >> 31) & np.int32(0x7FFFFFFF)
        number = (self.of[known].astype(np.int64) << 32) + bits
        order = np.argsort(number)
        number = number[order]
        new = np.append(True, number[1:] != number[:-1])[: len(number)]
        begins = np.flatnonzero(new)  # of each tie
        count = np.diff(begins, append=len(number))
        group = self.of[known[order[begins]]]
        known_of = np.bincount(group, count, minlength=len(self.names))
        before = (np.cumsum(known_of) - known_of)[group]
        place = begins - before + (count + 1) / 2  # ranks 1..n of the tie, on average
        out = np.full(len(values), np.nan)
        out[known[order]] = np.repeat(place / known_of[group], count)
        return out


def _alone(room: _Groups, recorded: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Days away in four weeks, each weighing the share of the class that was there: a flood that keeps all at home
    weighs nothing. NaN without a recorded day."""
    out = np.where(recorded > 0, 0.0, np.nan)
    for back in range(RECENT):
        there, gone = (recorded >> np.uint32(back)) & 1, (away >> np.uint32(back)) & 1
        if there.any():
            out += gone * (1 - np.nan_to_num(_share(room.total(gone), room.total(there)))[room.of])
    return out


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0))
