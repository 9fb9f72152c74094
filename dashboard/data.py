"""What the page Data shows and does: quality, imports, refused rows, who may be one child, children on no list.

No Streamlit here. Every function takes the person it answers and asks `raksa.access` about each school or child. What
takes longer than a click (`quality`, `pairs`, `on_no_list`) is made when somebody asks for it and kept until the server
ends; the page says of when it is.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine

from dashboard.language import N_, speak
from raksa import thai
from raksa.access import Person, decide
from raksa.audit import Entry, record
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store
from register import duplicates, history, transfer, whereabouts
from register.ingest import ingest
from register.linkage import FIELDS
from register.mapping import known_formats
from register.quality import DIMENSIONS, TURNS, UNITS, VERDICTS, Quality, assess
from register.report import refused_rows_to_xlsx


# -------------------------------------------------------------------------------- what is kept
@dataclass(frozen=True)
class Made:
    """Something that took long: the result, when it was made and from which imports."""

    what: Any
    at: datetime
    snapshots: tuple[str, ...]


_KEPT: dict[tuple[Any, ...], Made] = {}
_MAKING = threading.Lock()  # two people who press at once wait for one result


def kept(store: Store, *key: object) -> Made | None:
    """What was made under this key since the server began; None where nothing was."""
    return _KEPT.get((store.home, *key))


def _make(store: Store, key: tuple[object, ...], now: datetime, make: Callable[[], Any]) -> Made:
    asked = kept(store, *key)
    with _MAKING:
        if kept(store, *key) is asked:  # nobody made it while we waited
            snapshots = store.current().snapshots
            _KEPT[(store.home, *key)] = Made(make(), now, snapshots)
        return _KEPT[(store.home, *key)]


# -------------------------------------------------------------------------------- whose schools
def schools(store: Store, person: Person | None) -> dict[str, str]:
    """Id -> name of the schools every learner of which the person may see, in the order of Thai names."""
    held = _places(store.home, store.current().snapshots)
    mine = {id: name for id, (name, area) in held.items() if decide(person, id, area, None, None).allowed}
    return dict(sorted(mine.items(), key=lambda one: thai.sort_key(one[1])))


@lru_cache(maxsize=4)
def _places(home: Path, snapshots: tuple[str, ...]) -> dict[str, tuple[str, str | None]]:
    """School id -> name and area, as the register knows them from these imports."""
    rows = Store(home).read("school", columns=["school_id", "name", "area_id"]).to_pylist()
    return {row["school_id"]: (row["name"] or row["school_id"], row["area_id"]) for row in rows}


# -------------------------------------------------------------------------------- quality
def make_quality(store: Store, settings: Settings, as_of: date, now: datetime) -> Made:
    """Measure the whole register (`raksa quality`), once for everybody."""
    return _make(store, ("quality",), now, lambda: assess(store, settings, as_of))


@dataclass(frozen=True)
class Measured:
    """One measured value in words: of which school or source, which measure, its value, of how many, the verdict with
    a sign (so that no colour is needed) and what the measure means."""

    of: str
    dimension: str
    measure: str
    value: str
    n: str
    verdict: str
    means: str


def measured(quality: Quality, mine: Iterable[str] | None, language: str = "th") -> list[Measured]:
    """The values of these schools, what is to act on first; None = figures of the whole and of each source alone."""
    at, found = ("th", "en").index(language), quality.measured
    rows = found[(found["kind"] == "school") & found["id"].isin(list(mine))] if mine is not None else (
        found[found["kind"] != "school"]
    )  # fmt: skip
    order = rows["verdict"].map({"act": 0, "look": 1, "ok": 2})
    rows = rows.assign(order=order).sort_values(["order", "name"], kind="stable")
    out = []
    for row in rows.to_dict("records"):
        one = quality.table[row["measure"]]
        part = row["part"].partition(" / ")[::2][at] if row["part"] else ""
        unit = UNITS[one.unit][at] if one.unit != "share" else ""
        value = f"{100 * row['value']:.1f} %" if one.unit == "share" else f"{row['value']:,.0f} {unit}"
        n = "" if pd.isna(row["numerator"]) else f"{row['numerator']:,.0f}/{row['denominator']:,.0f}"
        out.append(
            Measured(row["name"] if row["kind"] != "all" else "", DIMENSIONS[one.dimension][at],
                     f"{(one.name_th, one.name_en)[at]} {part}".strip(), value, n, VERDICTS[row["verdict"]][at],
                     (one.means_th, one.means_en)[at])
        )  # fmt: skip
    return out


@dataclass(frozen=True)
class Waiting:
    """A school whose learners cannot be estimated: why, since when, and whose turn it is."""

    school: str
    learners: int
    last_mark_on: date | None
    why: str
    turn: str


def waiting(quality: Quality, mine: Iterable[str], language: str = "th") -> list[Waiting]:
    """The schools among these that cannot be estimated, most learners first."""
    at, rows = ("th", "en").index(language), quality.readiness
    rows = rows[rows["school_id"].isin(list(mine)) & rows["code"].notna()]
    rows = rows.sort_values(["learners", "school_id"], ascending=[False, True])
    return [
        Waiting(row["name"] if isinstance(row["name"], str) else row["school_id"], int(row["learners"]),
                row["last_mark_on"] if pd.notna(row["last_mark_on"]) else None,
                TURNS[row["code"]][at], TURNS[row["code"]][2 + at])
        for row in rows.to_dict("records")
    ]  # fmt: skip


# -------------------------------------------------------------------------------- imports
def imports(store: Store) -> list[dict[str, Any]]:
    """One row per import, newest first (`raksa imports`): figures of files and rows, no name of a child or a school."""
    return history.imports(store)[::-1]


def undo(store: Store, people: Engine, person: Person, name: str, why: str, now: datetime) -> str:
    """Take an import back. For administrators; written to the log first. Raises RaksaError for anybody else, without a
    reason, and when a later import rests on it."""
    if not (person.active and person.role == "admin"):
        raise RaksaError(
            f"{person.username} has the role {person.role}, which takes no import back. Ask an administrator."
        )
    if not why.strip():
        raise RaksaError("It is not said why the import is taken back. Write a sentence.")
    record(people, Entry(now, person.username, "undo_import", about=name, reason=why.strip()[:80]))
    return history.undo(store, name)


# -------------------------------------------------------------------------------- refused rows
@dataclass(frozen=True)
class Refused:
    """Rows of one school that an import did not take, by reason."""

    snapshot: str
    school_id: str
    school: str
    rows: int
    reasons: str


# Why a row was refused (docs/formats.md) and what to do, for who never sees the import itself.
WHY_REFUSED = {
    "short_row": N_("The row has too few cells: send the whole row"),
    "long_row": N_("The row has too many cells: look for a comma or a cell that slipped"),
    "no_school": N_("No school is named: write its code"),
    "no_learner": N_("No child is named: write the student number"),
    "unknown_school": N_("The school is on no list yet: send its list first, then this again"),
    "unknown_learner": N_("The child is on no list yet: send the list first, then this again"),
    "number_of_several": N_("Several children have this number: correct the list, then send this again"),
    "number_is_id": N_("A citizen id stands as the student number: write the school's own number"),
    "no_date": N_("The day is missing: write it"),
    "bad_date": N_("The day is not a date: correct it"),
    "no_mark": N_("The mark is missing: write it"),
    "bad_mark": N_("The mark is not understood: write present, absent, sick, on leave or late"),
    "same_key_twice": N_("The same is written twice and differently, and the later row was taken: look which is right"),
}


def why_refused(code: str) -> str:
    """What a code of refusal says; one that ends in a column's name by its kind."""
    if code in WHY_REFUSED:
        return WHY_REFUSED[code]
    if code.startswith("no_"):
        return N_("A cell the row cannot do without is empty: fill it in")
    if code.startswith("bad_"):
        return N_("A value is not understood: correct it")
    return N_("Another reason; it stands beside each row in the workbook")


def refused(store: Store, person: Person | None, language: str = "th") -> list[Refused]:
    """Refused rows of the person's schools in the imports that count, newest import first. A row whose school cannot be
    told from it is in nobody's list."""
    say = speak(language)
    mine, out = schools(store, person), []
    for snapshot in store.current().snapshots[::-1]:
        rows = _refused_rows(store.home, snapshot, store.current().snapshots)
        for school in (one for one in mine if one in rows):
            codes = pd.Series(rows[school]).map(why_refused).value_counts()
            reasons = " · ".join(f"{say(str(why))} ({n:,})" for why, n in codes.items())
            out.append(Refused(snapshot, school, mine[school], len(rows[school]), reasons))
    return out


@lru_cache(maxsize=64)
def _refused_rows(home: Path, snapshot: str, snapshots: tuple[str, ...]) -> dict[str, list[str]]:
    """School id -> reason code of each refused row of an import."""
    out: dict[str, list[str]] = {}
    table = Store(home).refused(snapshot)
    if table is not None:
        places = _places(home, snapshots)
        codes = _codes(home, snapshots)
        for row in table.filter(pc.invert(table["kept"])).to_pylist():
            school = _school_of(row, codes)
            if school in places:
                out.setdefault(school, []).append(row["code"])
    return out


@lru_cache(maxsize=4)
def _codes(home: Path, snapshots: tuple[str, ...]) -> dict[str, str]:
    """A school's own id and its ten-digit code -> its id; an id comes before another's code."""
    rows = Store(home).read("school", columns=["school_id", "code10"]).to_pylist()
    return {row["code10"]: row["school_id"] for row in rows if row["code10"]} | {
        row["school_id"]: row["school_id"] for row in rows
    }


def _school_of(row: dict[str, Any], codes: dict[str, str]) -> str:
    """The school a refused row is of, by the column or the title line its format names; "" where it cannot be told."""
    mapping = known_formats().get(row["format"])
    for source in mapping.school.values() if mapping else ():
        header, cells = json.loads(row["header"]), json.loads(row["cells"])
        for name in source.header:
            if name in header and header.index(name) < len(cells):
                return codes.get(thai.arabic(str(cells[header.index(name)] or "")).strip(), "")
        for pattern in mapping.preamble if mapping and source.preamble else ():
            found = pattern.search(" ".join(str(cell) for line in json.loads(row["above"]) for cell in line))
            if found and source.preamble in found.groupdict():
                return codes.get(thai.arabic(found[str(source.preamble)]).strip(), "")
    return ""


class _Own(Store):
    """The store with the refused rows of some schools only."""

    def __init__(self, home: Path, mine: frozenset[str]) -> None:
        super().__init__(home)
        self._mine = mine

    def refused(self, snapshot: str) -> pa.Table | None:
        table = super().refused(snapshot)
        if table is None:
            return None
        codes = _codes(self.home, self.current().snapshots)
        return table.filter(pa.array([_school_of(row, codes) in self._mine for row in table.to_pylist()]))


def refused_workbook(store: Store, person: Person | None, snapshot: str) -> tuple[bytes, int]:
    """The refused rows of the person's own schools as a workbook to mend and send again, and how many they are.

    For the school role alone: the rows are whole, as the school sent them. Raises RaksaError for another role and for
    an import that does not count.
    """
    if person is not None and person.role != "school":
        raise RaksaError(f"{person.username} has the role {person.role}; the rows go to the school that can mend them.")
    if snapshot not in store.current().snapshots:
        raise RaksaError(f"No import {snapshot} counts. The page Data lists them.")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "refused.xlsx"
        rows = refused_rows_to_xlsx(_Own(store.home, frozenset(schools(store, person))), snapshot, file)
        return file.read_bytes(), rows


# -------------------------------------------------------------------------------- the record a child brings
@dataclass(frozen=True)
class Taken:
    """What became of a child's record from another school: rows taken and not taken, whether it had been taken before,
    and her learner id here."""

    rows: int
    refused: int
    before: bool
    learner_id: int


def bring(
    store: Store,
    settings: Settings,
    people: Engine,
    person: Person,
    school: str,
    number: str,
    content: bytes,
    now: datetime,
) -> Taken:
    """Take the record a child brings from another school into the register (`register.transfer`), under the number she
    has at one of the person's own schools. Written to the log first.

    Raises RaksaError for another role or school, and for a file that is none, damaged or of another child.
    """
    if not (person.active and person.role == "school" and school in schools(store, person)):
        raise RaksaError(N_("A child's record is taken by the school she comes to. Ask the head of that school."))
    named = f"{school}:{number.strip()}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "child.json"
        file.write_bytes(content)
        learner = transfer.here(store, [file], named).learner
        record(people, Entry(now, person.username, "bring_record", learner, f"school {school}", person.role))
        report = ingest(store, settings, [file], child=named, now=now)
    if why := next((one.refused_whole for one in report.files if one.refused_whole), None):
        raise RaksaError(why)
    kept = sum(one.kept for one in report.files if not one.before)
    refused = sum(one.rows - one.kept for one in report.files if not one.before)
    return Taken(kept, refused, report.snapshot is None, learner)


# -------------------------------------------------------------------------------- learners who may be one child
@dataclass(frozen=True)
class Pair:
    """Two learners who may be one child: the field's value of either and how they compare (agrees, close, differs,
    missing), as `register.duplicates.candidates` gives them."""

    learner_a: int
    learner_b: int
    probability: float
    fields: tuple[tuple[str, str, str, str], ...]


def make_pairs(store: Store, settings: Settings, now: datetime, progress: Callable[[str], None] | None = None) -> Made:
    """Look through the whole register (`raksa duplicates`), once for everybody."""

    def make() -> tuple[pd.DataFrame, dict[int, tuple[Any, ...]]]:
        found = duplicates.candidates(store, settings, progress=progress)
        return found, _last_places(store, {*found["learner_a"], *found["learner_b"]})

    return _make(store, ("pairs",), now, make)


def _last_places(store: Store, learners: set[int]) -> dict[int, tuple[Any, ...]]:
    """Learner -> school, area, grade and room of the newest list that names her."""
    rows = store.read("enrolment", columns=["learner_id", "school_id", "grade", "room", "listed_on"])
    held = rows.filter(pc.is_in(rows["learner_id"], pa.array(sorted(learners), pa.int64()))).to_pandas()
    places = _places(store.home, store.current().snapshots)
    last = held.sort_values("listed_on").drop_duplicates("learner_id", keep="last")
    return {
        int(row.learner_id): (row.school_id, places.get(row.school_id, ("", None))[1],
                              row.grade if isinstance(row.grade, str) else None,
                              row.room if isinstance(row.room, str) else None)
        for row in last.itertuples()
    }  # fmt: skip


def pairs(made: Made, person: Person | None) -> list[Pair]:
    """The pairs of which the person may see both children, the most probable first."""
    frame, places = made.what
    out = []
    for row in frame.to_dict("records"):
        a, b = int(row["learner_a"]), int(row["learner_b"])
        if _both(person, places, a, b):
            fields = tuple((f, _said(row[f"{f}_a"]), _said(row[f"{f}_b"]), str(row[f])) for f in FIELDS)
            out.append(Pair(a, b, float(row["probability"]), fields))
    return out


def _both(person: Person | None, places: dict[int, tuple[Any, ...]], a: int, b: int) -> bool:
    return all(one in places and decide(person, *places[one]).allowed for one in (a, b))


def _said(value: Any) -> str:
    return "–" if value is None or pd.isna(value) else str(value)


def decide_pair(
    store: Store, people: Engine, person: Person, made: Made, pair: Pair, decision: str, why: str, now: datetime
) -> str:
    """Write down that the two are one child (same), two (different) or not known yet (unknown), and take the pair off
    the list. Written to the log of both first. Raises RaksaError if the person may not see both, without a reason, and
    where it contradicts what was decided about others."""
    frame, places = made.what
    if not _both(person, places, pair.learner_a, pair.learner_b):
        raise RaksaError("This account may not decide about these two: it does not look after both.")
    if not why.strip():
        raise RaksaError("It is not said why. Write the document you saw, or whom you asked.")
    for one, other in ((pair.learner_a, pair.learner_b), (pair.learner_b, pair.learner_a)):
        record(
            people, Entry(now, person.username, f"decide_{decision}", one, f"with learner {other}", why.strip()[:80])
        )
    snapshot = duplicates.decide(
        store, pair.learner_a, pair.learner_b, decision, who=person.name, why=why, now=now, probability=pair.probability
    )
    with _MAKING:
        left = frame[(frame["learner_a"] != pair.learner_a) | (frame["learner_b"] != pair.learner_b)]
        _KEPT[(store.home, "pairs")] = Made((left, places), made.at, made.snapshots)
    return snapshot


# -------------------------------------------------------------------------------- children on no list
def make_on_no_list(store: Store, settings: Settings, as_of: date, definition: str, now: datetime) -> Made:
    """Find the children of the civil register who are on no school's list (`raksa out-of-school`), once for everybody.

    Raises RaksaError where no extract of the civil register is known, and for an unknown definition.
    """
    return _make(store, ("on_no_list", definition), now,
                 lambda: whereabouts.out_of_school(store, settings, as_of, definition))  # fmt: skip


@dataclass(frozen=True)
class Sought:
    """A child on no list whose last school is one of the person's: learner, name, school and grade there, last list."""

    learner_id: int
    name: str
    school: str
    grade: str
    last_listed_on: date | None
    evidence: str


def sought(store: Store, found: whereabouts.OutOfSchool, person: Person | None, language: str = "th") -> list[Sought]:
    """The children on no list whose last school the person looks after, the latest list first. Who was never on a list
    belongs to no school and is in the counts alone."""
    if person is not None and person.role != "area":
        return []
    mine = schools(store, person)
    rows = found.missing[found.missing["last_school"].isin(list(mine))]
    rows = rows.sort_values("last_listed_on", ascending=False)
    names = store.read("identity", columns=["learner_id", "prefix", "first_name", "last_name", "known_on"])
    names = names.filter(pc.is_in(names["learner_id"], pa.array(rows["learner_id"].tolist(), pa.int64())))
    called = {row["learner_id"]: row for row in sorted(names.to_pylist(), key=lambda row: row["known_on"])}
    return [
        Sought(
            learner_id=row["learner_id"],
            name=_called(called.get(row["learner_id"], {})),
            school=mine[row["last_school"]],
            grade=_said(row["last_grade"]),
            last_listed_on=None if pd.isna(row["last_listed_on"]) else pd.Timestamp(row["last_listed_on"]).date(),
            evidence=getattr(whereabouts.EVIDENCE[row["evidence"]], language) if _known(row["evidence"]) else "–",
        )
        for row in rows.to_dict("records")
    ]


def _known(code: Any) -> bool:
    return isinstance(code, str) and code in whereabouts.EVIDENCE


def _called(row: dict[str, Any]) -> str:
    return f"{row.get('prefix') or ''}{row.get('first_name') or ''} {row.get('last_name') or ''}".strip() or "–"
