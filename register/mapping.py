"""Formats are data: one TOML file says how one kind of file becomes register rows.

    mappings/<format>.toml      the formats we know        raksa ingest --mapping FILE      one of your own

The language is described with a worked example in docs/formats.md. A key the language does not have, a table or column
the register does not have, and a code that is none of a column's values are errors when the mapping is loaded.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from raksa.errors import RaksaError
from raksa.tables import MARKS, REGISTER

_FILE_KEYS = {
    "name", "title_th", "title_en", "kind", "encodings", "dates", "null", "recognise", "preamble", "learner", "school",
    "codes", "table", "roll", "lists_learners",
}  # fmt: skip
_COLUMN_KEYS = {
    "header",
    "preamble",
    "const",
    "codes",
    "default",
    "same_as",
    "plus_days",
    "derive",
    "first",
    "optional",
}
_DERIVED = ("academic_year", "term", "results_known")


@dataclass(frozen=True)
class Source:
    """Where one register column comes from; exactly one of header, preamble, const, same_as, derive is set.

    header      source headers, the first found is taken; "X#2" is the second column of that name
    preamble    a named group of the mapping's preamble patterns
    const       the same value in every row
    same_as     another column of the same table; with plus_days, so many days later
    derive      academic_year or term of the column named in same_as, or results_known from academic_year and term
    codes       table that turns the source's words into ours; words it lacks are refused
    default     value where the source is empty
    first       only so many leading characters
    optional    the file may lack the header
    """

    header: tuple[str, ...] = ()
    preamble: str | None = None
    const: Any = None
    codes: str | None = None
    default: Any = None
    same_as: str | None = None
    plus_days: int = 0
    derive: str | None = None
    first: int | None = None
    optional: bool = False


@dataclass(frozen=True)
class TableMapping:
    """Columns of one register table; `when` names a header that must be filled for a row to feed it."""

    name: str
    columns: MappingOf[str, Source]
    when: str | None = None


@dataclass(frozen=True)
class RollMapping:
    """How marks stand: `wide`, one column a day with the date as header, or `daily`, one row per child and day."""

    layout: str
    marks: MappingOf[str, str]
    date: str | None = None
    mark: str | None = None


@dataclass(frozen=True)
class Mapping:
    """One format."""

    name: str
    title_th: str
    title_en: str
    kind: str
    recognise: tuple[str, ...]
    encodings: tuple[str, ...] = ("utf-8-sig", "cp874")
    dates: str = "dmy"
    null: frozenset[str] = frozenset({"", "-", "ไม่ระบุ"})
    preamble: tuple[re.Pattern[str], ...] = ()
    learner: MappingOf[str, tuple[str, ...]] = field(default_factory=dict)
    school: MappingOf[str, Source] = field(default_factory=dict)
    codes: MappingOf[str, MappingOf[str, str]] = field(default_factory=dict)
    tables: tuple[TableMapping, ...] = ()
    roll: RollMapping | None = None
    lists_learners: bool = False


@lru_cache(maxsize=1)
def known_formats() -> MappingOf[str, Mapping]:
    """The formats that come with Raksa, by name."""
    found = (entry for entry in (files("register") / "mappings").iterdir() if entry.name.endswith(".toml"))
    mappings = [parse(entry.read_text(encoding="utf-8"), entry.name) for entry in found]
    return {m.name: m for m in sorted(mappings, key=lambda m: m.name)}


def load(path: Path) -> Mapping:
    """A mapping file of one's own. Raises RaksaError saying what in it is not understood."""
    try:
        return parse(path.read_text(encoding="utf-8"), path.name)
    except OSError as wrong:
        raise RaksaError(f"Mapping {path.name} cannot be opened: {wrong.strerror}.") from None


def parse(text: str, where: str) -> Mapping:
    """A mapping from its TOML text; `where` is the name used in errors."""
    try:
        held = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise RaksaError(f"{where}: not valid TOML ({wrong}).") from None
    _only(held, _FILE_KEYS, where)
    for key in ("name", "title_th", "title_en", "kind", "recognise"):
        if key not in held:
            raise RaksaError(f"{where}: the key {key!r} is missing.")
    if held["kind"] not in ("excel", "csv", "html"):
        raise RaksaError(f"{where}: kind {held['kind']!r} is not one of excel, csv, html.")
    codes = held.get("codes", {})
    mapping = Mapping(
        name=held["name"],
        title_th=held["title_th"],
        title_en=held["title_en"],
        kind=held["kind"],
        recognise=tuple(held["recognise"]),
        encodings=tuple(held.get("encodings", ("utf-8-sig", "cp874"))),
        dates=held.get("dates", "dmy"),
        null=frozenset(held.get("null", ("", "-", "ไม่ระบุ"))) | {""},
        preamble=tuple(_pattern(p, where) for p in held.get("preamble", ())),
        learner={k: (v,) if isinstance(v, str) else tuple(v) for k, v in held.get("learner", {}).items()},
        school={k: _source(v, codes, f"{where} [school] {k}") for k, v in held.get("school", {}).items()},
        codes=codes,
        tables=tuple(_table(t, codes, where) for t in held.get("table", ())),
        roll=_roll(held["roll"], where) if "roll" in held else None,
        lists_learners=bool(held.get("lists_learners", False)),
    )
    _only(mapping.learner, {"citizen", "number", "key"}, f"{where} [learner]")
    _only(mapping.school, {"school_id", "code10"}, f"{where} [school]")
    return mapping


def _table(held: dict[str, Any], codes: MappingOf[str, MappingOf[str, str]], where: str) -> TableMapping:
    _only(held, {"name", "columns", "when"}, f"{where} [[table]]")
    if held.get("name") not in REGISTER:
        raise RaksaError(
            f"{where}: table {held.get('name')!r} is not in the register{_near(held.get('name'), REGISTER)}."
        )
    spec = REGISTER[held["name"]]
    columns = {}
    for name, value in held.get("columns", {}).items():
        if name not in spec.schema.names:
            near = _near(name, spec.schema.names)
            raise RaksaError(f"{where}: table {spec.name} has no column {name!r}{near}.")
        columns[name] = source = _source(value, codes, f"{where} {spec.name}.{name}")
        allowed = spec.column(name).values
        for ours in codes.get(source.codes or "", {}).values():
            if allowed and ours and ours not in allowed:
                raise RaksaError(
                    f"{where}: {ours!r} is none of the values of {spec.name}.{name}: {', '.join(allowed)}."
                )
    return TableMapping(held["name"], columns, held.get("when"))


def _source(value: Any, codes: MappingOf[str, Any], where: str) -> Source:
    if isinstance(value, str):
        return Source(header=(value,))
    if isinstance(value, list):
        return Source(header=tuple(value))
    if not isinstance(value, dict):
        raise RaksaError(f"{where}: write a header, a list of headers, or a table such as {{ const = 1 }}.")
    _only(value, _COLUMN_KEYS, where)
    if "codes" in value and value["codes"] not in codes:
        raise RaksaError(f"{where}: no code table [codes.{value['codes']}]{_near(value['codes'], codes)}.")
    if "derive" in value and value["derive"] not in _DERIVED:
        raise RaksaError(f"{where}: derive {value['derive']!r} is not one of {', '.join(_DERIVED)}.")
    header = value.get("header", ())
    return Source(**{**value, "header": (header,) if isinstance(header, str) else tuple(header)})


def _roll(held: dict[str, Any], where: str) -> RollMapping:
    _only(held, {"layout", "marks", "date", "mark"}, f"{where} [roll]")
    for written, mark in held.get("marks", {}).items():
        if mark not in MARKS:
            raise RaksaError(f"{where} [roll.marks]: {written!r} = {mark!r}, which is none of {' '.join(MARKS)}.")
    if held.get("layout") not in ("wide", "daily"):
        raise RaksaError(f"{where} [roll]: layout {held.get('layout')!r} is not one of wide, daily.")
    return RollMapping(held["layout"], held.get("marks", {}), held.get("date"), held.get("mark"))


def _pattern(pattern: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as wrong:
        raise RaksaError(f"{where} preamble: {pattern!r} is no regular expression ({wrong}).") from None


def _only(held: MappingOf[str, Any], allowed: set[str], where: str) -> None:
    for key in held:
        if key not in allowed:
            raise RaksaError(f"{where}: the key {key!r} is not understood{_near(key, allowed)}.")


def _near(word: Any, words: Any) -> str:
    near = difflib.get_close_matches(str(word), [str(w) for w in words], 1)
    return f"; did you mean {near[0]!r}" if near else ""
