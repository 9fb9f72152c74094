"""A child's record as a file that survives a change of school: JSON whole, CSV a row for each fact (docs/child.md).

    {"format": "raksa-child", "version": 1, "learner": {…}, "school": {…}, "classes": […], "attendance": […],
     "results": […], "growth": […], "contacts": […]}

It goes with the child, so it holds what the next school needs to go on: names, the number in the school, marks by
day, results, measurings and what was done. It holds no citizen id, no estimate, no reasons, nothing of the household's
means and no restricted entry.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from care.cases import Step
from care.contacts import KINDS
from dashboard.record import Record
from raksa.tables import MARKS, NO_SCHOOL, NOT_RECORDED
from register.transfer import FORMAT, VERSION

CSV_COLUMNS = ("kind", "on", "academic_year", "term", "school_id", "what", "value", "more")


def transfer(found: Record, written_on: date, steps: Iterable[tuple[str, Step]] = ()) -> dict[str, Any]:
    """The file as a dictionary of texts and numbers; a day is ISO 8601 in the common era, a mark one of
    raksa.tables.MARKS, a value that is not known null. Marks stand as each school made them, the oldest year first.

    `steps`: the child's case steps with the school each was made at. Those that are not contacts anyway go with her,
    unless restricted, and so does what she brought from schools before."""
    child = found.child
    return {
        "format": FORMAT,
        "version": VERSION,
        "written_on": written_on.isoformat(),
        "marks": {mark: about for mark, about in MARKS.items() if mark not in (NOT_RECORDED, NO_SCHOOL)},
        "learner": {
            "student_number": child.student_number,
            "name": child.name,
            "sex": found.sex,
            "birth_date": found.birth_date.isoformat() if found.birth_date else None,
        },
        "school": {"school_id": child.school_id, "name": child.school, "area_id": child.area_id},
        "classes": [
            {
                "academic_year": s.year,
                "school_id": s.school_id,
                "school": s.school,
                "grade": s.grade,
                "room": s.room,
                "first_listed": s.first.isoformat(),
                "last_listed": s.last.isoformat(),
                "status": s.status,
                "left_on": s.left_on.isoformat() if s.left_on else None,
            }
            for s in found.stays
        ],
        "attendance": [
            {
                "school_id": school_id,
                "academic_year": year.year,
                "days": {day.isoformat(): mark for day, mark in days.items()},
            }
            for year in sorted([*found.before, *([found.now] if found.now else [])], key=lambda year: year.year)
            for school_id, days in sorted(year.pages.items())
        ],
        "results": [
            {
                "academic_year": s.year,
                "term": s.term,
                "school_id": s.school_id,
                "subject": s.subject,
                "learning_area": s.area,
                "credits": s.credits,
                "grade": s.grade,
                "percent": s.percent,
                "midterm_percent": s.midterm,
                "attended_percent": s.attended_percent,
                "known_on": s.known_on.isoformat(),
                "open_since": s.open_since.isoformat() if s.open_since else None,
            }
            for term in found.terms
            for s in term.subjects
        ],
        "growth": [
            {"measured_on": m.on.isoformat(), "weight_kg": m.weight_kg, "height_cm": m.height_cm} for m in found.growth
        ],
        "contacts": sorted(_entries(found, steps), key=lambda one: (one["on"], one["kind"])),
    }


def _entries(found: Record, steps: Iterable[tuple[str, Step]]) -> Iterator[dict[str, Any]]:
    done = [(c.on, c.kind, c.text, c.by_name, c.place.school_id) for c in found.contacts if not c.restricted]
    done += [
        (s.on, s.kind, s.said, s.by_name, school)
        for school, s in steps
        if s.kind not in KINDS and not s.restricted and not s.redacted
    ]
    done += [(b.on, b.kind, b.said, b.by_name, b.school_id) for b in found.brought]
    for on, kind, text, by, school_id in done:
        yield {"on": on.isoformat(), "kind": kind, "text": text, "by": by, "school_id": school_id}


def as_json(held: dict[str, Any]) -> bytes:
    return json.dumps(held, ensure_ascii=False, indent=1).encode()


def as_csv(held: dict[str, Any]) -> bytes:
    """The same facts a row each, in the columns CSV_COLUMNS, for a spreadsheet: UTF-8 with BOM, no cell a formula."""
    out = io.StringIO()
    writer = csv.DictWriter(out, CSV_COLUMNS, restval="")
    writer.writeheader()
    for row in _facts(held):
        writer.writerow({name: _harmless(value) for name, value in row.items() if value is not None})
    return out.getvalue().encode("utf-8-sig")


def _facts(held: dict[str, Any]) -> Iterator[dict[str, Any]]:
    school = held["school"]["school_id"]
    for what, value in held["learner"].items():
        yield {"kind": "learner", "school_id": school, "what": what, "value": value}
    for one in held["classes"]:
        yield {
            "kind": "class",
            "on": one["first_listed"],
            "academic_year": one["academic_year"],
            "school_id": one["school_id"],
            "what": one["grade"],
            "value": one["room"],
            "more": one["school"],
        }
    for page in held["attendance"]:
        for day, mark in page["days"].items():
            yield {
                "kind": "attendance",
                "on": day,
                "academic_year": page["academic_year"],
                "school_id": page["school_id"],
                "what": "mark",
                "value": mark,
            }
    for one in held["results"]:
        for what in ("grade", "percent", "midterm_percent", "attended_percent"):
            if one[what] is not None:
                yield {
                    "kind": "result",
                    "on": one["known_on"],
                    "academic_year": one["academic_year"],
                    "term": one["term"],
                    "school_id": one["school_id"],
                    "what": f"{one['subject']} {what}",
                    "value": one[what],
                    "more": one["learning_area"],
                }
    for one in held["growth"]:
        for what in ("weight_kg", "height_cm"):
            if one[what] is not None:
                yield {"kind": "growth", "on": one["measured_on"], "what": what, "value": one[what]}
    for one in held["contacts"]:
        yield {
            "kind": "contact",
            "on": one["on"],
            "school_id": one["school_id"],
            "what": one["kind"],
            "value": one["text"],
            "more": one["by"],
        }


def _harmless(cell: object) -> object:
    """A text a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection)."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip()[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
