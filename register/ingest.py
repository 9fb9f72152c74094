"""Files in, register rows out, in one transaction: `raksa ingest`.

    recognise ─► convert (each file on its own, spread over processes) ─► schools ─► learners ─► tables ─► one snapshot

A file is recognised by what is in it, not by its name. One bad file stops no other. Rows in = rows kept + rows refused,
for every file; refused rows are kept whole with the reason and come back as a spreadsheet to mend.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import xlsxwriter
from joblib import Parallel, delayed

from raksa import calendar
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import FileReport, Store, page_strings
from raksa.tables import REGISTER, ROLL
from register import mapping as formats
from register.convert import NOTHING, Converted, Refused, convert, counts, find_header, refused_row
from register.identity import known_aliases, learn, look_up, number_alias
from register.mapping import Mapping as FileMapping
from register.readers import Rows, read, read_path

# Reasons that another file may cure: such a file is worth reading again.
_CURABLE = {"unknown_learner", "unknown_school"}
_REFUSED = pa.schema(
    [("file", pa.string()), ("format", pa.string()), ("line", pa.int32()), ("code", pa.string()),
     ("reason", pa.string()), ("kept", pa.bool_()), ("header", pa.string()), ("cells", pa.string())]
)  # fmt: skip


@dataclass(frozen=True)
class ImportReport:
    """What became of each file. `snapshot` is None when nothing was there to import."""

    snapshot: str | None
    files: tuple[FileReport, ...]


@dataclass
class _File:
    path: Path
    report: FileReport
    mapping: FileMapping | None = None
    found: Converted | None = None


def files_in(paths: Iterable[Path]) -> list[Path]:
    """The files named, and all files inside the folders named, sorted. Raises RaksaError for a path not there."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(f for f in path.rglob("*") if f.is_file() and not f.name.startswith((".", "~$")))
        elif path.is_file():
            found.append(path)
        else:
            raise RaksaError(f"{path} does not exist. Check the name; folders are read with all they hold.")
    if not found:
        raise RaksaError("There are no files in the folders named.")
    return found


def ingest(
    store: Store,
    settings: Settings,
    files: list[Path],
    *,
    format: str | None = None,
    mapping: Path | None = None,
    now: datetime,
    progress: Callable[[str], None] | None = None,
) -> ImportReport:
    """Import files in one transaction; a kill at any moment leaves the register as it was.

    `format` and `mapping` say what the files are; otherwise each is recognised. A file that was imported before and
    left nothing to mend changes nothing. Raises RaksaError for an unknown format or a mapping that is not understood.
    """
    say = progress or (lambda _: None)
    given = _given(format, mapping)
    with store.writing():
        say(f"reading {len(files)} files")
        read_files = _read_all(store, settings, files, given)
        good = [f for f in read_files if f.found is not None]
        say("linking rows to schools and learners")
        schools = _schools(store, good)
        _place(good, schools)
        aliases, new_aliases = _learners(store, good)
        tables = _tables(store, settings, good, aliases)
        if len(new_aliases):
            tables["identity_alias"] = _arrow("identity_alias", new_aliases)
        _finish(good)
        reports = tuple(f.report for f in read_files)
        if not good:
            return ImportReport(None, reports)
        say("writing the snapshot")
        snapshot = store.add_snapshot(tables, reports, _refused_table(good), now.isoformat(timespec="seconds"))
        return ImportReport(snapshot, reports)


def _given(format: str | None, mapping: Path | None) -> FileMapping | None:
    if mapping is not None:
        return formats.load(mapping)
    if format is None:
        return None
    known = formats.known_formats()
    if format not in known:
        raise RaksaError(f"There is no format {format!r}. Known formats: {', '.join(known)}.")
    return known[format]


# ------------------------------------------------------------------------------------------------ each file alone
def _read_all(store: Store, settings: Settings, files: list[Path], given: FileMapping | None) -> list[_File]:
    done = {
        report["sha256"]
        for snapshot in store.current().snapshots
        for report in store.snapshot(snapshot)["files"]
        if not report["refused_whole"] and not _CURABLE & set(report["refused"])
    }
    # Starting processes costs more than reading a few files.
    jobs = settings.jobs if len(files) > 20 or sum(f.stat().st_size for f in files) > 20_000_000 else 1
    read_files: list[_File] = Parallel(n_jobs=jobs)(delayed(_read_one)(f, given, settings, done) for f in files)
    seen: set[str] = set()
    for file in read_files:
        if file.report.sha256 in seen and file.found is not None:
            file.found = None
            file.report = replace(file.report, refused_whole=f"{file.report.name}: the same file was given twice.")
        seen.add(file.report.sha256)
    return read_files


def _read_one(path: Path, given: FileMapping | None, settings: Settings, done: set[str]) -> _File:
    """Read, recognise and convert one file; what goes wrong is in its report."""
    name = path.name
    report = FileReport(name, "", None)
    try:
        content = read_path(path)
        report = replace(report, sha256=hashlib.sha256(content).hexdigest())
        if report.sha256 in done:
            raise RaksaError(f"{name} was imported before; nothing changed.")
        rows = read(name, content, given.encodings if given else ("utf-8-sig", "cp874"))
        mapping = given or recognise(name, rows)
        report = replace(report, format=mapping.name)
        found = convert(name, rows, mapping, settings)
        return _File(path, replace(report, rows=found.rows), mapping, found)
    except RaksaError as wrong:
        return _File(path, replace(report, refused_whole=str(wrong)))


def recognise(name: str, rows: Rows) -> FileMapping:
    """The format whose headers a file has; of several, the one that asks for most. Raises RaksaError for none."""
    fitting = [m for m in formats.known_formats().values() if m.kind == rows.kind and find_header(rows, m) is not None]
    fitting.sort(key=lambda m: -len(m.recognise))
    if not fitting or (len(fitting) > 1 and len(fitting[0].recognise) == len(fitting[1].recognise)):
        seen = " | ".join(cell.strip() for cell in (rows.cells[0] if rows.cells else [])[:8])
        why = f"looks like {fitting[0].name} and {fitting[1].name}" if fitting else "is in no format we know"
        raise RaksaError(
            f"{name} {why}; it begins {seen[:120]!r}. Say which with --format ({', '.join(formats.known_formats())}), "
            "or write a mapping file and give it with --mapping."
        )
    return fitting[0]


# ------------------------------------------------------------------------------------------------ across files
def _schools(store: Store, files: list[_File]) -> dict[str, str]:
    """School id of every code in use: school ids themselves and 10-digit codes, of the register and of these files."""
    held = store.read("school").to_pandas()
    listed = [f.found.tables["school"] for f in files if f.found and "school" in f.found.tables]
    frames = [held.assign(school=held["school_id"]), *listed]
    codes: dict[str, str] = {}
    for frame in frames:
        codes |= {s: s for s in frame["school"].dropna()}
        if "code10" in frame:
            pairs = frame[["code10", "school"]].dropna()
            codes |= dict(zip(pairs["code10"], pairs["school"], strict=True))
    return codes


def _place(files: list[_File], schools: Mapping[str, str]) -> None:
    """Turn school codes into school ids; rows of a school nobody lists are refused."""
    for file in files:
        found = file.found
        assert found is not None
        wrong: set[int] = set()
        for name, frame in found.tables.items():
            if "school" in frame:
                frame["school_id"] = [schools.get(s) for s in frame["school"]]
                wrong |= set(frame.index[frame["school_id"].isna()])
                found.tables[name] = frame[frame["school_id"].notna()]
        if found.page_keys is not None and found.pages is not None:
            found.page_keys["school_id"] = [schools.get(s) for s in found.page_keys["school"]]
            wrong |= _drop_pages(found, found.page_keys["school_id"].isna().to_numpy())
        _refuse_late(
            file, wrong, "unknown_school", "no school list names its school; import the area's school list first"
        )


def _learners(store: Store, files: list[_File]) -> tuple[dict[str, int], pd.DataFrame]:
    """Every alias with its learner, and the aliases these files' lists taught us."""
    known = known_aliases(store)
    lists = []
    for file in files:
        assert file.found is not None and file.mapping is not None
        if file.mapping.lists_learners:
            frame = file.found.tables["enrolment"]
            births = file.found.tables["learner"]["birth_date"] if "learner" in file.found.tables else None
            lists.append(
                pd.DataFrame(
                    {
                        "alias": frame["alias"],
                        "number_alias": number_alias(frame["school_id"], frame["number"])
                        if "number" in frame
                        else None,
                        "birth_date": births.reindex(frame.index) if births is not None else None,
                        "known_on": frame["listed_on"],
                    }
                )
            )
    if not lists:
        return known, pd.DataFrame()
    taught = learn(known, pd.concat(lists, ignore_index=True), store.identity.id_key, _earlier(store, known))
    return known | dict(zip(taught["alias"], taught["learner_id"], strict=True)), taught


def _earlier(store: Store, known: Mapping[str, int]) -> pd.DataFrame:
    """School numbers of the register with the birth date of their learner."""
    births = store.read("learner").to_pandas().dropna(subset=["birth_date"]).sort_values("known_on")
    born = births.drop_duplicates("learner_id", keep="last").set_index("learner_id")["birth_date"]
    numbers = [(alias, learner) for alias, learner in known.items() if alias.startswith("number:")]
    frame = pd.DataFrame(numbers, columns=["number_alias", "learner_id"])
    return frame.assign(birth_date=frame["learner_id"].map(born)).dropna(subset=["birth_date"])


def _identify(frame: pd.DataFrame, aliases: Mapping[str, int]) -> pd.Series:
    by = [frame["alias"].tolist()] if "alias" in frame else []
    if "number" in frame:
        by.append([f"number:{s}:{n}" for s, n in zip(frame["school_id"], frame["number"], strict=True)])
    return pd.Series(look_up(aliases, *by), index=frame.index, dtype="Int64")


def _tables(store: Store, settings: Settings, files: list[_File], aliases: Mapping[str, int]) -> dict[str, pa.Table]:
    """Register tables of all files together, the later of the same key kept."""
    parts: dict[str, list[pd.DataFrame]] = {}
    snapshot = len(store.current().snapshots) + 1
    for number, file in enumerate(files, start=1):
        found, mapping = file.found, file.mapping
        assert found is not None and mapping is not None
        wrong: set[int] = set()
        for name, frame in found.tables.items():
            if REGISTER[name].by_learner:
                frame["learner_id"] = _identify(frame, aliases)
                wrong |= set(frame.index[frame["learner_id"].isna()])
        if found.page_keys is not None and found.pages is not None:
            found.page_keys["learner_id"] = _identify(found.page_keys, aliases)
            wrong |= _drop_pages(found, found.page_keys["learner_id"].isna().to_numpy())
        _refuse_late(
            file,
            wrong,
            "unknown_learner",
            "no list names this learner; import the school's pupil list first, then this file",
        )
        for name, frame in found.tables.items():
            frame = frame[~frame.index.isin(wrong)].assign(source=f"{snapshot:06d}#{number}")
            key = [k for k in REGISTER[name].key if k in frame]
            twice = int(frame.duplicated(key).sum()) if name == next(iter(found.tables)) else 0
            if twice:
                file.report = replace(file.report, warnings={**file.report.warnings, "same_key_twice": twice})
            parts.setdefault(name, []).append(frame)
    tables = {
        name: _arrow(name, pd.concat(frames, ignore_index=True)) for name, frames in parts.items() if name != "school"
    }
    if "school" in parts:
        tables["school"] = _school_table(store, parts["school"])
    if any(f.found and f.found.pages is not None for f in files):
        tables["roll"] = _fold(store, settings, files, tables.get("holiday"), snapshot)
    return tables


def _school_table(store: Store, frames: list[pd.DataFrame]) -> pa.Table:
    """Schools as area lists give them; a pupil list only adds schools that no area list has named yet."""
    named = set(store.read("school", columns=["school_id"])["school_id"].to_pylist())
    lists = [f for f in frames if "area_id" in f]
    named |= {s for f in lists for s in f["school_id"]}
    others = [f[~f["school_id"].isin(named)].assign(area_id="unknown") for f in frames if "area_id" not in f]
    return _arrow("school", pd.concat([*others, *lists], ignore_index=True))


def _fold(store: Store, settings: Settings, files: list[_File], holidays: pa.Table | None, snapshot: int) -> pa.Table:
    """Roll pages of all files: marks laid over each other in file order, then over the school's blank page."""
    keys, pages = [], []
    for number, file in enumerate(files, start=1):
        assert file.found is not None
        if file.found.page_keys is not None and file.found.pages is not None:
            keys.append(file.found.page_keys.assign(source=f"{snapshot:06d}#{number}"))
            pages.append(file.found.pages)
    whole, marks = pd.concat(keys, ignore_index=True), np.concatenate(pages)
    key = list(ROLL.key)
    group = whole.groupby(key, sort=True).ngroup().to_numpy()
    one = whole.assign(group=group).drop_duplicates("group", keep="last").sort_values("group")
    out = np.full((len(one), marks.shape[1]), NOTHING, np.uint8)
    start = 0
    for part in pages:  # pages of one file are distinct, so plain assignment is safe
        into = group[start : start + len(part)]
        if len(np.unique(into)) == len(into):
            out[into] = np.where(part != NOTHING, part, out[into])
        else:  # two school numbers of one child in one file
            for at, row in zip(into, part, strict=True):
                out[at] = np.where(row != NOTHING, row, out[at])
        start += len(part)
    closed = _closed_days(store, holidays)
    for year, school in one[["academic_year", "school_id"]].drop_duplicates().itertuples(index=False):
        at = np.flatnonzero((one["school_id"] == school).to_numpy() & (one["academic_year"] == year).to_numpy())
        blank = calendar.blank_page(int(year), settings, frozenset(closed.get(None, set()) | closed.get(school, set())))
        out[at] = np.where(out[at] != NOTHING, out[at], blank)
    table = pa.Table.from_pandas(one[[*key, "source"]], preserve_index=False).append_column("marks", page_strings(out))
    return table.select(ROLL.schema.names).cast(ROLL.schema)


def _closed_days(store: Store, arriving: pa.Table | None) -> dict[str | None, set[date]]:
    closed: dict[str | None, set[date]] = {}
    for table in (store.read("holiday"), arriving):
        if table is not None:
            for school, day in zip(table["school_id"].to_pylist(), table["day"].to_pylist(), strict=True):
                closed.setdefault(school, set()).add(day)
    return closed


def _drop_pages(found: Converted, bad: np.ndarray) -> set[int]:
    """Take out pages; the rows that made them."""
    assert found.page_keys is not None and found.pages is not None and found.page_of_row is not None
    if not bad.any():
        return set()
    rows = np.flatnonzero((found.page_of_row >= 0) & bad[found.page_of_row])
    keep = ~bad
    moved = np.append(np.where(keep, np.cumsum(keep) - 1, -1), -1)
    found.page_of_row = moved[found.page_of_row]
    found.page_keys, found.pages = found.page_keys[keep], found.pages[keep]
    return set(rows.tolist())


def _refuse_late(file: _File, rows: set[int], code: str, reason: str) -> None:
    """Refuse rows after conversion. Their cells are read again: carrying every cell along would cost more."""
    if not rows:
        return
    found, mapping = file.found, file.mapping
    assert found is not None and mapping is not None
    again = read(file.path.name, read_path(file.path), mapping.encodings)
    cells = dict(zip(again.lines, again.cells, strict=True))
    for i in sorted(rows):
        line = int(found.lines[i])
        found.refused.append(refused_row(file.path.name, line, code, reason, cells[line]))


def _finish(files: list[_File]) -> None:
    """Count what was kept and refused. A row is refused once, whatever else is wrong with it."""
    for file in files:
        found = file.found
        assert found is not None
        refused_lines: set[int] = set()
        once: list[Refused] = []
        for each in found.refused:
            if each.kept or each.line not in refused_lines:
                once.append(each)
            if not each.kept:
                refused_lines.add(each.line)
        found.refused = [r for r in once if not (r.kept and r.line in refused_lines)]
        file.report = replace(
            file.report,
            kept=found.rows - len(refused_lines),
            refused=counts(found.refused, kept=False),
            warnings={**file.report.warnings, **counts(found.refused, kept=True)},
        )


def _arrow(name: str, frame: pd.DataFrame) -> pa.Table:
    """A register table in its schema, the last of each key kept; columns the files do not have are null."""
    spec = REGISTER[name]
    frame = frame.drop_duplicates([k for k in spec.key if k in frame], keep="last")
    columns = {}
    for column in spec.columns:
        if column.name in frame:
            values = frame[column.name]
            values = values.astype(object).where(values.notna(), None)
            columns[column.name] = pa.array(values, column.type, from_pandas=True)
        else:
            columns[column.name] = pa.nulls(len(frame), column.type)
    return pa.table(columns, schema=spec.schema)


# ------------------------------------------------------------------------------------------------ for people
def _refused_table(files: list[_File]) -> pa.Table:
    rows: list[dict[str, Any]] = []
    for file in files:
        assert file.found is not None
        header = json.dumps(file.found.header, ensure_ascii=False)
        about = {"file": file.report.name, "format": file.report.format, "header": header}
        rows += [
            {**about, "line": r.line, "code": r.code, "reason": r.reason, "kept": r.kept, "cells": r.cells}
            for r in file.found.refused
        ]
    return pa.Table.from_pylist(rows, schema=_REFUSED)


def report_tables(report: ImportReport) -> list[dict[str, Any]]:
    """A row per format for the files read, and a row for each file refused whole."""
    out: list[dict[str, Any]] = []
    read_files = [f for f in report.files if not f.refused_whole]
    for name in sorted({f.format or "" for f in read_files}):
        own = [f for f in read_files if f.format == name]
        reasons = _sum(f.refused for f in own)
        left_out = _sum(f.warnings for f in own)
        out.append(
            {
                "format": name,
                "files": len(own),
                "rows": sum(f.rows for f in own),
                "kept": sum(f.kept for f in own),
                "refused": sum(reasons.values()),
                "reasons": ", ".join(f"{code} {n}" for code, n in reasons.items()),
                "kept with a warning": ", ".join(f"{code} {n}" for code, n in left_out.items()),
            }
        )
    for file in report.files:
        if file.refused_whole:
            out.append({"format": "-", "files": 1, "rows": 0, "kept": 0, "refused": 0, "reasons": file.refused_whole,
                        "kept with a warning": ""})  # fmt: skip
    return out


def _sum(many: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in many:
        for code, n in each.items():
            total[code] = total.get(code, 0) + n
    return dict(sorted(total.items(), key=lambda item: -item[1]))


def refused_rows_to_xlsx(store: Store, snapshot: str, path: Path) -> int:
    """Refused rows of an import as a workbook to mend: a sheet per format, the file's own header, the reason in front.

    Returns how many rows. Cells are text; nothing in them is taken for a formula.
    """
    table = store.refused(snapshot)
    rows = [r for r in table.to_pylist() if not r["kept"]] if table is not None else []
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheets: dict[tuple[str, str], Any] = {}
        filled: dict[tuple[str, str], int] = {}
        for row in rows:
            which = (row["format"], row["header"])
            if which not in sheets:
                sheets[which] = book.add_worksheet(f"{row['format'][:24]} {len(sheets) + 1}")
                sheets[which].write_row(0, 0, ["เหตุที่ไม่รับ / reason", *json.loads(row["header"])])
                filled[which] = 1
            sheets[which].write_row(filled[which], 0, [row["reason"], *json.loads(row["cells"])])
            filled[which] += 1
        if not sheets:
            book.add_worksheet("0").write(0, 0, "ไม่มีแถวที่ไม่รับ / no refused rows")
    return len(rows)
