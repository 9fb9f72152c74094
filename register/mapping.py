"""Formats are data: one TOML file says how one kind of file becomes register rows.

    mappings/<format>.toml      the formats we know        raksa ingest --mapping FILE      one of your own

The language is described with a worked example in docs/formats.md. A key the language does not have, a table or column
the register does not have, a code that is none of a column's values, and a column a table cannot do without are errors
when the mapping is loaded, not when the first file arrives.
"""

from __future__ import annotations

import codecs
import difflib
import re
import tomllib
from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa

from raksa.errors import RaksaError
from raksa.tables import MARKS, REGISTER, Table

_FILE_KEYS = (
    "name", "title_th", "title_en", "encodings", "dates", "null", "recognise", "preamble", "learner", "school",
    "codes", "table", "roll", "lists_learners",
)  # fmt: skip
_KINDS_OF_SOURCE = ("header", "join", "count", "preamble", "const", "given", "same_as", "derive")
_COLUMN_KEYS = (*_KINDS_OF_SOURCE, "codes", "default", "plus_days", "match", "optional")
_DERIVED = ("academic_year", "term", "results_known", "census_day")
_FROM_YEAR_AND_TERM = ("results_known", "census_day")
# What a person can be asked for, with the option that says it.
GIVEN = {"as_of": "--as-of, as in --as-of 10/06/2567", "school": "--school, as in --school 81010001"}
# What the import itself puts in: who and where a row is about, and where it came from.
_GIVEN = ("learner_id", "school_id", "source")


@dataclass(frozen=True)
class Source:
    """Where one register column comes from; one of header, join, count, preamble, const, given, same_as, derive is set,
    and `given` also beside header or preamble, for files that lack it.

    header      source headers, the first found is taken; "X#2" is the second column of that name
    join        text made of several columns: headers, or words around one as in "หมู่ {หมู่}"; what is empty falls out
    count       how many of several columns hold a word that `codes` turns into "1", not "0"; empty if all are empty
    preamble    a named group of the mapping's preamble patterns
    const       the same value in every row
    given       what the person who imports says because the file does not: "as_of", the day it was true for, or
                "school", the school it is of
    same_as     another column of the same table, further up; with plus_days, so many days later
    derive      academic_year or term of the column named in same_as; or, from academic_year and term, results_known
                (day from which results are known) or census_day (day on which the term's lists are certified)
    codes       table that turns the source's words into ours; words it lacks are not understood
    default     value where the source is empty
    match       regular expression; of each value its first group is taken, and a value it does not fit is empty
    optional    the file may lack the header
    """

    header: tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    count: tuple[str, ...] = ()
    preamble: str | None = None
    const: str | int | float | None = None
    given: str | None = None
    codes: str | None = None
    default: str | int | float | None = None
    same_as: str | None = None
    plus_days: int = 0
    derive: str | None = None
    match: re.Pattern[str] | None = None
    optional: bool = False


@dataclass(frozen=True)
class TableMapping:
    """Columns of one register table; a table may stand twice where a row says two facts of one kind.

    `when` names headers of which one must be filled for a row to feed the table. `needs_any` names columns of which at
    least one must be filled: a row that has none says nothing yet (a subject that is not graded) and is set aside with
    a warning.
    """

    name: str
    columns: MappingOf[str, Source]
    when: tuple[str, ...] = ()
    needs_any: tuple[str, ...] = ()


@dataclass(frozen=True)
class RollMapping:
    """How marks stand: `wide`, one column a day with the date as header, or `daily`, one row per child and day."""

    layout: str
    marks: MappingOf[str, str]
    date: str | None = None
    mark: str | None = None


@dataclass(frozen=True)
class Mapping:
    """One format. `learner` has citizen, passport, number (headers, the first found is taken) or key (all taken).

    `lists_learners`: the file says who is there (a pupil list, a civil register); other files only say something of
    learners whom such a list has named.
    """

    name: str
    title_th: str
    title_en: str
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

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source of a column or of the school."""
        return (*self.school.values(), *(source for table in self.tables for source in table.columns.values()))


@lru_cache(maxsize=1)
def known_formats() -> MappingOf[str, Mapping]:
    """The formats that come with Raksa, by name."""
    found = (entry for entry in (files("register") / "mappings").iterdir() if entry.name.endswith(".toml"))
    mappings = [parse(entry.read_text(encoding="utf-8"), entry.name) for entry in found]
    return {m.name: m for m in sorted(mappings, key=lambda m: m.name)}


def load(path: Path) -> Mapping:
    """A mapping file of one's own. Raises RaksaError saying what in it is not understood."""
    try:
        return parse(path.read_text(encoding="utf-8-sig"), path.name)
    except OSError as wrong:
        raise RaksaError(f"Mapping {path.name} cannot be opened: {wrong.strerror}. Check its name.") from None
    except UnicodeDecodeError:
        raise RaksaError(f"Mapping {path.name} is not UTF-8 text. Save it as UTF-8.") from None


def parse(text: str, where: str) -> Mapping:
    """A mapping from its TOML text; `where` is the name used in errors."""
    try:
        held = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise RaksaError(f"{where}: not valid TOML ({wrong}). Correct that line.") from None
    _only(held, _FILE_KEYS, where)
    for key in ("name", "title_th", "title_en", "recognise"):
        if key not in held:
            raise RaksaError(f"{where}: the key {key!r} is missing.")
    codes = _codes(held.get("codes", {}), where)
    preamble = tuple(_pattern(p, f"{where} preamble") for p in _words(held.get("preamble", []), f"{where} preamble"))
    school = _table_of(held.get("school", {}), f"{where} [school]")
    learner = _table_of(held.get("learner", {}), f"{where} [learner]")
    _only(learner, ("citizen", "passport", "number", "key"), f"{where} [learner]")
    _only(school, ("school_id", "code10"), f"{where} [school]")
    tables = held.get("table", [])
    if not isinstance(tables, list):
        raise RaksaError(f"{where}: write [[table]], with two brackets, for each register table the file feeds.")
    mapping = Mapping(
        name=_text(held["name"], f"{where} name"),
        title_th=_text(held["title_th"], f"{where} title_th"),
        title_en=_text(held["title_en"], f"{where} title_en"),
        recognise=_words(held["recognise"], f"{where} recognise"),
        encodings=_words(held.get("encodings", ["utf-8-sig", "cp874"]), f"{where} encodings"),
        dates=_text(held.get("dates", "dmy"), f"{where} dates"),
        null=frozenset(_words(held.get("null", ["-", "ไม่ระบุ"]), f"{where} null")) | {""},
        preamble=preamble,
        learner={k: _words(v, f"{where} [learner] {k}") for k, v in learner.items()},
        school={k: _source(v, codes, f"{where} [school] {k}") for k, v in school.items()},
        codes=codes,
        tables=tuple(_table(_table_of(t, f"{where} [[table]]"), codes, where) for t in tables),
        roll=_roll(_table_of(held["roll"], f"{where} [roll]"), where) if "roll" in held else None,
        lists_learners=held.get("lists_learners", False) is True,
    )
    _holds_together(mapping, where)
    return mapping


def must_say(table: Table) -> set[str]:
    """Columns without which a row of the table is none. A holiday may name no school (all are closed), a learner may
    have left on a day nobody knows, a head count may be of both sexes."""
    needed = {c.name for c in table.columns if c.required} | (set(table.key) - {"left_on", "school_id", "sex", "kind"})
    return needed - {"known_on"} if "left_on" in table.key else needed


# ------------------------------------------------------------------------------------------------ pieces
def _table(held: dict[str, Any], codes: MappingOf[str, MappingOf[str, str]], where: str) -> TableMapping:
    _only(held, ("name", "columns", "when", "needs_any"), f"{where} [[table]]")
    name = held.get("name")
    feeds = [n for n in REGISTER if n not in ("roll", "identity_alias", "identity_decision")]
    if name not in feeds:
        hint = " (marks stand under [roll])" if name == "roll" else _near(name, feeds)
        raise RaksaError(f"{where}: table {name!r} is none a file can feed{hint}. Tables: {', '.join(feeds)}.")
    spec = REGISTER[name]
    columns: dict[str, Source] = {}
    for column, value in _table_of(held.get("columns", {}), f"{where} {name}.columns").items():
        if column not in spec.schema.names:
            near = _near(column, spec.schema.names)
            raise RaksaError(f"{where}: table {name} has no column {column!r}{near}.")
        columns[column] = source = _source(value, codes, f"{where} {name}.{column}")
        allowed = spec.column(column).values
        for ours in (*codes.get(source.codes or "", {}).values(), source.default, source.const):
            if allowed and ours not in (None, "") and ours not in allowed:
                raise RaksaError(
                    f"{where}: {ours!r} is none of the values of {name}.{column}: {', '.join(allowed)}"
                    f"{_near(ours, allowed)}."
                )
        kind, high = spec.column(column).type, spec.column(column).high
        if source.count and not pa.types.is_integer(kind):
            raise RaksaError(f"{where} {name}.{column}: count gives a whole number; {column} is none. Name a header.")
        if high is not None and len(source.count) > high:
            raise RaksaError(f"{where} {name}.{column}: counts over {len(source.count)} headers; {high:g} is the most.")
        _other_column(source, columns, column, spec, f"{where} {name}.{column}")
    needed = must_say(spec)
    if name == "school":
        needed -= {"area_id"}  # a pupil list names its school but not the area; that school waits under "unknown"
    if missing := sorted(needed - set(columns) - set(_GIVEN)):
        raise RaksaError(f"{where}: table {name} also needs the column {missing[0]!r}. Add it under [table.columns].")
    when = _words(held.get("when", []), f"{where} {name}.when")
    needs_any = _words(held.get("needs_any", []), f"{where} {name}.needs_any")
    for column in needs_any:
        if column not in columns:
            near = _near(column, columns)
            raise RaksaError(f"{where}: needs_any of {name} names {column!r}, which [table.columns] lacks{near}.")
    return TableMapping(name, columns, when, needs_any)


def _source(value: Any, codes: MappingOf[str, Any], where: str) -> Source:
    if isinstance(value, (str, list)):
        return Source(header=_words(value, where))
    if not isinstance(value, dict):
        raise RaksaError(f"{where}: write a header, a list of headers, or a table such as {{ const = 1 }}.")
    _only(value, _COLUMN_KEYS, where)
    if "derive" in value and value["derive"] not in _DERIVED:
        near = _near(value["derive"], _DERIVED)
        raise RaksaError(f"{where}: derive {value['derive']!r} is not one of {', '.join(_DERIVED)}{near}.")
    said = [kind for kind in _KINDS_OF_SOURCE if kind in value]
    if "given" in said and len(said) == 2 and said[0] in ("header", "preamble"):
        said = said[:1]
    from_another = ["derive"] if value.get("derive") in _FROM_YEAR_AND_TERM else ["same_as", "derive"]
    if said != from_another if "derive" in value else len(said) != 1:
        raise RaksaError(
            f"{where}: name one source, {', '.join(_KINDS_OF_SOURCE)} (derive academic_year and term with same_as); "
            f"found {', '.join(said) or 'none'}."
        )
    if "codes" in value and value["codes"] not in codes:
        raise RaksaError(f"{where}: no code table [codes.{value['codes']}]{_near(value['codes'], codes)}.")
    if "count" in value:
        _counts(value, codes, where)
    for key, kind in (("plus_days", int), ("match", str), ("optional", bool), ("preamble", str), ("same_as", str)):
        if key in value and type(value[key]) is not kind:
            raise RaksaError(f"{where}: {key} is {value[key]!r}; expected {_KIND_NAMES[kind]}.")
    for key in ("const", "default"):
        if isinstance(value.get(key, ""), bool) or not isinstance(value.get(key, ""), (str, int, float)):
            raise RaksaError(f"{where}: {key} is {value[key]!r}; expected a text or a number.")
    if "given" in value and value["given"] not in GIVEN:
        near = _near(value["given"], GIVEN)
        raise RaksaError(f"{where}: given {value['given']!r} is not one of {', '.join(GIVEN)}{near}.")
    lists = {key: _words(value.get(key, []), where) for key in ("header", "join", "count")}
    held: dict[str, Any] = {**value, **lists}
    if "match" in value:
        held["match"] = _pattern(value["match"], where)
        if held["match"].groups < 1:
            raise RaksaError(f"{where}: match {value['match']!r} has no group; put ( ) around what is to be taken.")
    return Source(**held)


def _counts(value: dict[str, Any], codes: MappingOf[str, Any], where: str) -> None:
    """Columns are counted by their words, so each word must say whether it counts."""
    if not value["count"]:
        raise RaksaError(f"{where}: count names no column. List the headers to count over.")
    if "codes" not in value or not set(codes[value["codes"]].values()) <= {"1", "0", ""}:
        raise RaksaError(
            f'{where}: count needs codes, a table that turns each word into "1" (counts) or "0" (does not).'
        )
    _only(value, ("count", "codes", "match"), f"{where} count")


def _other_column(source: Source, columns: MappingOf[str, Source], own: str, spec: Table, where: str) -> None:
    """same_as and derive look at columns further up."""
    if source.derive in _FROM_YEAR_AND_TERM:
        wanted: tuple[str, ...] = ("academic_year", "term")
    else:
        wanted = (source.same_as,) if source.same_as else ()
    for name in wanted:
        if name == own or name not in columns:
            near = _near(name, [c for c in columns if c != own])
            raise RaksaError(f"{where}: needs the column {name!r} further up in the same table{near}.")
        if (source.plus_days or source.derive in ("academic_year", "term")) and not pa.types.is_date(
            spec.column(name).type
        ):
            raise RaksaError(f"{where}: counts from {name!r}, which is no date.")


def _roll(held: dict[str, Any], where: str) -> RollMapping:
    _only(held, ("layout", "marks", "date", "mark"), f"{where} [roll]")
    marks = _table_of(held.get("marks", {}), f"{where} [roll.marks]")
    for written, mark in marks.items():
        if mark not in MARKS:
            raise RaksaError(f"{where} [roll.marks]: {written!r} = {mark!r}, which is none of {' '.join(MARKS)}.")
    layout = held.get("layout")
    if layout not in ("wide", "daily"):
        raise RaksaError(f"{where} [roll]: layout {layout!r} is not one of wide, daily{_near(layout, _LAYOUTS)}.")
    if layout == "daily":
        for key in ("date", "mark"):
            if key not in held:
                raise RaksaError(f"{where} [roll]: layout daily needs {key!r}, the header of the {key}.")
            _text(held[key], f"{where} [roll] {key}")
    if not marks:
        raise RaksaError(f'{where} [roll.marks]: name each mark the file uses, as in "/" = "P".')
    return RollMapping(layout, marks, held.get("date"), held.get("mark"))


def _codes(held: Any, where: str) -> dict[str, dict[str, str]]:
    codes = _table_of(held, f"{where} [codes]")
    for name, table in codes.items():
        for word, ours in _table_of(table, f"{where} [codes.{name}]").items():
            _text(ours, f"{where} [codes.{name}] {word}")
    return codes


def _holds_together(mapping: Mapping, where: str) -> None:
    """What no single key can tell: that the parts fit each other."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", mapping.name):
        raise RaksaError(f"{where}: name {mapping.name!r} must be small letters, digits and _, as in roll_book.")
    if not mapping.recognise:
        raise RaksaError(f"{where}: recognise names no header; list some that only this format has.")
    if mapping.dates not in ("dmy", "mdy", "ymd"):
        raise RaksaError(f"{where}: dates {mapping.dates!r} is not one of dmy, mdy, ymd.")
    for encoding in mapping.encodings:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise RaksaError(f"{where}: encoding {encoding!r} is not known; write utf-8-sig or cp874.") from None
    if not mapping.tables and not mapping.roll:
        raise RaksaError(f"{where}: feeds nothing; add a [[table]] or [roll].")
    if mapping.tables and mapping.roll:
        raise RaksaError(f"{where}: feeds marks or tables, not both; write two mapping files.")
    names = [table.name for table in mapping.tables]
    groups = [group for pattern in mapping.preamble for group in pattern.groupindex]
    for source in mapping.sources:
        if source.preamble is not None and source.preamble not in groups:
            near = _near(source.preamble, groups)
            raise RaksaError(f"{where}: no preamble pattern captures (?P<{source.preamble}>…){near}.")
    if len(mapping.school) > 1:
        raise RaksaError(f"{where} [school]: give school_id or code10, not both.")
    if "key" in mapping.learner and {"citizen", "passport"} & set(mapping.learner):
        raise RaksaError(f"{where} [learner]: give key, or citizen and passport, not both.")
    by_learner = mapping.roll is not None or any(REGISTER[name].by_learner for name in names)
    if by_learner and not mapping.learner:
        raise RaksaError(
            f"{where}: say under [learner] which column names the child: citizen, passport, number or key."
        )
    by_school = mapping.roll is not None or any("school_id" in REGISTER[t.name].key and "school_id" not in t.columns
                                               for t in mapping.tables)  # fmt: skip
    if not mapping.school and (by_school or "number" in mapping.learner):
        raise RaksaError(f"{where}: say under [school] which column names the school: school_id or code10.")
    if mapping.lists_learners and names[:1] not in (["enrolment"], ["population"]):
        raise RaksaError(f"{where}: a format that lists learners feeds enrolment or population in its first [[table]].")


# ------------------------------------------------------------------------------------------------ small words
_LAYOUTS = ("wide", "daily")
_KIND_NAMES = {int: "a whole number", bool: "true or false", str: "a text"}


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise RaksaError(f"{where}: found {value!r}; expected a text in quotation marks.")
    return value


def _words(value: Any, where: str) -> tuple[str, ...]:
    """A text, or a list of texts."""
    return tuple(_text(word, where) for word in (value if isinstance(value, list) else [value]))


def _table_of(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RaksaError(f"{where}: found {value!r}; expected names and values, one a line.")
    return value


def _pattern(pattern: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as wrong:
        raise RaksaError(f"{where}: {pattern!r} is no regular expression ({wrong}).") from None


def _only(held: MappingOf[str, Any], allowed: Iterable[str], where: str) -> None:
    for key in held:
        if key not in allowed:
            raise RaksaError(f"{where}: the key {key!r} is not understood{_near(key, allowed)}.")


def _near(word: Any, words: Iterable[Any]) -> str:
    near = difflib.get_close_matches(str(word), [str(w) for w in words], 1)
    return f"; did you mean {near[0]!r}" if near else ""
