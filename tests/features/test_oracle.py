"""Every feature of every child against plain SQL over row-per-day data: the village, and registers drawn at random."""

from __future__ import annotations

import tempfile
from calendar import isleap
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import SQL, oracle
from small_register import SETTINGS, listed
from village import DATES, DOI_NAM, JUNE, NOVEMBER, PA_PHAI, ROWS, THUNG_NA, Row, Rows, village

from features.build import build
from features.registry import FEATURES
from raksa import calendar
from raksa.store import Store
from raksa.tables import ENROLMENT_STATUS, EXIT_CAUSES, GRADES, LIVES_WITH, POVERTY_CLASSES, REGISTER, RESULT

GRADES_GIVEN = RESULT.column("grade").values


def test_no_feature_lacks_its_sql() -> None:
    assert sorted(SQL) == sorted(f.name for f in FEATURES)


def agree(store: Store, as_of: date) -> pd.DataFrame:
    """What the build gives, once it is found to be what the SQL gives."""
    found, expected = build(store, SETTINGS, as_of), oracle(store, SETTINGS, as_of)
    for feature in FEATURES:
        least, most = found[feature.name].min(), found[feature.name].max()
        assert feature.low is None or not least < feature.low, (feature.name, least)
        assert feature.high is None or not most > feature.high, (feature.name, most)
    assert list(found["learner_id"]) == list(expected["learner_id"]), as_of
    differing = {}
    for name in SQL:
        ours, theirs = found[name].to_numpy(np.float64), expected[name].to_numpy()
        # Changes and margins are differences of float32 numbers: where these are level, the absolute error is left.
        same = np.isclose(ours, theirs, rtol=1e-5, atol=2e-5, equal_nan=True)
        if not same.all():
            differing[name] = list(zip(found["learner_id"][~same], ours[~same], theirs[~same], strict=True))
    assert not differing, f"{as_of}: (learner, built, SQL) {differing}"
    return found


@pytest.mark.parametrize("as_of", DATES, ids=str)
def test_the_village_s_figures_are_those_of_plain_sql(tmp_path: Path, as_of: date) -> None:
    agree(village(tmp_path), as_of)


def drawn_at_random(chance: np.random.Generator, learners: int, as_of: date) -> Rows:
    """Lists, pages and rows of every kind, most of them before the date and many of them odd."""
    schools, pieces = [THUNG_NA, PA_PHAI, DOI_NAM], ["final", "final", "midterm", "ใบงาน"]
    rows: dict[str, dict[tuple[Any, ...], Row]] = {name: {} for name in REGISTER}

    def one(values: Sequence[Any]) -> Any:
        return values[chance.integers(len(values))]

    def perhaps(*values: Any) -> Any:
        return one([*values, None])

    def day(back: int = 900) -> date:
        return as_of + timedelta(days=int(chance.integers(-back, 40)))

    def number(low: int, high: int) -> float:
        return float(chance.integers(low, high))

    def put(name: str, **row: Any) -> None:
        rows[name][tuple(row.get(column) for column in REGISTER[name].key)] = row

    def marks(year: int) -> str:
        """Repeated over the calendar's school days or, in one school of five, over every day of the year."""
        pattern = cycle(chance.choice([*"PTSLAV-."], chance.integers(1, 60), p=[0.6, *[0.06] * 5, 0.06, 0.04]))
        begin, end, every = chance.integers(0, 200), chance.integers(150, 600), chance.random() < 0.2
        begin = one([0, begin])
        blank = bytes(calendar.blank_page(year, SETTINGS)).decode()
        kept = [next(pattern) if begin <= n < end and (every or m == "-") else m for n, m in enumerate(blank)]
        return "".join(kept)[:365] + (kept[365] if isleap(year - 542) else ".")

    year = calendar.academic_year(as_of, SETTINGS)
    opens = calendar.first_day(year, SETTINGS)
    for n in range(1, learners + 1):
        home = one(schools)
        for on in sorted({one([JUNE, NOVEMBER, opens + timedelta(days=5), day(400), day()]) for _ in range(5)}):
            for school in sorted({home, one([home] * 7 + schools)}):
                status, room = one(["enrolled"] * 20 + [*ENROLMENT_STATUS]), perhaps("1", "1", "2")
                put("enrolment", **listed(
                    n, on, status, school_id=school, grade=perhaps(*["ม.2"] * 30, *GRADES), room=room,
                    starts_on=one([None] * 9 + [day(300)]), entered_on=perhaps(day(300)), credits=perhaps(8.5, 20.0),
                    attempts_before=perhaps(0, 1, 2), isced_completed=perhaps(1, 2),
                ))  # fmt: skip
        for school in sorted({home, one([home, *schools])}):
            for page_year in one([[year], [year - 1, year], [year - 1, year], []]):
                put("roll", learner_id=n, school_id=school, academic_year=page_year, marks=marks(page_year))
        for _ in range(chance.integers(0, 12)):
            put(
                "result", learner_id=n, school_id=one([home, home, *schools]), known_on=day(400),
                academic_year=year - int(chance.integers(0, 4)), term=perhaps(0, 1, 2), part=one(pieces),
                subject=one(["ค22101", "ท22101", "ว22101"]), learning_area=perhaps("ค", "ท", "ว"),
                credits=perhaps(0.0, 0.5, 1.0, 1.5), grade=perhaps(*GRADES_GIVEN), percent=perhaps(number(0, 101)),
                attended_percent=perhaps(number(0, 101)), days_late=perhaps(number(-20, 20)),
            )  # fmt: skip
        born = as_of - timedelta(days=int(chance.integers(3 * 365, 21 * 365)))
        for _ in range(chance.integers(0, 3)):
            put("learner", learner_id=n, known_on=day(), sex=perhaps("female", "male"), birth_date=perhaps(born, born))
            put(
                "household", learner_id=n, surveyed_on=one([JUNE, day()]), known_on=day(),
                poverty_class=perhaps(*POVERTY_CLASSES), lives_with=perhaps(*LIVES_WITH),
                income_per_head=perhaps(number(0, 9000)), wealth_percentile=perhaps(number(0, 101)),
                dependants=perhaps(0, 3), housing_lacks=perhaps(0, 6), belongings=perhaps(2, 9),
                distance_km=perhaps(number(0, 40)), travel_minutes=perhaps(number(0, 90)),
            )  # fmt: skip
            put(
                "grant", learner_id=n, from_day=one([JUNE, day()]), until_day=perhaps(day()), known_on=day(),
                attendance_percent=perhaps(80.0, 85.0),
            )  # fmt: skip
        for _ in range(chance.integers(0, 4)):
            put(
                "growth", learner_id=n, measured_on=one([JUNE, NOVEMBER, day()]), known_on=day(),
                weight_kg=perhaps(number(12, 90), number(12, 90)), height_cm=perhaps(number(90, 185), number(90, 185)),
            )  # fmt: skip
        if chance.random() < 0.2:
            gone = {"learner_id": n, "school_id": one([home, *schools]), "left_on": perhaps(day(), day(), day())}
            put("exit", **gone, known_on=day(), cause=one(list(EXIT_CAUSES)))
            put("exit", **gone, known_on=day(), cause=one(list(EXIT_CAUSES)))
    return {name: list(held.values()) for name, held in rows.items()} | {"school": ROWS["school"]}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(8, 30), st.dates(date(2024, 5, 16), date(2025, 5, 15)))
def test_the_figures_of_registers_drawn_at_random_are_those_of_plain_sql(seed: int, learners: int, as_of: date) -> None:
    with tempfile.TemporaryDirectory() as home:
        agree(village(Path(home), drawn_at_random(np.random.default_rng(seed), learners, as_of)), as_of)
