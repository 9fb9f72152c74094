"""Rows of text become register columns, as a mapping says: vectorised, by the distinct values of each column.

A row is refused when its learner, school or a required value of its first table is missing or not understood; the row
is kept whole with the reason. A value that is not understood in another column is left out, the row stays, and the
value is kept with its row among the refused as a *warning*.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from raksa import calendar, thai
from raksa.calendar import BUDDHIST_ERA
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.tables import NO_SCHOOL, NOT_RECORDED, PAGE_DAYS, REGISTER, Column
from register.mapping import GIVEN, Mapping, RollMapping, Source, TableMapping, must_say
from register.readers import ByColumn, Rows
from register.transfer import Here

_HEADER_WITHIN = 30
NOTHING = 0  # in a page matrix: the file says nothing of that day
_UNKNOWN = -1  # a mark the legend lacks
# 1,200.50 and -3 but not 7,5 (a comma for a point would make it 75), 1_000 or 1e3.
_NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?|[+-]?\.\d+", re.ASCII)
_ROUNDED = re.compile(r"\d(\.\d+)?E\+?\d+", re.IGNORECASE | re.ASCII)

# Names, headers, dates and codes recur from file to file; people and days are few beside cells.
_read_date = lru_cache(maxsize=50_000)(thai.read_date)


@lru_cache(maxsize=200_000)
def _clean(text: str) -> str:
    """Text as it was meant, with Arabic digits."""
    return " ".join(text.split()) if text.isascii() else thai.arabic(thai.clean(text))


@lru_cache(maxsize=65_536)
def _plain(text: str) -> str:
    """What headers, codes and marks are compared by: clean, Arabic digits, no spaces."""
    return _clean(text).replace(" ", "")


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

    Frames carry `alias` (the child's main alias), `number` (school number as written) and `school` (code as written);
    their index is the row's place in the file. `pages` has one row per child, school and year in `page_keys`, one
    column a calendar day, 0 = nothing said. `above` are the filled lines above the header.
    """

    rows: int
    header: list[str]
    above: list[list[str]]
    lines: Sequence[int]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    page_keys: pd.DataFrame | None = None
    pages: np.ndarray | None = None
    page_of_row: np.ndarray | None = None  # for each row, the position of its page; -1 = none
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True)
class Given:
    """What the person who imports says of files that do not say it: the day they are true for, the school they are
    of, the child a record is of."""

    as_of: date | None = None
    school: str | None = None
    child: Here | None = None

    def __str__(self) -> str:
        return " ".join(str(said) for said in (self.as_of, self.school) if said)


def headers(rows: Rows) -> list[frozenset[str]]:
    """The plain cells of each row among which a header may stand."""
    return [frozenset(_plain(cell) for cell in row) for row in rows.cells[:_HEADER_WITHIN]]


def find_header(seen: list[frozenset[str]], mapping: Mapping) -> int | None:
    """Position of the row, among the first, that holds all headers the mapping is recognised by; None if absent."""
    wanted = {_plain(header) for header in mapping.recognise}
    return next((at for at, cells in enumerate(seen) if wanted <= cells), None)


def convert(
    name: str,
    rows: Rows,
    mapping: Mapping,
    settings: Settings,
    seen: list[frozenset[str]] | None = None,
    given: Given | None = None,
) -> Converted:
    """Understand one file; `seen` are its `headers`, where they are at hand, `given` what a person says of it. Raises
    RaksaError when the file as a whole cannot be understood: no header, a column missing, no day."""
    at = find_header(headers(rows) if seen is None else seen, mapping)
    if at is None:
        raise RaksaError(
            f"{name}: no header row of {mapping.name}: expected {', '.join(mapping.recognise[:6])}; the first row is "
            f"{first_cells(rows)!r}. Choose another --format, or check the encoding."
        )
    above = "\n".join(_clean(" ".join(row)) for row in rows.cells[:at])
    captured: dict[str, str] = {}
    for pattern in mapping.preamble:
        found = pattern.search(above)
        captured |= {group: text for group, text in (found.groupdict() if found else {}).items() if text}
        asked = {source.preamble for source in mapping.sources if source.given is None}
        if lacking := [group for group in pattern.groupindex if group not in captured and group in asked]:
            raise RaksaError(
                f"{name}: the lines above the header do not say {lacking[0]} (looked for {pattern.pattern!r}). "
                "Export it again with its title lines."
            )
    return _File(name, rows, at, captured, mapping, settings, given or Given()).convert()


def first_cells(rows: Rows) -> str:
    """How a file begins, for a sentence about it."""
    return " | ".join(_clean(cell) for cell in (rows.cells[0] if rows.cells else [])[:6])[:120]


class _File:
    """The state of converting one file: its columns by header, and which rows are still good."""

    def __init__(
        self,
        name: str,
        rows: Rows,
        at: int,
        captured: dict[str, str],
        mapping: Mapping,
        settings: Settings,
        given: Given,
    ) -> None:
        self.name, self.mapping, self.settings, self.captured, self.given = name, mapping, settings, captured, given
        self.header = rows.cells[at]
        self.cells = rows.cells[at + 1 :]
        self.out = Converted(len(self.cells), self.header, list(rows.cells[:at]), rows.lines[at + 1 :])
        self.good = np.ones(len(self.cells), bool)
        # Some programs end every line with a delimiter: columns without a header count only where they hold something.
        width = max(i for i, cell in enumerate(self.header, start=1) if cell.strip())
        self._series: dict[int, pd.Series] = {}
        self.places: dict[str, list[int]] = {}
        for i, cell in enumerate(self.header[:width]):
            self.places.setdefault(_plain(cell), []).append(i)
        self.columns: Sequence[Any]  # of each column its cells: a tuple, or an Arrow array with each distinct cell once
        if isinstance(self.cells, ByColumn) and width == len(self.header):
            self.columns = self.cells.columns
            return
        filled = np.array([len(row) for row in self.cells], np.int64)
        # Spreadsheets drop trailing empty cells, so a short row is only wrong where cells are delimited by hand.
        if rows.kind == "csv":
            self.refuse(filled < width, "short_row", f"the row has fewer cells than the header's {width}")
        overlong = np.zeros(len(self.cells), bool)
        for i in np.flatnonzero(filled > width).tolist():
            overlong[i] = bool("".join(self.cells[i][width:]).strip())
        self.refuse(overlong, "long_row", f"the row has more cells than the header's {width}")
        padded = [row if len(row) == width else (row + [""] * width)[:width] for row in self.cells]
        self.columns = list(zip(*padded, strict=True)) if padded else [()] * width

    # ------------------------------------------------------------------------------------------ reasons
    def refuse(self, bad: np.ndarray, code: str, reason: str, *, values: pd.Series | None = None) -> None:
        """Refuse the rows marked bad that are still good; `values` are put into the sentence's {value}."""
        self._set_aside(bad, code, reason, values, kept=False)
        self.good &= ~bad

    def warn(self, bad: np.ndarray, code: str, reason: str, values: pd.Series | None = None) -> None:
        """Keep the rows, and keep what was not taken of them too."""
        self._set_aside(bad, code, reason, values, kept=True)

    def _set_aside(self, bad: np.ndarray, code: str, reason: str, values: pd.Series | None, kept: bool) -> None:
        for i in np.flatnonzero(bad & self.good).tolist():
            said = reason.replace("{value}", str(values.iloc[i])) if values is not None else reason
            self.out.refused.append(refused_row(self.name, int(self.out.lines[i]), code, said, self.cells[i], kept))

    # ------------------------------------------------------------------------------------------ values
    def place(self, header: str) -> int | None:
        """Position of a header's column; "X#2" is the second of that name."""
        title, _, nth = header.partition("#")
        found = self.places.get(_plain(title), [])
        n = int(nth) if nth.isdigit() else 1
        return found[n - 1] if 0 < n <= len(found) else None

    def text(self, found: Iterable[str], what: str) -> pd.Series:
        """The first of these columns as clean text; what the mapping calls empty is None."""
        wanted = tuple(found)
        at = next((at for header in wanted if (at := self.place(header)) is not None), None)
        if at is None:
            seen = ", ".join(cell.strip() for cell in self.header[:12])
            raise RaksaError(
                f"{self.name}: no column {' or '.join(wanted)} for {what}; found: {seen}. Export it with that column."
            )
        if at not in self._series:
            self._series[at] = _by_value(self.columns[at], self._word)
        return self._series[at]

    def _word(self, text: str) -> str | None:
        cleaned = _clean(text)
        return None if cleaned in self.mapping.null else cleaned

    def words(self, source: Source, what: str) -> pd.Series:
        """The words a column is made from; None where the file says nothing."""
        if source.preamble in self.captured:
            return pd.Series([self._word(self.captured[source.preamble or ""])] * self.out.rows, dtype=object)
        if source.const is not None:
            return pd.Series([str(source.const)] * self.out.rows, dtype=object)
        if source.given is not None and all(self.place(header) is None for header in source.header):
            return pd.Series([self._said(source.given)] * self.out.rows, dtype=object)
        if source.join:
            return self._joined(source.join, what)
        if source.optional and all(self.place(header) is None for header in source.header):
            return pd.Series([None] * self.out.rows, dtype=object)
        found = self.text(source.header, what)
        pattern = source.match
        if pattern is None:
            return found

        def taken(word: str) -> str | None:
            part = pattern.search(word)
            return part[1] or None if part else None

        return _by_value(found, taken)

    def _said(self, key: str) -> str:
        """What a person says of the file."""
        word = str(self.given.as_of or "") if key == "as_of" else self.given.school
        if not word:
            lacks = "which day it is true for" if key == "as_of" else "which school it is of"
            raise RaksaError(f"{self.name}: {self.mapping.title_en} does not say {lacks}. Say it with {GIVEN[key]}.")
        return word

    def _joined(self, pieces: tuple[str, ...], what: str) -> pd.Series:
        """Several columns in one, each in the words around it; what is empty falls out with its words."""
        parts = []
        for piece in pieces:
            before, brace, rest = piece.partition("{")
            header, _, after = rest.partition("}")
            words = self.text([header if brace else piece], what)
            parts.append([f"{before}{word}{after}" if brace and word else word for word in words])
        return pd.Series([" ".join(filter(None, line)) or None for line in zip(*parts, strict=True)], dtype=object)

    def column(self, table: TableMapping, name: str, done: dict[str, pd.Series], main: bool) -> pd.Series:
        """One register column. Values that do not fit refuse the row when the column is required in the main table."""
        source, spec = table.columns[name], REGISTER[table.name].column(name)
        needed = main and name in must_say(REGISTER[table.name])
        if source.derive or source.same_as:
            values = self._from_other(source, done)
        elif source.count:
            values = self._counted(source, spec, f"{table.name}.{name}")
        else:
            values = self._read(source, spec, f"{table.name}.{name}", needed)
        if needed and source.preamble is None and source.const is None:
            self.refuse(values.isna().to_numpy(), f"no_{name}", f"{_title(source) or name} is empty")
        return values

    def _read(self, source: Source, spec: Column, what: str, needed: bool) -> pd.Series:
        words = self.words(source, what)
        read = partial(_value, spec=spec, dates=self.mapping.dates)
        codes = None
        if source.codes:
            codes = {_plain(word): ours for word, ours in self.mapping.codes[source.codes].items()}
        problem: dict[str, str] = {}

        def turn(word: str) -> Any:
            ours: str | None = word
            if codes is not None:
                ours = codes.get(_plain(word))
                if ours is None:
                    problem[word] = f"is none of {', '.join(list(codes)[:12])}; map it under [codes.{source.codes}]"
            value, wrong = read(ours) if ours else (None, None)
            if wrong:
                problem[word] = wrong
            return value

        values = _by_value(words, turn)
        if problem:
            if source.preamble is not None and needed:
                word, wrong = next(iter(problem.items()))
                raise RaksaError(f"{self.name}: above the header, {source.preamble} {word!r} {wrong}. Mend that line.")
            bad = words.isin(list(problem)).to_numpy()
            reasons = _by_value(words, lambda word: f"{word} {problem.get(word)}")
            title = _title(source)
            if needed:
                self.refuse(bad, f"bad_{spec.name}", f"{title} {{value}}", values=reasons)
            else:
                self.warn(bad, f"bad_{spec.name}", f"{title} {{value}}; the value was left out", reasons)
        if source.default is not None:
            # The default stands for an empty cell, not for one that was not understood.
            values = values.where(words.notna(), read(str(source.default))[0])
        return values

    def _counted(self, source: Source, spec: Column, what: str) -> pd.Series:
        """How many of several columns hold a word that counts. None where all are empty: a column that is empty, not
        understood or not in the file says neither yes nor no."""
        one = replace(source, count=(), optional=True)
        each = [self._read(replace(one, header=(header,)), spec, what, needed=False) for header in source.count]
        counted = pd.concat(each, axis=1).astype(float).sum(axis=1, min_count=1)
        return pd.Series([None if n != n else int(n) for n in counted], dtype=object)

    def _from_other(self, source: Source, done: dict[str, pd.Series]) -> pd.Series:
        settings = self.settings
        if source.derive in ("results_known", "census_day"):
            day_of = _results_known if source.derive == "results_known" else calendar.census_day
            pairs = zip(done["academic_year"], done["term"], strict=True)
            keys = pd.Series([p if None not in p else None for p in pairs], dtype=object)
            return _by_value(keys, lambda key: day_of(key[0], key[1], settings))
        other = done[source.same_as or ""]
        if source.derive == "academic_year":
            return _by_value(other, lambda day: calendar.academic_year(day, settings))
        if source.derive == "term":
            return _by_value(other, lambda day: _term_of(day, settings))
        if source.plus_days:
            return _by_value(other, lambda day: day + timedelta(days=source.plus_days))
        return other

    # ------------------------------------------------------------------------------------------ the whole file
    def convert(self) -> Converted:
        keys = self._keys()
        for n, table in enumerate(self.mapping.tables):
            self._table(table, keys, main=n == 0)
        if self.mapping.roll:
            self._pages(self.mapping.roll, keys)
        if not self.good.all():
            for name, frame in self.out.tables.items():
                self.out.tables[name] = frame[self.good[frame.index]]
        return self.out

    def _keys(self) -> pd.DataFrame:
        """alias, number, school of each row; rows that name no child or no school are refused."""
        keys = pd.DataFrame(index=range(self.out.rows))
        for source in self.mapping.school.values():
            keys["school"] = _by_value(self.words(source, "the school"), _code)
            self.refuse(keys["school"].isna().to_numpy(), "no_school", "the row names no school")
        who = self.mapping.learner
        if not who:
            return keys
        keys["alias"] = None
        if "number" in who:
            keys["number"] = _by_value(self.text(who["number"], "the school's number of the child"), _code)
            swapped = _by_value(keys["number"], _is_own_number)
            self.refuse(
                swapped.fillna(False).to_numpy(bool), "number_is_id",
                "{value} stands as the school's number but is a citizen id; are the two columns swapped?",
                values=keys["number"],
            )  # fmt: skip
        if "citizen" in who:
            numbers = self.text(who["citizen"], "the citizen id")
            keys["alias"] = _by_value(numbers, id_alias)
            wrong = (numbers.notna() & keys["alias"].isna()).to_numpy(bool)
            self.warn(wrong, "id_not_understood", "{value} is no number of a person; the child was sought without it",
                      numbers)  # fmt: skip
            wrong = _by_value(keys["alias"], _mistyped).fillna(False).to_numpy(bool)
            self.warn(wrong, "id_checksum", "the check digit of {value} does not fit; the row was kept", numbers)
        if "passport" in who:
            passports = _by_value(self.text(who["passport"], "the passport"), passport_alias)
            keys["alias"] = keys["alias"].where(keys["alias"].notna(), passports)
        if "key" in who:
            parts = [self.text([header], "the key of the child") for header in who["key"]]
            keys["alias"] = [None if None in part else ":".join(("key", *part)) for part in zip(*parts, strict=True)]
            keys["alias"] = keys["alias"].astype(object)
        named = keys["alias"].notna().to_numpy()
        if "number" in keys:
            named = named | keys["number"].notna().to_numpy()
        self.refuse(~named, "no_learner", "the row names no learner")
        return keys

    def _table(self, table: TableMapping, keys: pd.DataFrame, main: bool) -> None:
        spec = REGISTER[table.name]
        done: dict[str, pd.Series] = {}
        for name in table.columns:
            done[name] = self.column(table, name, done, main)
        if table.name == "identity":
            _mend_names(done)
        frame = keys.assign(**done)
        if table.when:
            said = [self.text([header], table.name).notna().to_numpy() for header in table.when]
            frame = frame[np.logical_or.reduce(said)]
        if table.needs_any:
            frame = self._only(frame, list(table.needs_any), "says_nothing",
                               f"not entered yet: the row has no {' and no '.join(table.needs_any)}")  # fmt: skip
        if not main:
            # A row that says nothing feeds nothing; one that says something must say of which day.
            facts = [
                name
                for name, source in table.columns.items()
                if name not in spec.key and (source.header or source.join or source.count)
            ]
            frame = frame[_any_filled(frame, facts)] if facts else frame
            for name in (c for c in done if c in must_say(spec)):
                title = _title(table.columns[name]) or name
                frame = self._only(frame, [name], f"no_{name}", f"{title} is empty, so {table.name} was left out")
        before = self.out.tables.get(table.name)
        self.out.tables[table.name] = frame if before is None else pd.concat([before, frame])

    def _only(self, frame: pd.DataFrame, columns: list[str], code: str, reason: str) -> pd.DataFrame:
        """Rows with at least one of the columns filled; of the others a warning is kept."""
        lacking = ~_any_filled(frame, columns)
        if not lacking.any():
            return frame
        bad = np.zeros(self.out.rows, bool)
        bad[frame.index.to_numpy()[lacking]] = True
        self.warn(bad, code, reason)
        return frame[~lacking]

    # ------------------------------------------------------------------------------------------ roll pages
    def _pages(self, roll: RollMapping, keys: pd.DataFrame) -> None:
        legend = {_plain(word): ord(mark) for word, mark in roll.marks.items()}
        if roll.layout == "wide":
            days, code, row, mark = self._wide(legend)
        else:
            days, code, row, mark = self._daily(roll.date or "", roll.mark or "", legend)
        said = self.good[row] & (mark != ord(NOT_RECORDED))
        row, code, mark = row[said], code[said], mark[said]
        year = np.array([calendar.academic_year(d, self.settings) for d in days], np.int64)
        place = np.array([calendar.position(d, self.settings) for d in days], np.int64)
        # A page is a child, school and year.
        child, children = _distinct_rows(keys)
        group, page = pd.factorize(child[row] * 10_000 + year[code])
        named = children.take(page // 10_000)
        self.out.page_keys = named.assign(academic_year=page % 10_000).reset_index(drop=True)
        pages = np.full((len(self.out.page_keys), PAGE_DAYS), NOTHING, np.uint8)
        at = place[code] if len(code) else np.zeros(0, np.int64)
        open_day = mark != ord(NO_SCHOOL)  # a closed day gives way to a mark
        pages[group[~open_day], at[~open_day]] = mark[~open_day]
        pages[group[open_day], at[open_day]] = mark[open_day]
        other = np.zeros(self.out.rows, bool)
        other[row[open_day & (pages[group, at] != mark)]] = True
        self.warn(other, "two_marks", "the child has another mark for the day in another row or column; the last was "
                  "taken")  # fmt: skip
        self.out.pages = pages
        self.out.page_of_row = np.full(self.out.rows, -1, np.int32)
        self.out.page_of_row[row] = group

    def _wide(self, legend: dict[str, int]) -> tuple[list[date], np.ndarray, np.ndarray, np.ndarray]:
        """Days, and for each mark its day, row and code: columns whose header is a date.

        A mark the legend lacks leaves that day unsaid, with a warning; so do marks under a header that is no date."""
        days: list[date] = []
        dated, undated = [], []
        known = {at for header in self.mapping.recognise if (at := self.place(header)) is not None}
        for i, cell in enumerate(self.header[: len(self.columns)]):
            if day := _read_date(cell, self.mapping.dates):
                days.append(day)
                dated.append(i)
            elif i not in known:
                undated.append(i)
        if not days:
            seen = ", ".join(cell.strip() for cell in self.header[:12])
            raise RaksaError(
                f"{self.name}: no column header is a date; found: {seen}. Write 16/05/2567 above each day."
            )

        def marks_of(columns: list[int]) -> np.ndarray:
            words = pd.Series([cell for i in columns for cell in self.columns[i]], dtype=object)
            codes, distinct = pd.factorize(words)
            said = [legend.get(_plain(word), _UNKNOWN if self._word(word) else NOTHING) for word in distinct]
            return np.array(said, np.int16)[codes].reshape(len(columns), self.out.rows)

        marks = marks_of(dated)
        for n, i in np.argwhere(marks == _UNKNOWN).tolist():
            column = dated[n]
            self._left_out(i, "bad_mark", f"mark {self.columns[column][i].strip()} on {self.header[column].strip()} is "
                           f"none of {' '.join(legend)}; left out")  # fmt: skip
        for n, i in np.argwhere(marks_of(undated) > 0).tolist() if undated else []:
            column = undated[n]
            self._left_out(i, "bad_day", f"mark {self.columns[column][i].strip()} stands under "
                           f"{self.header[column].strip() or 'no header'!r}, which is no date; left out")  # fmt: skip
        day_at, row_at = np.nonzero(marks > 0)
        return days, day_at, row_at, marks[day_at, row_at].astype(np.uint8)

    def _left_out(self, i: int, code: str, reason: str) -> None:
        if self.good[i]:
            line = int(self.out.lines[i])
            self.out.refused.append(refused_row(self.name, line, code, reason, self.cells[i], kept=True))

    def _daily(
        self, date_header: str, mark_header: str, legend: dict[str, int]
    ) -> tuple[list[date], np.ndarray, np.ndarray, np.ndarray]:
        dates, words = self.text([date_header], "the day"), self.text([mark_header], "the mark")
        self.refuse(dates.isna().to_numpy(), "no_date", f"{date_header} is empty")
        codes, distinct = pd.factorize(dates)
        read = [_read_date(d, self.mapping.dates) for d in distinct]
        impossible = np.array([d is None for d in read] + [False])[codes]
        self.refuse(impossible, "bad_date", f"{date_header} {{value}} is not a date", values=dates)
        self.refuse(words.isna().to_numpy(), "no_mark", f"{mark_header} is empty")
        said = _by_value(words, lambda word: legend.get(_plain(word), _UNKNOWN))
        self.refuse(
            (said == _UNKNOWN).to_numpy(), "bad_mark",
            f"mark {{value}} is none of {' '.join(legend)}; map it under [roll.marks]", values=words,
        )  # fmt: skip
        row = np.flatnonzero(self.good)
        days = sorted({d for d in read if d})
        index = {d: i for i, d in enumerate(days)}
        code = np.array([index[d] if d else -1 for d in read] + [-1])[codes[row]]
        return days, code, row, said.iloc[row].to_numpy(np.uint8)


# ------------------------------------------------------------------------------------------------ single values
def _by_value(values: pd.Series | Sequence[Any] | pa.DictionaryArray, turn: Callable[[Any], Any]) -> pd.Series:
    """Turn each distinct value once. Missing stays None."""
    if isinstance(values, pa.DictionaryArray):
        codes, distinct = values.indices.to_numpy(), values.dictionary.to_pylist()
    else:
        codes, distinct = pd.factorize(pd.Series(values, dtype=object), use_na_sentinel=True)
    turned = np.empty(len(distinct) + 1, object)
    for i, value in enumerate(distinct):
        turned[i] = turn(value)
    turned[-1] = None
    return pd.Series(turned[codes], dtype=object)


def _distinct_rows(keys: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
    """For each row the number of the distinct row it equals, and the distinct rows in the order they come."""
    number = np.zeros(len(keys), np.int64)
    for column in keys.columns:
        codes, distinct = pd.factorize(keys[column], use_na_sentinel=False)
        number, _ = pd.factorize(number * (len(distinct) + 1) + codes)
    first = np.flatnonzero(~pd.Series(number).duplicated().to_numpy())
    return number, keys.take(first).reset_index(drop=True)


def _any_filled(frame: pd.DataFrame, columns: list[str]) -> np.ndarray:
    filled = np.zeros(len(frame), bool)
    for column in columns:
        filled |= frame[column].notna().to_numpy()
    return filled


def _title(source: Source) -> str:
    return (*source.header, *source.join, source.preamble or "")[0].partition("#")[0]


def _code(word: str) -> str | None:
    """A school code or school number: no spaces or hyphens, not the 1001.0 of a number saved as a fraction, nor the
    ="1001" that keeps a spreadsheet from doing so."""
    return re.sub(r"[\s-]", "", word).removeprefix("=").strip('"').removesuffix(".0") or None


def id_alias(word: str) -> str | None:
    """The alias a number stands for: a citizen id, a G-code, or another number long enough to be a person's own.

    None for what people write instead of a number (ไม่มี, 0, 1111111111111), for what Excel has rounded and for what was
    hidden in part (18199..968591): one alias for all of these would make one child of many.

    >>> id_alias("9-9999-00001-00-7"), id_alias("g642100000001"), id_alias("AB123456"), id_alias("1.1002E+12")
    ('citizen:9999900001007', 'g:G642100000001', 'other:ab123456', None)
    """
    if thai.is_masked(word):
        return None
    number = thai.citizen_number(word)
    if number and len(set(number)) > 1:
        return f"citizen:{number}"
    if code := thai.g_code(word):
        return f"g:{code}"
    other = re.sub(r"[\W_]", "", thai.search_key(word))
    digits = re.sub(r"\D", "", other)
    if len(digits) < 5 or len(set(digits)) < 2 or _ROUNDED.fullmatch(word.replace(" ", "")):
        return None
    return f"other:{other}"


def passport_alias(word: str) -> str | None:
    """The alias a passport number stands for; None for what is too short to be one.

    >>> passport_alias("aa 1234567"), passport_alias("-")
    ('passport:AA1234567', None)
    """
    number = re.sub(r"[\W_]", "", thai.arabic(word)).upper()
    return f"passport:{number}" if re.fullmatch(r"(?=.*\d{4})[A-Z0-9]{6,12}", number, re.ASCII) else None


def _is_own_number(word: str) -> bool:
    return len(word) == 13 and bool(thai.citizen_number(word) or thai.g_code(word))


def _mistyped(alias: str) -> bool:
    kind, _, number = alias.partition(":")
    return kind == "citizen" and not thai.citizen_checksum_holds(number)


def _mend_names(done: dict[str, pd.Series]) -> None:
    """A prefix glued to the first name, or written twice, goes where it belongs; short prefixes are written out.

    Where a prefix is given, only that one is taken off the name: นางฟ้า is a name.
    """
    if "first_name" not in done:
        return
    prefixes = done.get("prefix", pd.Series([None] * len(done["first_name"]), dtype=object))
    mended = []
    for prefix, first in zip(prefixes, done["first_name"], strict=True):
        given = thai.PREFIXES.get(prefix, prefix) if prefix else None
        found, rest = thai.split_prefix(first) if first else (None, first)
        mended.append((found, rest) if found and given in (None, found) else (given, first))
    done["prefix"] = pd.Series([prefix for prefix, _ in mended], dtype=object)
    done["first_name"] = pd.Series([first for _, first in mended], dtype=object)


def _term_of(day: date, settings: Settings) -> int:
    """The term a list day belongs to: the last term that began on or before it; the first before any has."""
    year = calendar.academic_year(day, settings)
    begun = [t.number for t in settings.terms if calendar.term_days(year, t.number, settings)[0] <= day]
    return begun[-1] if begun else settings.terms[0].number


def _results_known(year: int, term: int, settings: Settings) -> date:
    """A term the settings lack, such as a summer term, is over when the next year begins."""
    if term and term not in {t.number for t in settings.terms}:
        return calendar.first_day(year + 1, settings) + timedelta(days=settings.results_known_days)
    return calendar.results_known(year, term, settings)


def _value(word: str, spec: Column, dates: str) -> tuple[Any, str | None]:
    """The register's value of a word, or None with what is wrong with it."""
    if pa.types.is_date(spec.type):
        day = _read_date(word, dates)
        return (day, None) if day else (None, "is not a date")
    if pa.types.is_integer(spec.type) or pa.types.is_floating(spec.type):
        return _number(word, spec)
    if spec.values:
        word = _plain(word)
        if word not in spec.values:
            return None, f"is none of {', '.join(spec.values[:20])}"
    return word, None


def _number(word: str, spec: Column) -> tuple[int | float | None, str | None]:
    if not _NUMBER.fullmatch(word):
        return None, "is not a number"
    number = float(word.replace(",", ""))
    if pa.types.is_integer(spec.type) and not number.is_integer():
        return None, "is not a whole number"
    if spec.name == "academic_year":
        number = thai.common_era(int(number)) + BUDDHIST_ERA
    low, high = (2540, 2640) if spec.name == "academic_year" else (spec.low, spec.high)
    if low is not None and number < low:
        return None, f"is below {low:g}"
    if high is not None and number > high:
        return None, f"is above {high:g}"
    if not pa.types.is_integer(spec.type):
        return number, None
    limit = 2 ** (spec.type.bit_width - 1)
    return (int(number), None) if -limit <= number < limit else (None, "is too large")


def counts(refused: list[Refused], kept: bool) -> dict[str, int]:
    """How many by reason code: of rows refused, or (kept) of values left out."""
    return dict(sorted(Counter(r.code for r in refused if r.kept == kept).items()))
