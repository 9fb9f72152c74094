"""The record a child brings from another school: a raksa-child file, read (docs/decisions/0017-change-of-school.md).

Within one Raksa a child keeps her history wherever she goes. Between two the file is the only thread, and it holds no
citizen id: a person says who she is here, by school and number, and name and birth date must agree. The file is then
laid flat, a list each of its schools, classes, marks, results, measurings and entries, and the mappings child_… read
those lists like any file. A line is the row's place in its flat list, from 1.

    raksa ingest raksa-child.json --child 81010001:1234
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from raksa import thai
from raksa.errors import RaksaError
from raksa.store import Store
from raksa.tables import OPEN_GRADES
from register.identity import number_alias
from register.readers import Rows

FORMAT, VERSION = "raksa-child", 1
BROUGHT = "moved"  # status of a class another Raksa knew the child in: nobody is counted at a school by such a row
MOST_BYTES = 5_000_000  # twelve years of marks, results and entries are under one
_LISTS = ("classes", "attendance", "results", "growth", "contacts")


@dataclass(frozen=True)
class Here:
    """The child of a file as this register knows her.

    named    school:number, as a person gave it; stands in every row of the lists
    learner  her learner id
    own      schools whose own lists name her here: what they say is here already
    until    last day on the list of the school that takes her; a class counts only before it
    """

    named: str
    learner: int
    own: frozenset[str]
    until: date

    @property
    def alias(self) -> str:
        """What the mappings child_… name her by."""
        return f"key:{self.named}"


# ------------------------------------------------------------------------------------------------ the file
def is_record(content: bytes) -> bool:
    """Whether the content says that it is a child's record."""
    return content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") and f'"{FORMAT}"'.encode() in content[:2000]


def from_json(content: bytes | str) -> dict[str, Any]:
    """A file read back. Raises RaksaError if it is damaged, none of ours, or newer than this program."""
    if len(content) > MOST_BYTES:
        raise RaksaError("The file is far larger than a child's record. Choose another file.")
    try:
        held = json.loads(content)
    except (ValueError, RecursionError):
        raise RaksaError("The file is damaged or no JSON. Take it anew from the school that wrote it.") from None
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        raise RaksaError("The file is no record of a child who changes school. Choose another file.")
    if held.get("version") != VERSION:
        raise RaksaError(
            "The record has version {version}, this program reads {ours}. Update Raksa.",
            version=held.get("version"), ours=VERSION,
        )  # fmt: skip
    if not _is_whole(held):
        raise RaksaError("The record lacks a part or holds one that is damaged. Take it anew from the school.")
    return held


def _is_whole(held: dict[str, Any]) -> bool:
    """Whether every part is there in the shape dashboard.transfer writes; each value is looked at by the mappings."""
    lists = [held.get(name) for name in _LISTS]
    learner, school = held.get("learner"), held.get("school")
    return (
        all(isinstance(one, list) and all(isinstance(row, dict) for row in one) for one in lists)
        and all(isinstance(page.get("days"), dict) for page in held["attendance"])
        and isinstance(learner, dict)
        and isinstance(learner.get("name"), str)
        and _is_day(learner.get("birth_date"))
        and isinstance(school, dict)
        and isinstance(school.get("school_id"), str)
        and _is_day(held.get("written_on"))
    )


def _is_day(text: object) -> bool:
    return isinstance(text, str) and thai.read_date(text, "ymd") is not None


# ------------------------------------------------------------------------------------------------ who she is here
def here(store: Store, paths: Sequence[Path], named: str) -> Here:
    """The child whom a person says the file is of, looked up and compared.

    Raises RaksaError if there is not exactly one file, it is none of ours, nobody stands on that school's list under
    that number, name or birth date differ (saying under which number such a child does stand there), or this register
    has her history from that school itself.
    """
    if len(paths) != 1:
        raise RaksaError("A child's record is taken by itself. Give one file.")
    held = from_json(paths[0].read_bytes())
    school, _, number = "".join(thai.arabic(named).split()).partition(":")
    name, born = held["learner"]["name"], thai.read_date(held["learner"]["birth_date"], "ymd")
    listed = store.read("enrolment", columns=["learner_id", "school_id", "student_number", "listed_on", "status"])
    at_school = listed.filter(pc.and_(pc.equal(listed["school_id"], school), pc.not_equal(listed["status"], BROUGHT)))
    wanted = number_alias([school], [number])[0]
    mine = [row for row in at_school.to_pylist() if number_alias([school], [row["student_number"]])[0] == wanted]
    if not mine:
        raise RaksaError(
            "Nobody stands on the list of school {school} under the number {number}. Import the school's pupil list "
            "first, then take the record.", school=school, number=number,
        )  # fmt: skip
    last = max(mine, key=lambda row: row["listed_on"])
    if last["learner_id"] not in _called(store, [last["learner_id"]], name, born):
        others = {row["learner_id"]: row["student_number"] for row in at_school.to_pylist() if row["student_number"]}
        same = [others[learner] for learner in _called(store, others, name, born)]
        if same:
            raise RaksaError(
                "The record is of a child who stands at school {school} under the number {number}. Give that number.",
                school=school, number=same[0],
            )  # fmt: skip
        raise RaksaError(
            "The record is of a child with another name or birth date than number {number} of school {school} has. "
            "Compare both, and have the wrong one put right.", school=school, number=number,
        )  # fmt: skip
    learner = last["learner_id"]
    of_hers = listed.filter(pc.and_(pc.equal(listed["learner_id"], learner), pc.not_equal(listed["status"], BROUGHT)))
    own = frozenset(of_hers["school_id"].to_pylist())
    if held["school"]["school_id"] in own:
        raise RaksaError(
            "This register has the child's history from school {school} itself. Nothing needs to be brought.",
            school=held["school"]["school_id"],
        )  # fmt: skip
    return Here(f"{school}:{number}", learner, own, last["listed_on"])


def _called(store: Store, learners: Iterable[int], name: str, born: date | None) -> list[int]:
    """Who of these is called so and born then, by any list. Titles change with age, so they are not compared."""
    asked = pa.array(sorted(set(learners)), pa.int64())
    births = store.read("learner", columns=["learner_id", "birth_date"])
    births = births.filter(
        pc.and_(pc.is_in(births["learner_id"], asked), pc.equal(births["birth_date"], pa.scalar(born, pa.date32())))
    )
    names = store.read("identity", columns=["learner_id", "first_name", "last_name"])
    names = names.filter(pc.is_in(names["learner_id"], births["learner_id"].combine_chunks()))
    whole = thai.search_key(thai.split_prefix(name)[1])
    called = {
        row["learner_id"]
        for row in names.to_pylist()
        if thai.search_key(f"{row['first_name'] or ''}{row['last_name'] or ''}") == whole
    }
    return sorted(called)


# ------------------------------------------------------------------------------------------------ laid flat
def rows_of(name: str, content: bytes, found: Here | None) -> list[Rows]:
    """The record as lists, without what this register knows from its own schools. Raises RaksaError where nobody said
    who the child is."""
    held = from_json(content)
    if found is None:
        raise RaksaError(
            "{name} is the record of a child who changes school. Say who she is here with --child SCHOOL:NUMBER.",
            name=name,
        )
    lists = {
        "schools": _schools(held),
        "classes": _classes(held, found),
        "marks": _marks(held),
        "results": _results(held),
        "growth": _growth(held),
        "entries": _entries(held),
    }
    out = []
    for sheet, rows in lists.items():
        header = _HEADERS[sheet]
        kept = [row for row in rows if row.get("school") not in found.own]
        cells = [[found.named, *(_text(row.get(title)) for title in header)] for row in kept]
        if cells:
            out.append(Rows("json", [["child", *header], *cells], range(len(cells) + 1), sheet))
    if not [rows for rows in out if rows.sheet != "schools"]:
        raise RaksaError("The record says nothing that this register does not know already. Nothing was taken.")
    return out


_HEADERS: dict[str, tuple[str, ...]] = {
    "schools": ("school", "school.name"),
    "classes": ("school", "class.year", "class.grade", "class.room", "class.listed_on", "class.left_on", "written_on"),
    "marks": ("school", "mark.day", "mark"),
    "results": ("school", "result.year", "result.term", "result.subject", "result.part", "result.learning_area",
                "result.credits", "result.grade", "result.percent", "result.attended_percent", "result.known_on"),
    "growth": ("growth.measured_on", "growth.weight_kg", "growth.height_cm"),
    "entries": ("school", "entry.on", "entry.kind", "entry.said", "entry.by", "written_on"),
}  # fmt: skip


def _schools(held: dict[str, Any]) -> Iterable[dict[str, Any]]:
    named = {one.get("school_id"): one.get("school") for one in held["classes"]}
    named[held["school"]["school_id"]] = held["school"].get("name")
    return [{"school": school, "school.name": name or school} for school, name in named.items()]


def _classes(held: dict[str, Any], found: Here) -> Iterable[dict[str, Any]]:
    """The first and the last list of each class, as far as they lie before she came here."""
    for one in held["classes"]:
        days = dict.fromkeys(str(one.get(name) or "") for name in ("first_listed", "last_listed"))
        for day in (day for day in days if (thai.read_date(day, "ymd") or date.max) < found.until):
            yield {
                "school": one.get("school_id"), "class.year": one.get("academic_year"), "class.grade": one.get("grade"),
                "class.room": one.get("room"), "class.listed_on": day, "class.left_on": one.get("left_on"),
                "written_on": held["written_on"],
            }  # fmt: skip


def _marks(held: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for page in held["attendance"]:
        for day, mark in page["days"].items():
            yield {"school": page.get("school_id"), "mark.day": day, "mark": mark}


def _results(held: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """A row for each result, for the day since which it has been open, and for the mark of the term's middle."""
    for one in held["results"]:
        row = {
            "school": one.get("school_id"), "result.year": one.get("academic_year"), "result.term": one.get("term"),
            "result.subject": one.get("subject"), "result.learning_area": one.get("learning_area"),
            "result.credits": one.get("credits"), "result.part": "final", "result.known_on": one.get("known_on"),
        }  # fmt: skip
        grade = {"result.grade": one.get("grade")}
        if one.get("midterm_percent") is not None:
            yield row | {"result.part": "midterm", "result.percent": one["midterm_percent"]}
        if one.get("open_since") and one["open_since"] != one.get("known_on") and one.get("grade") in OPEN_GRADES:
            yield row | grade | {"result.known_on": one["open_since"]}
        more = {f"result.{name}": one.get(name) for name in ("percent", "attended_percent")}
        if any(value is not None for value in (*grade.values(), *more.values())):
            yield row | grade | more


def _growth(held: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for one in held["growth"]:
        yield {f"growth.{name}": one.get(name) for name in ("measured_on", "weight_kg", "height_cm")}


def _entries(held: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for one in held["contacts"]:
        yield {
            "school": one.get("school_id"), "entry.on": one.get("on"), "entry.kind": one.get("kind"),
            "entry.said": one.get("text"), "entry.by": one.get("by"), "written_on": held["written_on"],
        }  # fmt: skip


def _text(value: Any) -> str:
    return "" if value is None else str(value)
