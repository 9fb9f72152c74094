"""The demo's made-up children straight into a store, without the files between: for measures on many of them.

The same process and the same numbers as `raksa demo` (docs/demo.md); only the clerical faults of the files are missing.
More than 30,000 learners are several areas, each an import of its own.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from raksa import calendar
from raksa.demo_area import GRADE_SCALE, HOME_FORM, LEARNING_AREAS, SUBJECT_CREDITS, Area, area
from raksa.demo_files import course_code
from raksa.settings import Settings
from raksa.store import FileReport, Store, page_strings
from raksa.tables import REGISTER

AS_OF = date(2026, 11, 16)
_LEARNERS_OF_AN_AREA, _LEARNERS_OF_A_SCHOOL = 30_000, 240
_KNOWN_AFTER_SCREENING = 30  # days, as register/mappings/poverty_screening.toml
# From which step of the form's answers a thing is makeshift or missing, as the same mapping reads them.
_LACKING_FROM = {"floor": 3, "walls": 4, "roof": 2, "toilet": 1, "water": 3, "power": 1}


def store_of(home: Path, learners: int, settings: Settings, *, years: int = 3, seed: int = 0) -> Store:
    """A store with so many made-up learners and as many closed years; one that is there already is left as it is."""
    if (home / "current.json").is_file():
        return Store(home)
    store = Store.create(home, settings.buckets, "demo")
    areas = -(-learners // _LEARNERS_OF_AN_AREA)
    for index in range(areas):
        each = learners // areas + (index < learners % areas)
        schools = max(6, each // _LEARNERS_OF_A_SCHOOL)
        made = area(index, schools=schools, learners=each, years=years, as_of=AS_OF, seed=seed)
        with store.writing():
            tables = {name: _table(name, held) for name, held in tables_of(made, settings).items()}
            store.add_snapshot(tables, [FileReport(f"area {index}", made.area_id, "made up")], None, str(AS_OF))
    return store


def tables_of(made: Area, settings: Settings) -> dict[str, pd.DataFrame]:
    """Rows of the register's signal tables, in their columns; what is not said is missing."""
    of_school = made.schools["school_id"].to_numpy()
    ids = 1 + made.index * 10_000_000 + np.arange(len(made.people))

    def where(rows: pd.DataFrame) -> dict[str, Any]:
        return {"learner_id": ids[rows["person"]], "school_id": of_school[rows["school"]]}

    def of_year(rows: pd.DataFrame) -> dict[str, Any]:
        return {**where(rows), "academic_year": rows["academic_year"]}

    lists, first = made.lists, made.lists.drop_duplicates("person")
    known = {
        key: calendar.results_known(*key, settings)
        for key in set(zip(made.results["academic_year"], made.results["term"], strict=True))
    }
    told = pd.MultiIndex.from_frame(made.results[["academic_year", "term"]]).map(known).to_numpy("datetime64[s]")
    screened, things = made.screenings, [name for name in HOME_FORM if name not in _LACKING_FROM]
    return {
        "school": made.schools[list({*made.schools} & set(REGISTER["school"].schema.names))],
        "holiday": pd.DataFrame({
            "school_id": np.array([*of_school, None], object)[made.closed["school"]], "day": made.closed["day"],
            "name": made.closed["name"],
        }),
        "enrolment": pd.DataFrame({
            **of_year(lists), "listed_on": lists["listed_on"], "grade": lists["grade"],
            "room": lists["room"].astype(str), "roll_number": lists["roll_number"],
            "student_number": lists["number"].astype(str), "term": np.where(lists["round"] == 1, 1, 2),
            "status": np.where(lists["floating"], "floating", "enrolled"),
        }),
        "learner": pd.DataFrame({
            "learner_id": ids[first["person"]], "known_on": first["listed_on"],
            "sex": made.people["sex"].to_numpy()[first["person"]],
            "birth_date": made.people["birth_date"].to_numpy()[first["person"]],
        }),
        "roll": pd.DataFrame({**of_year(made.pages), "marks": page_strings(made.marks).to_numpy(zero_copy_only=False)}),
        "result": pd.concat([
            pd.DataFrame({
                **of_year(made.results), "term": made.results["term"], "part": "final", "known_on": told,
                **_course(made.results, "code_level", "code_term"), "percent": made.results["percent"],
                "grade": np.array(GRADE_SCALE, object)[made.results["grade"]],
                "attended_percent": made.results["attended_percent"].where(made.results["term"] > 0),
            }),
            pd.DataFrame({
                **of_year(made.midterms), "term": made.midterms["term"], "part": "midterm",
                "subject": _course(made.midterms, "level", "term")["subject"], "percent": made.midterms["percent"],
                "known_on": made.midterms["known_on"],
            }),
        ]),
        "household": pd.DataFrame({
            **where(screened), "surveyed_on": screened["surveyed_on"],
            "known_on": screened["surveyed_on"] + timedelta(days=_KNOWN_AFTER_SCREENING),
            **{c: screened[c] for c in ("poverty_class", "income_per_head", "dependants", "lives_with", "distance_km",
                                        "travel_minutes")},
            "housing_lacks": sum((screened[name] >= step).astype(int) for name, step in _LACKING_FROM.items()),
            "belongings": (screened[things] == 0).sum(axis=1),
        }),
        "grant": pd.DataFrame({
            **where(made.grants), "from_day": made.grants["from_day"], "until_day": made.grants["until_day"],
            "known_on": made.grants["announced_on"], "kind": "ทุนเสมอภาค",
            "attendance_percent": made.grants["attendance_percent"],
        }),
        "growth": pd.DataFrame({
            **where(lists), "measured_on": lists["listed_on"], "known_on": lists["listed_on"],
            "weight_kg": lists["weight_kg"], "height_cm": lists["height_cm"],
        }),
        "exit": pd.DataFrame({
            **where(made.exits), "left_on": made.exits["left_on"], "cause": made.exits["cause"],
            "known_on": made.exits["left_on"],
        }),
    }  # fmt: skip


def _course(rows: pd.DataFrame, level: str, term: str) -> dict[str, Any]:
    """Subject, learning area and credits of result rows; a subject's code is worked out once for all its rows."""
    key, which = np.unique(rows[["letter", level, term]].to_numpy(), axis=0, return_inverse=True)
    codes = np.array([course_code(*each) for each in key.tolist()], object)
    letter = rows["letter"].to_numpy()
    return {
        "subject": codes[which],
        "learning_area": np.array(list(LEARNING_AREAS.values()), object)[letter],
        "credits": np.array(SUBJECT_CREDITS)[letter],
    }


def _table(name: str, held: pd.DataFrame) -> pa.Table:
    """A frame as a register table; columns it does not have are missing."""
    schema = REGISTER[name].schema
    columns = []
    for field in schema:
        if field.name not in held:
            columns.append(pa.nulls(len(held), field.type))
        else:
            columns.append(pa.Array.from_pandas(held[field.name]).cast(field.type))
    return pa.table(columns, schema=schema)
