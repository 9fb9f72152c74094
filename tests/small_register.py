"""A register written by hand: rows as plain dictionaries, missing columns null."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from raksa import calendar
from raksa.settings import Settings
from raksa.store import FileReport, Store
from raksa.tables import NO_SCHOOL, PAGE_DAYS, REGISTER

SETTINGS = Settings(buckets=2, jobs=1)
SCHOOL = {"school_id": "99010001", "name": "โรงเรียนบ้านทดลอง", "area_id": "991", "area_name": "เขตตัวอย่าง"}


def table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as a register table; a misspelt column is an error."""
    schema = REGISTER[name].schema
    for row in rows:
        unknown = set(row) - set(schema.names)
        assert not unknown, f"{name} has no column {unknown}"
    return pa.Table.from_pylist([{n: row.get(n) for n in schema.names} for row in rows], schema=schema)


def add(store: Store, name: str = "file", **tables: list[dict[str, Any]]) -> str:
    """One import of the given rows."""
    with store.writing():
        held = {table_name: table(table_name, rows) for table_name, rows in tables.items()}
        return store.add_snapshot(held, [FileReport(name, name, "by hand")], None, "2026-01-01")


def register(home: Path, **tables: list[dict[str, Any]]) -> Store:
    """A store with one school and the given rows."""
    store = Store.create(home, SETTINGS.buckets, "test")
    add(store, **{"school": [SCHOOL], **tables})
    return store


def listed(learner: int, on: date, status: str = "enrolled", **more: Any) -> dict[str, Any]:
    """A learner on a list."""
    year = calendar.academic_year(on, SETTINGS)
    held = {"school_id": SCHOOL["school_id"], "academic_year": year, "grade": "ม.2", "room": "1", "term": 1}
    return {**held, "learner_id": learner, "listed_on": on, "status": status, **more}


def page(learner: int, year: int, marks: dict[date, str] | str = "", **more: Any) -> dict[str, Any]:
    """A roll page. A string is laid on the year's school days in order; a dictionary names the days."""
    blank = bytearray(bytes(calendar.blank_page(year, SETTINGS)))
    first = calendar.first_day(year, SETTINGS)
    if isinstance(marks, str):
        days = [i for i in range(PAGE_DAYS) if chr(blank[i]) != NO_SCHOOL]
        for day, mark in zip(days, marks, strict=False):
            blank[day] = ord(mark)
    else:
        for on, mark in marks.items():
            blank[(on - first).days] = ord(mark)
    held = {"learner_id": learner, "school_id": SCHOOL["school_id"], "academic_year": year}
    return {**held, "marks": blank.decode(), **more}


def school_days(year: int, count: int) -> list[date]:
    """The first school days of an academic year."""
    blank, first = bytes(calendar.blank_page(year, SETTINGS)), calendar.first_day(year, SETTINGS)
    return [first + timedelta(days=i) for i in range(PAGE_DAYS) if chr(blank[i]) != NO_SCHOOL][:count]
