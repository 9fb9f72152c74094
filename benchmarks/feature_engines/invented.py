"""A register of invented learners written straight in the store's layout, and the same marks as a row-per-day table.

`<folder>/store` is a Raksa store; `<folder>/days/<bucket>.parquet` has one row per learner and school day, sorted by
learner and day, columns learner_id, day, mark. Both say the same: each learner has 200 school days (eleven holidays of
all, two of the school's own), 20 results, one household screening, two measurings, two lists and one learner row.
The seed is fixed: the same size is the same register.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from joblib import Parallel, delayed

from benchmarks.feature_engines.signals import YEAR
from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store, page_strings
from raksa.tables import (
    ABSENT,
    LATE,
    LEAVE,
    LIVES_WITH,
    NO_SCHOOL,
    NOT_RECORDED,
    POVERTY_CLASSES,
    PRESENT,
    REGISTER,
    SICK,
)

_SEED = 2569
_SNAPSHOT = "000001-invented"
_SCHOOL = 250  # learners of a school
_BUCKET = 32_000  # learners of a bucket, as a nation's store has them; small stores have the usual eight
_HOLIDAYS = 11
_SHARES = {PRESENT: 0.90, LATE: 0.05, NOT_RECORDED: 0.05}  # of the days that are not away
_AWAY = {ABSENT: 0.5, SICK: 0.3, LEAVE: 0.2}
_GRADES = [f"ป.{n}" for n in range(1, 7)] + [f"ม.{n}" for n in range(1, 4)]
_AREAS = ["ไทย", "คณิตศาสตร์", "วิทยาศาสตร์", "สังคมศึกษา", "สุขศึกษา", "ศิลปะ", "การงาน", "ภาษาต่างประเทศ"]
_STEPS = np.array([50, 55, 60, 65, 70, 75, 80])  # percent from which the grade is 1, 1.5 … 4
_WORDS = np.array(["0", "1", "1.5", "2", "2.5", "3", "3.5", "4", "ร", "มส"])


def register(folder: Path, learners: int, settings: Settings) -> Path:
    """Write the register of so many learners into a folder, or leave it as it is when it is there already."""
    target = folder / f"{learners}"
    if (target / "store" / "current.json").is_file():
        return target
    buckets = max(settings.buckets, -(-learners // _BUCKET))
    store = Store.create(target / "store", buckets, "key of the benchmark")
    (target / "days").mkdir(exist_ok=True)
    schools = max(1, learners // _SCHOOL)
    _write_schools(store, schools)
    sizes = [learners // buckets + (b < learners % buckets) for b in range(buckets)]
    Parallel(n_jobs=settings.jobs)(
        delayed(_bucket)(target, settings, schools, bucket, size) for bucket, size in enumerate(sizes)
    )
    store.point(snapshots=(_SNAPSHOT,))
    return target


def _write(store: Store, table: str, year: int, bucket: int, columns: dict[str, Any]) -> None:
    schema = REGISTER[table].schema
    rows = len(next(iter(columns.values())))
    columns["source"] = pa.array(np.zeros(rows, np.int8)), pa.array([f"{_SNAPSHOT}#1"])
    arrays = []
    for field in schema:
        values = columns.get(field.name)
        if values is None:
            arrays.append(pa.nulls(rows, field.type))
        elif isinstance(values, tuple):  # codes and the words they stand for
            arrays.append(pa.DictionaryArray.from_arrays(*values).cast(field.type))
        else:
            arrays.append(pa.array(values).cast(field.type))
    file = store.home / "register" / table / f"year={year}" / f"bucket={bucket:04d}" / f"{_SNAPSHOT}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(arrays, schema=schema), file, compression="zstd")


def _codes_of_schools(schools: int) -> list[str]:
    return [f"{81000001 + n}" for n in range(schools)]


def _write_schools(store: Store, schools: int) -> None:
    codes, areas = _codes_of_schools(schools), [f"{1 + n // 120:04d}" for n in range(schools)]
    held = {"school_id": codes, "name": [f"โรงเรียนตัวอย่าง {code}" for code in codes], "area_id": areas,
            "area_name": [f"เขตตัวอย่าง {area}" for area in areas], "agency": ["สพฐ."] * schools}  # fmt: skip
    _write(store, "school", 0, 0, held)


def _bucket(target: Path, settings: Settings, schools: int, bucket: int, size: int) -> None:
    store = Store(target / "store")
    buckets = store.identity.buckets
    draw = np.random.default_rng([_SEED, schools, bucket])
    ids = np.unique(draw.integers(0, 2**62 // buckets, size)) * buckets + bucket
    n = len(ids)
    school = draw.integers(0, schools, n)
    codes = pa.array(_codes_of_schools(schools))
    where = (pa.array(school), codes)
    likely = draw.beta(1.2, 18, n)  # how likely a day away is, by learner
    grade = draw.integers(0, len(_GRADES), n)

    pages = _pages(draw, settings, schools, school, likely)
    held = {"learner_id": ids, "school_id": where, "academic_year": np.full(n, YEAR), "marks": page_strings(pages)}
    _write(store, "roll", YEAR, bucket, held)
    of, position = np.nonzero(pages != ord(NO_SCHOOL))
    first = np.datetime64(calendar.first_day(YEAR, settings), "D")
    day = pa.array((first.astype(np.int64) + position).astype(np.int32)).cast(pa.date32())
    letters = [PRESENT, LATE, NOT_RECORDED, ABSENT, SICK, LEAVE]
    number = np.zeros(256, np.int8)
    number[[ord(mark) for mark in letters]] = range(len(letters))
    mark = pa.DictionaryArray.from_arrays(pa.array(number[pages[of, position]]), pa.array(letters))
    days = pa.table({"learner_id": ids[of], "day": day, "mark": mark})
    pq.write_table(days, target / "days" / f"{bucket:04d}.parquet", compression="zstd", row_group_size=1_000_000)

    _write_results(store, bucket, ids, where, draw.normal(70, 12, n) - 150 * likely, draw)
    census = _days(date(2024, 6, 10), date(2024, 11, 10))
    lists = {"learner_id": np.repeat(ids, 2), "school_id": (pa.array(np.repeat(school, 2)), codes),
             "academic_year": np.full(2 * n, YEAR), "listed_on": np.tile(census, n),
             "term": np.tile([1, 2], n), "grade": (pa.array(np.repeat(grade, 2)), pa.array(_GRADES)),
             "room": ["1"] * (2 * n), "status": ["enrolled"] * (2 * n)}  # fmt: skip
    _write(store, "enrolment", YEAR, bucket, lists)
    birth = _days(date(2017, 11, 15)) - (365.25 * (grade + draw.uniform(0, 1.2, n))).astype("timedelta64[D]")
    who = {"learner_id": ids, "known_on": np.repeat(_days(date(2024, 6, 10)), n), "birth_date": birth,
           "sex": (pa.array(draw.integers(0, 2, n)), pa.array(["female", "male"]))}  # fmt: skip
    _write(store, "learner", 0, bucket, who)
    height = 116 + 5.5 * grade + draw.normal(0, 5, n)
    growth = {"learner_id": np.repeat(ids, 2), "measured_on": np.tile(census, n), "known_on": np.tile(census, n),
              "height_cm": np.stack([height, height + draw.uniform(1, 4, n)], 1).ravel(),
              "weight_kg": np.repeat(draw.normal(16, 2, n) * (height / 100) ** 2, 2)}  # fmt: skip
    _write(store, "growth", 0, bucket, growth)
    household = {"learner_id": ids, "surveyed_on": np.repeat(_days(date(2024, 7, 1)), n),
                 "known_on": np.repeat(_days(date(2024, 9, 1)), n),
                 "poverty_class": (pa.array(draw.integers(0, 3, n)), pa.array(POVERTY_CLASSES)),
                 "income_per_head": draw.uniform(600, 9000, n), "dependants": draw.integers(0, 4, n),
                 "housing_lacks": draw.integers(0, 5, n), "belongings": draw.integers(0, 9, n),
                 "lives_with": (pa.array(draw.integers(0, 4, n)), pa.array(LIVES_WITH)),
                 "distance_km": draw.uniform(0, 15, n)}  # fmt: skip
    _write(store, "household", 0, bucket, household)


def _days(*days: date) -> np.ndarray:
    return np.array(days, "datetime64[D]")


def _pages(
    draw: np.random.Generator, settings: Settings, schools: int, school: np.ndarray, likely: np.ndarray
) -> np.ndarray:
    """Marks of (learners, days). Days away come in runs: after a day away the next is away one time in two."""
    same = np.random.default_rng(_SEED)  # holidays are the same in every bucket
    weekdays = np.flatnonzero(calendar.blank_page(YEAR, settings) != ord(NO_SCHOOL))
    holidays = {calendar.first_day(YEAR, settings) + timedelta(int(d)) for d in same.choice(weekdays, _HOLIDAYS, False)}
    blank = calendar.blank_page(YEAR, settings, holidays)
    open_days = np.flatnonzero(blank != ord(NO_SCHOOL))
    own = open_days[np.argsort(same.random((schools, len(open_days))), axis=1)[:, :2]].astype(np.int16)
    n = len(likely)
    by_day = np.repeat(blank[:, None], n, axis=1)
    limit, again = (likely * 256).astype(np.uint8), np.uint8(128)
    kinds, rest = _by_chance(_AWAY), _by_chance(_SHARES)
    away = np.zeros(n, bool)
    for day in open_days:
        chance, which = draw.integers(0, 256, (2, n), np.uint8)
        away = chance < np.where(away, again, limit)
        by_day[day] = np.where(away, kinds[which], rest[which])
    pages = np.ascontiguousarray(by_day.T)
    for column in own.T:
        pages[np.arange(n), column[school]] = ord(NO_SCHOOL)
    return pages


def _by_chance(shares: dict[str, float]) -> np.ndarray:
    """256 marks in about these shares, to be picked from by a random byte."""
    edges = np.round(np.cumsum(list(shares.values())) * 256)
    return np.array([ord(mark) for mark in shares], np.uint8)[np.searchsorted(edges, np.arange(256), side="right")]


def _write_results(
    store: Store,
    bucket: int,
    ids: np.ndarray,
    where: tuple[pa.Array, pa.Array],
    able: np.ndarray,
    draw: np.random.Generator,
) -> None:
    """Ten subjects last year, the first sat again, and nine this year: 20 rows a learner."""
    first, second, again, third = _days(date(2023, 10, 24), date(2024, 4, 14), date(2024, 6, 10), date(2024, 10, 24))
    years = {
        YEAR - 1: ([1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2], [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
                   [first, again, *[first] * 4, *[second] * 5]),
        YEAR: ([1] * 9, list(range(9)), [third] * 9),
    }  # fmt: skip
    n = len(ids)
    for year, (term, subject, known) in years.items():
        each = len(term)
        percent = np.clip(np.repeat(able, each) + draw.normal(0, 9, n * each), 0, 100).round()
        grade = np.searchsorted(_STEPS, percent, side="right")
        odd = draw.integers(0, 100, n * each)
        grade = np.where(odd == 0, 8, np.where(odd == 1, 9, grade))
        code = np.tile(subject, n)
        held = {
            "learner_id": np.repeat(ids, each), "school_id": (pa.array(np.repeat(where[0].to_numpy(), each)), where[1]),
            "academic_year": np.full(n * each, year), "term": np.tile(term, n),
            "subject": (pa.array(code), pa.array([f"{year % 100}{n:02d}" for n in range(10)])),
            "part": (pa.array(np.zeros(n * each, np.int8)), pa.array(["final"])),
            "learning_area": (pa.array(code % len(_AREAS)), pa.array(_AREAS)),
            "credits": np.array([1.5, 1.5, 1.5, 1, 1, 0.5, 0.5, 1, 1, 0.5])[code],
            "percent": pa.array(percent, mask=grade >= 8), "grade": (pa.array(grade), pa.array(_WORDS)),
            "attended_percent": pa.array(draw.uniform(70, 100, n * each), mask=odd > 33), "known_on": np.tile(known, n),
        }  # fmt: skip
        _write(store, "result", year, bucket, held)
