"""A small scored run of the cast, written the way raksa.tables.RUN says; and the people database beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from raksa.accounts import Accounts
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import RUN
from raksa.thai import search_key
from tests.cast import (
    ADULTS,
    AREAS,
    BAIBUA,
    CHILDREN,
    EK,
    FAH,
    KONG,
    MALI,
    NUNG,
    PASSWORD,
    SAI,
    SCHOOLS,
)

NAME, BEFORE = "2026-06-08-test", "2026-06-01-test"
AS_OF, HORIZON = date(2026, 6, 8), date(2026, 11, 10)
MORNING = datetime(2026, 6, 8, 1, 0, tzinfo=UTC)
# learner -> (risk, place in the school, on the list)
SCORED = {MALI: (0.42, 2, True), KONG: (0.61, 1, True), BAIBUA: (0.33, 3, True), FAH: (0.08, 1, True)} | {
    SAI: (0.5, 1, True),
    NUNG: (0.02, 4, False),
}
WHY = {
    KONG: [("attendance", "ขาดเรียนโดยไม่ลา 8 วัน จาก 20 วันล่าสุด", "Absent without leave on 8 of the last 20 days")],
    MALI: [
        ("attendance", "ขาดเรียนติดต่อกัน 5 วันที่ผ่านมา", "Absent five days in a row"),
        ("grades", "มีผลการเรียน 0 จำนวน 2 วิชา", "Two subjects with grade 0"),
    ],
    BAIBUA: [("home", "ครัวเรือนได้รับการคัดกรองเป็นยากจนพิเศษ", "The household was screened as extremely poor")],
    FAH: [("moves", "ย้ายโรงเรียน 2 ครั้งใน 3 ปี", "Moved school twice in three years")],
    SAI: [("age", "อายุมากกว่าเพื่อนร่วมชั้น 2 ปี", "Two years older than the class")],
}


# As models.train.judge writes them to the model's card, cut down to what a test reads.
FIGURES = {
    "year": 2568,
    "trained_on": [2565, 2566],
    "compared": {
        "model": {"n": 1200, "base": 0.05, "auc": 0.84, "ece": 0.011, "at_capacity": {"recall": 0.55}},
        "school_only": {"n": 1200, "base": 0.05, "auc": 0.61, "at_capacity": {"recall": float("nan")}},
    },
    "intervals": {"auc": [0.8, 0.87]},
    "calibration": [{"n": 120, "foreseen": 0.01, "seen": 0.0}],
}


def _rows(table: str, rows: Iterable[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=RUN[table].schema)


def _score(extra: int) -> Iterable[dict[str, Any]]:
    for one in CHILDREN:
        risk, rank, listed = SCORED.get(one, (None, None, False))
        yield {
            "learner_id": one.learner_id, "school_id": one.school_id, "area_id": SCHOOLS[one.school_id][1],
            "grade": one.grade, "room": one.room or None, "risk": risk, "rank": rank, "listed": listed,
            "sex": "male" if one.prefix == "เด็กชาย" else "female", "newly_listed": one is KONG,
            "cannot_score": "attendance_stopped" if one is EK else None,
        }  # fmt: skip
    for n in range(extra):  # classmates without a story, so that lists have pages and schools have sizes
        school = list(SCHOOLS)[n % 4]
        yield {
            "learner_id": 1000 + n, "school_id": school, "area_id": SCHOOLS[school][1], "grade": "ม.2", "room": "1",
            "sex": ("female", "male")[n // 4 % 2], "newly_listed": False,
            "risk": None if school == EK.school_id else 0.01, "rank": None if school == EK.school_id else 10 + n // 4,
            "listed": False, "cannot_score": "no_attendance" if school == EK.school_id else None,
        }  # fmt: skip


# learner -> (away in a row, away and absent in four weeks, share attended), today and a week before
SIGNALS = {
    KONG: (6, 9, 8, 0.82, 1, 4, 0.91),
    MALI: (3, 5, 5, 0.895, 0, 2, 0.93),
    BAIBUA: (0, 1, 0, 0.97, 0, 0, 0.97),
    FAH: (0, 0, 0, 1.0, 0, 0, 1.0),
    SAI: (4, 7, 7, 0.79, 4, 7, 0.81),
    NUNG: (0, 2, 1, 0.95, 0, 1, 0.95),
}


def _signals() -> Iterable[dict[str, Any]]:
    for one in CHILDREN:
        if one in SIGNALS:
            row, away, absent, share, row_before, absent_before, share_before = SIGNALS[one]
            yield {
                "learner_id": one.learner_id, "away_in_row": row, "away_28d": away, "absent_28d": absent,
                "recorded_28d": 20, "recorded_share_28d": 1.0, "attended_share": share,
                "days_to_line": round(40 * share - 32), "open_results": 2 if one is MALI else 0,
                "last_mark_on": date(2026, 6, 5), "away_in_row_before": row_before,
                "absent_28d_before": absent_before, "attended_share_before": share_before,
            }  # fmt: skip
        else:
            yield {"learner_id": one.learner_id, "last_mark_on": date(2026, 5, 22)}


def _roster(extra: int) -> Iterable[dict[str, Any]]:
    for one in CHILDREN:
        yield {
            "learner_id": one.learner_id, "school_id": one.school_id, "area_id": SCHOOLS[one.school_id][1],
            "name_key": search_key(f"{one.prefix}{one.first_name}{one.last_name}"),
            "prefix": one.prefix, "first_name": one.first_name,
            "last_name": one.last_name, "student_number": f"0{one.learner_id}", "roll_number": one.learner_id - 100,
            "guardian_name": f"ยาย{one.first_name}", "guardian_relation": "ยาย", "phone": "081-000-0000",
        }  # fmt: skip
    for n in range(extra):
        yield {
            "learner_id": 1000 + n, "school_id": (school := list(SCHOOLS)[n % 4]), "area_id": SCHOOLS[school][1],
            "name_key": search_key(f"เด็กชายสมมุติ{n}นามสกุล"),
            "prefix": "เด็กชาย", "first_name": f"สมมุติ{n}", "last_name": "นามสกุล",
            "student_number": f"{1000 + n}",
        }  # fmt: skip


def write_run(home: Path, extra: int = 0) -> Store:
    """A store whose current run holds the cast and `extra` classmates."""
    store = Store.create(home, 4, "key")
    score = list(_score(extra))
    schools = []
    for school, (name, area) in SCHOOLS.items():
        mine = [row for row in score if row["school_id"] == school]
        schools.append({
            "school_id": school, "name": name, "area_id": area, "area_name": AREAS[area], "learners": len(mine),
            "not_scored": sum(row["risk"] is None for row in mine), "capacity": 3,
            "listed": sum(row["listed"] for row in mine),
            "expected_on_list": sum(row["risk"] or 0 for row in mine if row["listed"]),
            "expected_off_list": sum(row["risk"] or 0 for row in mine if not row["listed"]),
            "on_list_low": 0, "on_list_high": 3, "off_list_low": 0, "off_list_high": 1, "spread": 0.2,
            "last_mark_on": date(2026, 5, 22) if school == EK.school_id else date(2026, 6, 5),
            "latitude": 16.0 + int(school[-1]) / 10, "longitude": 103.0 + int(school[-1]) / 10,
        })  # fmt: skip
    reasons = [
        {"learner_id": one.learner_id, "position": place, "family": family, "feature": family, "value": 1.0,
         "contribution": 1.0 / place, "text_th": th, "text_en": en}
        for one, why in WHY.items() for place, (family, th, en) in enumerate(why, start=1)
    ]  # fmt: skip
    tables = {
        "score": _rows("score", score),
        "reason": _rows("reason", reasons),
        "signal": _rows("signal", _signals()),
        "roster": _rows("roster", _roster(extra)),
        "school": _rows("school", schools),
    }
    with store.writing(), store.publishing("runs", NAME) as folder:
        with duckdb.connect(str(folder / "scores.duckdb")) as connection:
            for name, table in tables.items():
                connection.register("incoming", table)
                connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
                connection.unregister("incoming")
        (folder / "run.json").write_text(json.dumps({
            "id": NAME, "as_of": AS_OF.isoformat(), "before": BEFORE, "horizon": HORIZON.isoformat(), "model": "m-test",
            "created_at": MORNING.isoformat(), "snapshots": ["000001-abc"],
            "counts": {"learners": len(score), "scored": sum(r["risk"] is not None for r in score)},
            "figures": FIGURES,
            "curves": [(1.0, 0.0), (1.1, 0.1)],
        }), encoding="utf-8")  # fmt: skip
        store.point(run=NAME, model="m-test")
    return store


def settings_for(home: Path) -> Settings:
    return Settings(home=home, port=8501)


def with_people(home: Path) -> Accounts:
    """The adults of the cast in the people database, each with the same password."""
    accounts = Accounts.open(settings_for(home))
    for one in ADULTS:
        accounts.create_person(
            one.username, one.name, one.role, one.scopes, PASSWORD, MORNING, must_change_password=False
        )
    return accounts
