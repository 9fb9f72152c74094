"""Rows of text become register columns, as a mapping says: vectorised, by the distinct values of each column.

A row is refused when its learner, school or a required value of its first table is missing or not understood; the row
is kept whole with the reason. A value that is not understood in another column is left out, the row stays, and the
value is kept with its row among the refused as a *warning*.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from raksa import calendar, thai
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.tables import PAGE_DAYS, REGISTER, Column
from register.mapping import Mapping, Source, TableMapping
from register.readers import Rows

_HEADER_WITHIN = 30
NOTHING = 0  # in a page matrix: the file says nothing of that day


@dataclass(frozen=True)
class Refused:
    """A row, or a value of a kept row, that was not taken: line, code, sentence, and the row's own cells as JSON."""

    line: int
    code: str
    reason: str
    cells: str
    kept: bool = False


def refused_row(name: str, line: int, code: str, reason: str, cells: list[str], kept: bool = False) -> Refused:
    """A row kept whole with the sentence that says where it stands and what is the matter."""
    return Refused(line, code, f"{name}, line {line}: {reason}", json.dumps(cells, ensure_ascii=False), kept)


@dataclass
class Converted:
    """One file understood: rows by table, still naming learners by alias and schools by the file's own code.

    Frames carry `alias` (the child's main alias), `number` (school number as written) and `school` (code as written).
    `pages` has one row per child, school and year in `page_keys`, one column a calendar day, 0 = nothing said.
    """

    rows: int
    header: list[str]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    page_keys: pd.DataFrame | None = None
    pages: np.ndarray | None = None
    page_of_row: np.ndarray | None = None  # for each row, the position of its page; -1 = none
    refused: list[Refused] = field(default_factory=list)
    lines: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


def find_header(rows: Rows, mapping: Mapping) -> int | None:
    """Position of the row, among the first, that holds all headers the mapping is recognised by; None if absent."""
    wanted = {_plain(h) for h in mapping.recognise}
    for at, row in enumerate(rows.cells[:_HEADER_WITHIN]):
        if wanted <= {_plain(cell) for cell in row}:
            return at
    return None


def preamble(rows: Rows, header: int, mapping: Mapping) -> dict[str, str]:
    """What the mapping's patterns capture from the lines above the header."""
    above = "\n".join(thai.clean(" ".join(row)) for row in rows.cells[:header])
    return {
        name: text for p in mapping.preamble if (found := p.search(above)) for name, text in found.groupdict().items()
    }


def convert(name: str, rows: Rows, mapping: Mapping, settings: Settings) -> Converted:
    """Understand one file. Raises RaksaError when the file as a whole cannot be: no header, a column missing."""
    at = find_header(rows, mapping)
    if at is None:
        seen = " | ".join(thai.clean(c) for c in (rows.cells[0] if rows.cells else [])[:6])
        raise RaksaError(
            f"{name}: no header row of {mapping.name}: expected {', '.join(mapping.recognise[:6])}; the first row is "
            f"{seen!r}. Choose another --format, or check the encoding."
        )
    captured = preamble(rows, at, mapping)
    for pattern in mapping.preamble:
        for group in pattern.groupindex:
            if group not in captured:
                raise RaksaError(f"{name}: the lines above the header do not say {group} ({pattern.pattern}).")
    return _File(name, rows, at, captured, mapping, settings).convert()


class _File:
    """The state of converting one file: its columns by header, and which rows are still good."""

    def __init__(self, name: str, rows: Rows, at: int, captured: dict[str, str], mapping: Mapping, settings: Settings):
        self.name, self.mapping, self.settings, self.captured = name, mapping, settings, captured
        self.header = rows.cells[at]
        body = rows.cells[at + 1 :]
        self.lines = np.array(rows.lines[at + 1 :], np.int64)
        self.cells = body
        width = len(self.header)
        self.out = Converted(len(body), self.header, lines=self.lines)
        self.good = np.ones(len(body), bool)
        filled = np.array([len(row) for row in body], np.int64)
        # Spreadsheets drop trailing empty cells, so a short row is only wrong where cells are delimited by hand.
        if rows.kind == "csv":
            self.refuse(filled < width, "short_row", f"the row has fewer cells than the header's {width}")
        self.refuse(
            np.array([any(c.strip() for c in row[width:]) for row in body], bool),
            "long_row",
            f"the row has more cells than the header's {width}",
        )
        padded = [row if len(row) == width else (row + [""] * width)[:width] for row in body]
        self.columns = list(zip(*padded, strict=True)) if padded else [()] * width
        self.places: dict[str, list[int]] = {}
        for i, cell in enumerate(self.header):
            self.places.setdefault(_plain(cell), []).append(i)
        self._series: dict[int, pd.Series] = {}

    # ------------------------------------------------------------------------------------------ reasons
    def refuse(self, bad: np.ndarray, code: str, reason: str, *, values: pd.Series | None = None) -> None:
        """Refuse the rows marked bad that are still good; `values` are put into the sentence's {value}."""
        for i in np.flatnonzero(bad & self.good).tolist():
            said = reason.replace("{value}", str(values.iloc[i])) if values is not None else reason
            self.out.refused.append(self._refused(i, code, said))
        self.good &= ~bad

    def warn(self, bad: np.ndarray, code: str, reason: str, values: pd.Series) -> None:
        """Keep the rows, and keep what was not taken of them too."""
        for i in np.flatnonzero(bad & self.good).tolist():
            said = reason.replace("{value}", str(values.iloc[i]))
            self.out.refused.append(self._refused(i, code, said, kept=True))

    def warn_one(self, i: int, code: str, reason: str) -> None:
        """Keep one row, and keep what was not taken of it too."""
        if self.good[i]:
            self.out.refused.append(self._refused(i, code, reason, kept=True))

    def _refused(self, i: int, code: str, reason: str, kept: bool = False) -> Refused:
        return refused_row(self.name, int(self.lines[i]), code, reason, self.cells[i], kept)

    # ------------------------------------------------------------------------------------------ values
    def place(self, header: str) -> int | None:
        title, _, nth = header.partition("#")
        found = self.places.get(_plain(title), [])
        n = int(nth or 1)
        return found[n - 1] if len(found) >= n else None

    def text(self, header: str) -> pd.Series:
        """A column as clean text; what the mapping calls empty is None."""
        at = self.place(header)
        if at is None:
            raise RaksaError(f"{self.name}: the column {header!r} is missing; found: {', '.join(self.header[:12])}.")
        if at not in self._series:
            self._series[at] = self._by_value(pd.Series(self.columns[at], dtype=object), self._clean)
        return self._series[at]

    def _clean(self, value: str) -> str | None:
        cleaned = thai.clean(value)
        return None if cleaned in self.mapping.null else cleaned

    @staticmethod
    def _by_value(series: pd.Series, turn: Callable[[Any], Any]) -> pd.Series:
        """Turn each distinct value once. Missing stays None."""
        codes, distinct = pd.factorize(series, use_na_sentinel=True)
        turned = np.empty(len(distinct) + 1, object)
        for i, value in enumerate(distinct):
            turned[i] = turn(value)
        turned[-1] = None
        return pd.Series(turned[codes], dtype=object)

    def source_text(self, source: Source, where: str) -> pd.Series:
        """The raw words a column is made from."""
        if source.preamble is not None:
            return pd.Series([self._clean(self.captured[source.preamble])] * self.out.rows, dtype=object)
        if source.const is not None:
            return pd.Series([str(source.const)] * self.out.rows, dtype=object)
        for header in source.header:
            if self.place(header) is not None:
                found = self.text(header)
                return found if source.first is None else self._by_value(found, lambda v: v[: source.first])
        if source.optional:
            return pd.Series([None] * self.out.rows, dtype=object)
        raise RaksaError(
            f"{self.name}: no column {' or '.join(source.header)} for {where}; found: {', '.join(self.header[:12])}."
        )

    def column(self, table: TableMapping, name: str, done: dict[str, pd.Series], main: bool) -> pd.Series:
        """One register column. Values that do not fit refuse the row when the column is required in the main table."""
        source, spec = table.columns[name], REGISTER[table.name].column(name)
        if source.derive:
            return self._derived(source, done)
        if source.same_as:
            days = pd.Timedelta(days=source.plus_days).to_pytimedelta()
            return self._by_value(done[source.same_as], lambda day: day + days)
        words = self.source_text(source, f"{table.name}.{name}")
        codes = self.mapping.codes.get(source.codes or "")
        problem: dict[Any, str] = {}

        def turn(word: str) -> Any:
            value, wrong = _value(word, spec, codes, self.mapping.dates)
            if wrong:
                problem[word] = wrong
            return value

        values = self._by_value(words, turn)
        if problem:
            bad = words.isin(list(problem)).to_numpy()
            say = f"{_title(source)} {{value}} {next(iter(problem.values()))}"
            if spec.required and main:
                self.refuse(bad, f"bad_{name}", say, values=words)
            else:
                self.warn(bad, f"bad_{name}", say + "; the value was left out", words)
        if source.default is not None:
            # The default stands for an empty cell, not for one that was not understood.
            values = values.where(~words.isna(), source.default)
        if spec.required and main:
            self.refuse(values.isna().to_numpy(), f"no_{name}", f"{_title(source)} is empty")
        return values

    def _derived(self, source: Source, done: dict[str, pd.Series]) -> pd.Series:
        settings = self.settings
        if source.derive == "results_known":
            keys = pd.Series(list(zip(done["academic_year"], done["term"], strict=True)), dtype=object)
            return self._by_value(
                keys,
                lambda k: calendar.results_known(int(k[0]), int(k[1]), settings) if k[0] and k[1] is not None else None,
            )
        days = done[source.same_as or ""]
        if source.derive == "academic_year":
            return self._by_value(days, lambda day: calendar.academic_year(day, settings))
        return self._by_value(days, lambda day: _term_of(day, settings))

    # ------------------------------------------------------------------------------------------ the whole file
    def convert(self) -> Converted:
        keys = self._keys()
        for n, table in enumerate(self.mapping.tables):
            self._table(table, keys, main=n == 0)
        if self.mapping.roll:
            self._pages(keys)
        for frame in self.out.tables.values():
            frame.drop(frame.index[~self.good[frame.index]], inplace=True)
        return self.out

    def _keys(self) -> pd.DataFrame:
        """alias, number, school of each row; rows that name no child or no school are refused."""
        keys = pd.DataFrame(index=range(self.out.rows))
        for kind in ("school_id", "code10"):
            if kind in self.mapping.school:
                words = self.source_text(self.mapping.school[kind], "school")
                keys["school"] = self._by_value(words, lambda w: re.sub(r"[\s-]", "", thai.arabic(w)))
                self.refuse(keys["school"].isna().to_numpy(), "no_school", "the row names no school")
        who = self.mapping.learner
        if not who:
            return keys
        keys["alias"] = None
        if "citizen" in who:
            numbers = self.text(who["citizen"][0])
            keys["alias"] = self._by_value(numbers, _id_alias)
            wrong = self._by_value(keys["alias"], _mistyped).fillna(False).to_numpy(bool)
            self.warn(wrong, "id_checksum", "the check digit of {value} does not fit; the row was kept", numbers)
        if "key" in who:
            keys["alias"] = "key"
            for header in who["key"]:
                keys["alias"] += ":" + self.text(header)
        if "number" in who:
            keys["number"] = self._by_value(self.text(who["number"][0]), lambda n: thai.arabic(n).removesuffix(".0"))
        has_number = keys["number"].notna() if "number" in keys else False
        self.refuse(~(keys["alias"].notna() | has_number).to_numpy(), "no_learner", "the row names no learner")
        return keys

    def _table(self, table: TableMapping, keys: pd.DataFrame, main: bool) -> None:
        done: dict[str, pd.Series] = {}
        for name in table.columns:
            done[name] = self.column(table, name, done, main)
        frame = keys.assign(**done)
        if table.when:
            frame = frame[self.text(table.when).notna().to_numpy()]
        required = [c.name for c in REGISTER[table.name].columns if c.required and c.name in done]
        frame = frame[frame[required].notna().all(axis=1)] if not main else frame
        facts = [c for c in done if c not in REGISTER[table.name].key and table.columns[c].header]
        if not main and facts:  # a row that says nothing feeds nothing
            frame = frame[frame[facts].notna().any(axis=1)]
        self.out.tables[table.name] = frame

    def _pages(self, keys: pd.DataFrame) -> None:
        roll = self.mapping.roll
        assert roll is not None
        if roll.layout == "wide":
            days, code, row, mark = self._wide(roll.marks)
        else:
            days, code, row, mark = self._daily(roll.date or "", roll.mark or "", roll.marks)
        year = np.array([calendar.academic_year(d, self.settings) for d in days], np.int64)
        place = np.array([calendar.position(d, self.settings) for d in days], np.int64)
        taken = self.good[row]
        row, code, mark = row[taken], code[taken], mark[taken]
        named = keys.loc[row].assign(academic_year=year[code] if len(code) else np.zeros(0, np.int64))
        columns = list(named.columns)
        group = named.groupby(columns, dropna=False, sort=True).ngroup().to_numpy()
        self.out.page_keys = named.assign(group=group).drop_duplicates("group").sort_values("group")[columns]
        pages = np.full((len(self.out.page_keys), PAGE_DAYS), NOTHING, np.uint8)
        pages[group, place[code]] = mark
        self.out.pages = pages
        self.out.page_of_row = np.full(self.out.rows, -1, np.int64)
        self.out.page_of_row[row] = group

    def _wide(self, marks: Any) -> tuple[list[date], np.ndarray, np.ndarray, np.ndarray]:
        """Days, and for each mark its day, row and code: columns whose header is a date.

        A mark the legend lacks leaves that day unsaid, with a warning."""
        legend = {_plain(k): ord(v) for k, v in marks.items()}
        days = [(i, day) for i, cell in enumerate(self.header) if (day := thai.read_date(cell, self.mapping.dates))]
        if not days:
            raise RaksaError(f"{self.name}: no column header is a date; found: {', '.join(self.header[:12])}.")
        grid = pd.Series([cell for i, _ in days for cell in self.columns[i]], dtype=object)
        said = self._by_value(grid, lambda w: legend.get(_plain(w), -1) if self._clean(w) else None)
        marks_by_day = said.to_numpy(dtype=object).reshape(len(days), self.out.rows)
        for number, at in np.argwhere(marks_by_day == -1).tolist():
            column = days[number][0]
            word, head = self.columns[column][at], self.header[column]
            self.warn_one(at, "bad_mark", f"mark {word} on {head} is none of {' '.join(marks)}; left out")
        day_at, row_at = np.nonzero((marks_by_day != None) & (marks_by_day != -1))  # noqa: E711
        found = marks_by_day[day_at, row_at].astype(np.uint8)
        return [d for _, d in days], day_at, row_at, found

    def _daily(
        self, date_header: str, mark_header: str, marks: Any
    ) -> tuple[list[date], np.ndarray, np.ndarray, np.ndarray]:
        legend = {_plain(k): ord(v) for k, v in marks.items()}
        dates, words = self.text(date_header), self.text(mark_header)
        codes, distinct = pd.factorize(dates)
        read = [thai.read_date(d, self.mapping.dates) for d in distinct]
        impossible = np.array([d is None for d in read] + [True])[codes]
        self.refuse(impossible, "bad_date", f"{date_header} {{value}} is not a date", values=dates)
        said = self._by_value(words, lambda w: legend.get(_plain(w), -1))
        self.refuse(said.isna().to_numpy(), "no_mark", f"{mark_header} is empty")
        self.refuse(
            (said == -1).to_numpy(), "bad_mark", f"mark {{value}} is none of {' '.join(marks)}; map it under [roll.marks]",
            values=words,
        )  # fmt: skip
        row = np.flatnonzero(self.good)
        days = sorted({d for d in read if d})
        index = {d: i for i, d in enumerate(days)}
        code = np.array([index[d] if d else -1 for d in read] + [-1])[codes[row]]
        return days, code, row, said.iloc[row].to_numpy(np.uint8)


@lru_cache(maxsize=65_536)  # headers and codes recur in every file
def _plain(text: str) -> str:
    return thai.clean(text).replace(" ", "")


def _title(source: Source) -> str:
    return source.header[0].partition("#")[0] if source.header else source.preamble or ""


def _id_alias(word: str) -> str:
    if number := thai.citizen_number(word):
        return f"citizen:{number}"
    if code := thai.g_code(word):
        return f"g:{code}"
    return f"other:{thai.search_key(word)}"


def _mistyped(alias: str) -> bool:
    kind, _, number = alias.partition(":")
    return kind == "citizen" and not thai.citizen_checksum_holds(number)


def _term_of(day: date, settings: Settings) -> int:
    """The term a list day belongs to: the last term that began on or before it; the first before any has."""
    year = calendar.academic_year(day, settings)
    begun = [t.number for t in settings.terms if calendar.term_days(year, t.number, settings)[0] <= day]
    return begun[-1] if begun else settings.terms[0].number


def _value(word: str, spec: Column, codes: Any, dates: str) -> tuple[Any, str | None]:
    """The register's value of a word, or None with what is wrong with it."""
    if codes is not None:
        plain = {_plain(k): v for k, v in codes.items()}
        said = thai.arabic(_plain(word))
        if said not in plain:
            return None, f"is none of {', '.join(list(codes)[:12])}; map it under [codes]"
        word = plain[said]
        if word == "":
            return None, None
    if pa.types.is_date(spec.type):
        day = thai.read_date(word, dates)
        return (day, None) if day else (None, "is not a date")
    if pa.types.is_integer(spec.type) or pa.types.is_floating(spec.type):
        try:
            number = float(thai.arabic(word).replace(",", ""))
        except ValueError:
            return None, "is not a number"
        if not np.isfinite(number) or (spec.low is not None and number < spec.low):
            return None, f"is below {spec.low}"
        if spec.high is not None and number > spec.high:
            return None, f"is above {spec.high}"
        if pa.types.is_integer(spec.type):
            if abs(number) > 32767 or not number.is_integer():
                return None, "is not a whole number in range"
            return int(number), None
        return number, None
    if spec.values and word not in spec.values:
        return None, f"is none of {', '.join(spec.values[:20])}"
    return word, None


def counts(refused: list[Refused], kept: bool) -> dict[str, int]:
    """How many by reason code: of rows refused, or (kept) of values left out."""
    return dict(sorted(Counter(r.code for r in refused if r.kept == kept).items()))
