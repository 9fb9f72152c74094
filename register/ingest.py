"""Files in, register rows out, in one transaction: `raksa ingest`.

    recognise ─► convert (each file on its own, spread over processes) ─► schools ─► learners ─► tables ─► one snapshot

A file is recognised by what is in it, not by its name. One bad file stops no other. Rows in = rows kept + rows refused,
for every file; refused rows are kept whole with the reason and come back as a spreadsheet to mend.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

from raksa import calendar
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import FileReport, Store, page_strings
from raksa.tables import NO_SCHOOL, PAGE_DAYS, REGISTER, ROLL
from register import identity
from register import mapping as formats
from register.convert import (
    NOTHING,
    Converted,
    Refused,
    convert,
    counts,
    find_header,
    first_cells,
    headers,
    refused_row,
)
from register.identity import Known, number_alias
from register.mapping import Mapping as FileMapping
from register.readers import Rows, read, read_path

# Reasons that another file may cure: such a file is worth reading again.
_CURABLE = {"unknown_learner", "unknown_school", "number_of_several"}
_REFUSED = pa.schema(
    [("file", pa.string()), ("format", pa.string()), ("line", pa.int32()), ("code", pa.string()),
     ("reason", pa.string()), ("kept", pa.bool_()), ("above", pa.string()), ("header", pa.string()),
     ("cells", pa.string())]
)  # fmt: skip
_CLOSED = ord(NO_SCHOOL)
_BITS = 32  # a row of an import as one number: file number, then row within the file


@dataclass(frozen=True)
class ImportReport:
    """What became of each file. `snapshot` is None when nothing was there to import."""

    snapshot: str | None
    files: tuple[FileReport, ...]


@dataclass
class _File:
    """One file, or one sheet of a workbook that has several. `number` is its place in the report, from 1."""

    path: Path
    report: FileReport
    sheet: str = ""
    number: int = 0
    mapping: FileMapping | None = None
    found: Converted | None = None


@dataclass
class _Together:
    """What all files of an import say. Each row of a table, and each page, carries `row`: its file and place there.

    `row_of` and `page_of` stand side by side: the rows that made a page, and that page.
    """

    files: dict[int, _File]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    page_keys: pd.DataFrame = field(default_factory=pd.DataFrame)
    pages: np.ndarray = field(default_factory=lambda: np.zeros((0, PAGE_DAYS), np.uint8))
    row_of: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    page_of: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


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
        read_files = _read_all(store, settings, files, given, again=mapping is not None)
        good = {f.number: f for f in read_files if f.found is not None}
        if not good:
            return ImportReport(None, tuple(f.report for f in read_files))
        say("linking rows to schools and learners")
        together = _put_together(good)
        _name_schools(store, together)
        who = identity.known(store)
        before = dict(who.aliases)
        _name_learners(settings, together, who)
        _refuse_repeated(together)
        tables = _tables(store, settings, together)
        tables["identity_alias"] = _alias_table(store, together, who, before)
        _finish(good)
        reports = tuple(f.report for f in read_files)
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
        raise RaksaError(f"There is no format {format!r}. Known formats: {', '.join(known)}. Choose one of them.")
    return known[format]


# ------------------------------------------------------------------------------------------------ each file alone
def _read_all(
    store: Store, settings: Settings, files: list[Path], given: FileMapping | None, *, again: bool
) -> list[_File]:
    """Every file read and converted. `again`: also those imported before, for a mapping file may have been mended."""
    done = set() if again else _done(store, given.name if given else None)
    # Starting processes costs more than reading a few files.
    jobs = settings.jobs if len(files) > 20 or sum(f.stat().st_size for f in files) > 20_000_000 else 1
    found: list[list[_File]] = Parallel(n_jobs=jobs)(delayed(_read_one)(f, given, settings, done) for f in files)
    if jobs != 1:
        # Idle workers would keep 200 MB each through the linking, where memory is needed most.
        get_reusable_executor().shutdown(wait=True)
    seen: set[tuple[str, str]] = set()
    read_files = [file for sheets in found for file in sheets]
    for number, file in enumerate(read_files, start=1):
        file.number = number
        same = (file.report.sha256, file.sheet)
        if same in seen and file.found is not None:
            file.found = None
            file.report = replace(
                file.report, rows=0, refused_whole=f"{file.report.name}: the same file was given twice."
            )
        seen.add(same)
    return read_files


def _done(store: Store, format: str | None) -> set[str]:
    """Digests of files that were taken (as this format, where one is given) and left nothing another file may cure."""
    done = set()
    for snapshot in store.current().snapshots:
        taken: dict[str, list[dict[str, Any]]] = {}
        for report in store.snapshot(snapshot)["files"]:
            if report["format"] and not report["refused_whole"] and format in (None, report["format"]):
                taken.setdefault(report["sha256"], []).append(report)
        done |= {sha for sha, reports in taken.items() if not any(_CURABLE & set(r["refused"]) for r in reports)}
    return done


def _read_one(path: Path, given: FileMapping | None, settings: Settings, done: set[str]) -> list[_File]:
    """Read, recognise and convert one file; a workbook may hold several lists. What goes wrong is in the report."""
    report = FileReport(path.name, "", None)
    try:
        content = read_path(path)
        report = replace(report, sha256=hashlib.sha256(content).hexdigest())
        if report.sha256 in done:
            return [_File(path, replace(report, before=True))]
        sheets = read(path.name, content, _encodings(given))
    except RaksaError as wrong:
        return [_File(path, replace(report, refused_whole=str(wrong)))]
    return [_read_sheet(path, rows, report, given, settings) for rows in sheets]


def _read_sheet(path: Path, rows: Rows, report: FileReport, given: FileMapping | None, settings: Settings) -> _File:
    name = f"{path.name} [{rows.sheet}]" if rows.sheet else path.name
    report = replace(report, name=name)
    try:
        if rows.not_read:
            raise RaksaError(f"{name}: {rows.not_read}.")
        seen = headers(rows)
        mapping = given or recognise(name, rows, seen)
        report = replace(report, format=mapping.name)
        found = convert(name, rows, mapping, settings, seen)
    except RaksaError as wrong:
        return _File(path, replace(report, refused_whole=str(wrong)), rows.sheet)
    return _File(path, replace(report, rows=found.rows), rows.sheet, mapping=mapping, found=found)


def _encodings(given: FileMapping | None) -> tuple[str, ...]:
    return given.encodings if given else ("utf-8-sig", "cp874")


def recognise(name: str, rows: Rows, seen: list[frozenset[str]]) -> FileMapping:
    """The format whose headers a file has; of several, the one that asks for most. Raises RaksaError for none."""
    fitting = [m for m in formats.known_formats().values() if find_header(seen, m) is not None]
    fitting.sort(key=lambda m: -len(m.recognise))
    if not fitting or (len(fitting) > 1 and len(fitting[0].recognise) == len(fitting[1].recognise)):
        why = f"looks like {fitting[0].name} and {fitting[1].name}" if fitting else "is in no format we know"
        raise RaksaError(
            f"{name} {why}; it begins {first_cells(rows)!r}. Say which with --format "
            f"({', '.join(formats.known_formats())}), or write a mapping file and give it with --mapping."
        )
    return fitting[0]


# ------------------------------------------------------------------------------------------------ across files
def _put_together(files: dict[int, _File]) -> _Together:
    """The tables of all files as one each, in the order of the files, so that what follows is done once."""
    out = _Together(files)
    parts: dict[str, list[pd.DataFrame]] = {}
    places: dict[str, list[np.ndarray]] = {}
    keys, pages, row_of, page_of = [], [], [], []
    start = 0
    for number, file in files.items():
        found = file.found
        assert found is not None
        base = number << _BITS
        for name, frame in found.tables.items():
            if len(frame):
                parts.setdefault(name, []).append(frame)
                places.setdefault(name, []).append(frame.index.to_numpy(np.int64) + base)
        if found.page_keys is not None and found.pages is not None and found.page_of_row is not None:
            rows = np.flatnonzero(found.page_of_row >= 0)
            keys.append(found.page_keys.assign(file=number))
            pages.append(found.pages)
            row_of.append(rows + base)
            page_of.append(found.page_of_row[rows] + start)
            start += len(found.pages)
        found.tables, found.page_keys, found.pages, found.page_of_row = {}, None, None, None
    for name, frames in parts.items():
        out.tables[name] = pd.concat(frames, ignore_index=True).assign(row=np.concatenate(places[name]))
    if pages:
        out.page_keys = pd.concat(keys, ignore_index=True)
        out.pages, out.row_of, out.page_of = np.concatenate(pages), np.concatenate(row_of), np.concatenate(page_of)
    return out


def _file_of(rows: pd.Series) -> np.ndarray:
    """Number of the file each row stands in."""
    numbers: np.ndarray = rows.to_numpy(np.int64) >> _BITS
    return numbers


def _refuse(together: _Together, rows: Iterable[int], code: str, reason: str) -> None:
    """Refuse rows after conversion, and take out all they fed. Their cells are read again: carrying every cell along
    would cost more."""
    wrong = np.unique(np.fromiter(rows, np.int64))
    if not len(wrong):
        return
    for name, frame in together.tables.items():
        together.tables[name] = frame[~frame["row"].isin(wrong).to_numpy()].reset_index(drop=True)
    bad = np.isin(together.row_of, wrong)
    if bad.any():
        keep = np.ones(len(together.pages), bool)
        keep[together.page_of[bad]] = False
        moved = np.cumsum(keep) - 1
        together.page_keys = together.page_keys[keep].reset_index(drop=True)
        together.pages = together.pages[keep]
        left = keep[together.page_of]
        together.row_of, together.page_of = together.row_of[left], moved[together.page_of[left]]
    for number in np.unique(wrong >> _BITS).tolist():
        file = together.files[number]
        assert file.found is not None
        cells = _cells_again(file)
        for i in (wrong[wrong >> _BITS == number] & ((1 << _BITS) - 1)).tolist():
            line = int(file.found.lines[i])
            file.found.refused.append(refused_row(file.report.name, line, code, reason, cells[line]))


def _cells_again(file: _File) -> dict[int, list[str]]:
    content = read_path(file.path)
    if hashlib.sha256(content).hexdigest() != file.report.sha256:
        raise RaksaError(f"{file.path.name} changed while it was read. Nothing was imported; try again.")
    sheets = read(file.path.name, content, file.mapping.encodings if file.mapping else _encodings(None))
    rows = next(rows for rows in sheets if rows.sheet == file.sheet)
    return dict(zip(rows.lines, rows.cells, strict=True))


def _name_schools(store: Store, together: _Together) -> None:
    """Turn school codes into school ids; rows of a school nobody lists are refused.

    A code is a school id or a 10-digit code, of the register or of a list in this import.
    """
    frames = [store.read("school", columns=["school_id", "code10"]).to_pandas()]
    if "school" in together.tables:
        frames.append(together.tables["school"].rename(columns={"school": "school_id"}))
    codes: dict[str, str] = {}
    for frame in frames:
        if "code10" in frame:
            pairs = frame[["code10", "school_id"]].dropna()
            codes |= dict(zip(pairs["code10"], pairs["school_id"], strict=True))
    for frame in frames:  # a school's own id comes before another's 10-digit code
        codes |= {s: s for s in frame["school_id"].dropna()}
    wrong: set[int] = set()
    for frame in together.tables.values():
        if "school" in frame:
            frame["school_id"] = _looked_up(frame["school"], codes)
            wrong |= set(frame.loc[frame["school_id"].isna(), "row"])
        elif "school_id" in frame:  # holidays: of one school, or of all
            known = _looked_up(frame["school_id"], codes)
            wrong |= set(frame.loc[known.isna() & frame["school_id"].notna(), "row"])
            frame["school_id"] = known
    if len(together.page_keys):
        together.page_keys["school_id"] = _looked_up(together.page_keys["school"], codes)
        unknown = together.page_keys["school_id"].isna().to_numpy()
        wrong |= set(together.row_of[unknown[together.page_of]].tolist())
    reason = "no school list names its school; import the area's school list first, then this file"
    _refuse(together, wrong, "unknown_school", reason)


def _looked_up(words: pd.Series, codes: Mapping[str, str]) -> pd.Series:
    return pd.Series([codes.get(word) for word in words], index=words.index, dtype=object)


def _name_learners(settings: Settings, together: _Together, who: Known) -> None:
    """learner_id for every row and page. Lists teach who is who; what the others name must be known by then."""
    lists = _lists(together)
    listed: dict[int, int] = {}
    if len(lists):
        listed = dict(zip(lists["row"].tolist(), identity.learn_lists(who, lists).tolist(), strict=True))
    unknown: set[int] = set()
    shared: set[int] = set()
    for name, frame in together.tables.items():
        if REGISTER[name].by_learner:
            rows = frame["row"].tolist()
            sought = _find(who, frame, _years(frame, settings))
            learners = [listed.get(row) or learner for row, (learner, _) in zip(rows, sought, strict=True)]
            frame["learner_id"] = pd.array(learners, dtype="Int64")
            for row, learner, (_, several) in zip(rows, learners, sought, strict=True):
                if learner is None:
                    (shared if several else unknown).add(row)
    if len(together.page_keys):
        sought = _find(who, together.page_keys, together.page_keys["academic_year"].tolist())
        together.page_keys["learner_id"] = pd.array([learner for learner, _ in sought], dtype="Int64")
        nobody = np.array([learner is None for learner, _ in sought], bool)
        ambiguous = np.array([more for _, more in sought], bool)
        for rows_of, pages in ((shared, nobody & ambiguous), (unknown, nobody & ~ambiguous)):
            rows_of |= set(together.row_of[pages[together.page_of]].tolist())
    _refuse(
        together, shared, "number_of_several",
        "several learners have had its school number, and no list says which of them had it that year; import the "
        "pupil list of that year first, then this file",
    )  # fmt: skip
    _refuse(
        together, unknown - shared, "unknown_learner",
        "no list names this learner; import the school's pupil list first, then this file",
    )  # fmt: skip


def _lists(together: _Together) -> pd.DataFrame:
    """Rows of the pupil lists: who stands where under which number, born when."""
    frame = together.tables.get("enrolment")
    if frame is None:
        return pd.DataFrame()
    if "number" in frame:
        own = frame["student_number"] if "student_number" in frame else frame["number"]
        frame["student_number"] = own.where(own.notna(), frame["number"])
    numbers = [n for n, file in together.files.items() if file.mapping is not None and file.mapping.lists_learners]
    frame = frame[np.isin(_file_of(frame["row"]), numbers)]
    births: pd.Series = pd.Series(dtype=object)
    if "learner" in together.tables and "birth_date" in together.tables["learner"]:
        births = together.tables["learner"].set_index("row")["birth_date"]
    return pd.DataFrame(
        {
            "row": frame["row"],
            "alias": frame["alias"],
            "number_alias": _number_aliases(frame),
            "birth_date": births.reindex(frame["row"]).to_numpy(object),
            "known_on": frame["listed_on"],
            "academic_year": frame["academic_year"],
        }
    )


def _number_aliases(frame: pd.DataFrame) -> list[str | None]:
    if "number" not in frame or "school_id" not in frame:
        return [None] * len(frame)
    return number_alias(frame["school_id"], frame["number"])


def _find(who: Known, frame: pd.DataFrame, years: list[int | None]) -> list[tuple[int | None, bool]]:
    """Learner of each row; and where there is none, whether the school number has belonged to several."""
    aliases = [a if isinstance(a, str) else None for a in frame["alias"]] if "alias" in frame else [None] * len(frame)
    found: dict[tuple[str | None, str | None, int | None], tuple[int | None, bool]] = {}
    out = []
    for key in zip(aliases, _number_aliases(frame), years, strict=True):
        if key not in found:
            learner = who.find(*key)
            found[key] = (learner, learner is None and len(who.holders(key[1])) > 1)
        out.append(found[key])
    return out


def _years(frame: pd.DataFrame, settings: Settings) -> list[int | None]:
    """Academic year a row is about: its own, or that of its day."""
    if "academic_year" in frame:
        return [int(year) for year in frame["academic_year"]]
    day = next((c for c in ("left_on", "surveyed_on", "measured_on", "known_on") if c in frame), None)
    if day is None:
        return [None] * len(frame)
    return [calendar.academic_year(d, settings) if isinstance(d, date) else None for d in frame[day]]


def _refuse_repeated(together: _Together) -> None:
    """Of several rows of one file about the same fact the last is taken. Where they differ the others are refused, so
    that no child is lost behind another under the same number; a row that merely stands twice is counted."""
    for name, frame in list(together.tables.items()):
        main = [n for n, f in together.files.items() if f.mapping is not None and f.mapping.tables[:1]
                and f.mapping.tables[0].name == name]  # fmt: skip
        own = frame.assign(file=_file_of(frame["row"]))
        own = own[own["file"].isin(main)]
        key = ["file", *(k for k in REGISTER[name].key if k in own)]
        again = own[own.duplicated(key, keep=False)]
        if not len(again):
            continue
        said = _all_said(together, again["row"])
        last = again.groupby(key, dropna=False, sort=False)["row"].transform("max")
        same = np.array([said[a] == said[b] for a, b in zip(again["row"], last, strict=True)], bool)
        earlier = (again["row"] != last).to_numpy()
        for number, count in zip(*np.unique(again["file"][earlier & same], return_counts=True), strict=True):
            _count(together.files[int(number)], "same_row_twice", int(count))
        _refuse(
            together, again["row"][earlier & ~same], "same_key_twice",
            "a later row of the file is about the same learner or thing and says otherwise; the later one was taken",
        )  # fmt: skip


def _count(file: _File, code: str, rows: int) -> None:
    """Put a warning into the file's report."""
    file.report = replace(file.report, warnings={**file.report.warnings, code: rows})


def _all_said(together: _Together, rows: pd.Series) -> dict[int, list[tuple[object, ...]]]:
    """What all tables say in these rows, as text, so that rows can be compared."""
    said: dict[int, list[tuple[object, ...]]] = {row: [] for row in rows}
    for name, frame in together.tables.items():
        part = frame[frame["row"].isin(said)]
        columns = [c for c in part.columns if c != "row"]
        for row, values in zip(part["row"], part[columns].astype(str).itertuples(index=False, name=None), strict=True):
            said[row].append((name, *values))
    return said


# ------------------------------------------------------------------------------------------------ the tables
def _tables(store: Store, settings: Settings, together: _Together) -> dict[str, pa.Table]:
    """Register tables of all files together, the later file's row of the same key kept."""
    snapshot = len(store.current().snapshots) + 1
    tables: dict[str, pa.Table] = {}
    for name, frame in together.tables.items():
        frame["source"] = [f"{snapshot:06d}#{row >> _BITS}" for row in frame["row"]]
        if name == "identity" and "alias" in frame:
            frame = _with_number(frame)
        if name == "school":
            frame = _with_area(store, together, frame)
        tables[name] = _arrow(name, frame)
    if len(together.page_keys):
        tables["roll"] = _fold(store, settings, together, tables.get("holiday"), snapshot)
    return tables


def _with_number(frame: pd.DataFrame) -> pd.DataFrame:
    """The number a list names the child by, beside her name."""
    kinds = {"citizen": "citizen", "g": "g_code", "other": "other"}
    parts = [alias.partition(":") if isinstance(alias, str) else ("", "", "") for alias in frame["alias"]]
    frame = frame.assign(id_type=pd.Series([kinds.get(kind) for kind, _, _ in parts], frame.index, dtype=object))
    numbers = [number.upper() if kind in kinds else None for kind, _, number in parts]
    return frame.assign(id_number=pd.Series(numbers, frame.index, dtype=object))


def _with_area(store: Store, together: _Together, frame: pd.DataFrame) -> pd.DataFrame:
    """Schools as area lists give them; a pupil list only adds a school that no area list has named yet. Its area is
    `unknown` until one does, and every row of its lists is counted as a warning."""
    if "area_id" not in frame:
        frame = frame.assign(area_id=None)
    listed = frame["area_id"].notna()
    named = set(store.read("school", columns=["school_id"])["school_id"].to_pylist())
    named |= set(frame.loc[listed, "school_id"])
    others = frame[~listed & ~frame["school_id"].isin(named)].assign(area_id="unknown")
    lacking = set(others["school_id"])
    held = store.read("school", columns=["school_id", "area_id"]).to_pandas()
    lacking |= set(held.loc[held["area_id"] == "unknown", "school_id"]) - set(frame.loc[listed, "school_id"])
    waiting = frame[~listed & frame["school_id"].isin(lacking)]
    for number, count in zip(*np.unique(_file_of(waiting["row"]), return_counts=True), strict=True):
        _count(together.files[int(number)], "school_without_area", int(count))
    return pd.concat([others, frame[listed]], ignore_index=True)


def _alias_table(store: Store, together: _Together, who: Known, before: Mapping[str, int]) -> pa.Table:
    """Aliases that are new or name another learner now, each with the first day a list of this import showed it."""
    new = {alias: who.now(learner) for alias, learner in who.aliases.items()}
    new = {alias: learner for alias, learner in new.items() if before.get(alias) != learner}
    shown: dict[str, tuple[date, int]] = {}
    lists = _lists(together)
    if new and len(lists):
        lists = lists.sort_values("known_on", kind="stable", ascending=False)
        for column in ("alias", "number_alias"):
            shown |= dict(zip(lists[column], zip(lists["known_on"], lists["row"], strict=True), strict=True))
    snapshot = len(store.current().snapshots) + 1
    rows = []
    for alias, learner in new.items():
        day, row = shown.get(alias, (None, None))
        source = f"{snapshot:06d}" if row is None else f"{snapshot:06d}#{row >> _BITS}"
        rows.append({"alias": alias, "learner_id": learner, "known_on": day, "source": source})
    return pa.Table.from_pylist(rows, schema=REGISTER["identity_alias"].schema)


def _fold(store: Store, settings: Settings, together: _Together, holidays: pa.Table | None, snapshot: int) -> pa.Table:
    """Roll pages of all files: marks laid over each other in file order, then over the school's blank page."""
    keys, pages, key = together.page_keys, together.pages, list(ROLL.key)
    grouped = keys.groupby(key, sort=True)
    group, turn = grouped.ngroup().to_numpy(), grouped.cumcount().to_numpy()
    one = keys.assign(group=group).drop_duplicates("group", keep="last").sort_values("group")
    out = np.full((len(one), pages.shape[1]), NOTHING, np.uint8)
    for n in range(int(turn.max()) + 1):  # the n-th page of each child: no child twice, so plain assignment is safe
        at = np.flatnonzero(turn == n)
        page, under = pages[at], out[group[at]]
        marked = (page != NOTHING) & ((page != _CLOSED) | (under == NOTHING))
        out[group[at]] = np.where(marked, page, under)
    closed = _closed_days(store, holidays)
    places = one["academic_year"].astype(str) + " " + one["school_id"]
    for place, found in pd.Series(range(len(one))).groupby(places.to_numpy()):
        page_at, (year, school) = found.to_numpy(), str(place).split(" ", 1)
        days = frozenset(closed.get(None, set()) | closed.get(school, set()))
        blank = calendar.blank_page(int(year), settings, days)
        out[page_at] = np.where(out[page_at] != NOTHING, out[page_at], blank)
    columns = {name: pa.array(one[name].to_numpy(), ROLL.column(name).type) for name in key}
    columns["marks"] = page_strings(out)
    columns["source"] = pa.array([f"{snapshot:06d}#{file}" for file in one["file"]])
    return pa.table(columns).select(ROLL.schema.names).cast(ROLL.schema)


def _closed_days(store: Store, arriving: pa.Table | None) -> dict[str | None, set[date]]:
    closed: dict[str | None, set[date]] = {}
    for table in (store.read("holiday"), arriving):
        if table is not None:
            for school, day in zip(table["school_id"].to_pylist(), table["day"].to_pylist(), strict=True):
                closed.setdefault(school, set()).add(day)
    return closed


def _arrow(name: str, frame: pd.DataFrame) -> pa.Table:
    """A register table in its schema, the last of each key kept; columns the files do not have are null."""
    spec = REGISTER[name]
    frame = frame.drop_duplicates([k for k in spec.key if k in frame], keep="last")
    columns = {}
    for column in spec.columns:
        if column.name in frame:
            columns[column.name] = pa.array(frame[column.name], column.type, from_pandas=True)
        else:
            columns[column.name] = pa.nulls(len(frame), column.type)
    return pa.table(columns, schema=spec.schema)


def _finish(files: Mapping[int, _File]) -> None:
    """Count what was kept and refused. A row is refused once, whatever else is wrong with it."""
    for file in files.values():
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


def _refused_table(files: Mapping[int, _File]) -> pa.Table:
    rows: list[dict[str, Any]] = []
    for file in files.values():
        assert file.found is not None
        if file.found.refused:
            header = json.dumps(file.found.header, ensure_ascii=False)
            above = json.dumps(file.found.above, ensure_ascii=False)
            about = {"file": file.report.name, "format": file.report.format, "above": above, "header": header}
            rows += [
                {**about, "line": r.line, "code": r.code, "reason": r.reason, "kept": r.kept, "cells": r.cells}
                for r in file.found.refused
            ]
    return pa.Table.from_pylist(rows, schema=_REFUSED)
