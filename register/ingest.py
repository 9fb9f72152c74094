"""Files in, register rows out, in one transaction: `raksa ingest`.

    recognise ─► convert (each file on its own, spread over processes) ─► schools ─► learners ─► tables ─► one snapshot

A file is recognised by what is in it, not by its name. One bad file stops no other. Rows in = rows kept + rows refused,
for every file; refused rows are kept whole with the reason and come back as a spreadsheet to mend.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from register import identity, oneroster, transfer
from register import mapping as formats
from register.convert import (
    NOTHING,
    Converted,
    Given,
    Refused,
    convert,
    counts,
    find_header,
    first_cells,
    headers,
    refused_row,
)
from register.guard import Unusual, unusual
from register.identity import Known, number_alias
from register.mapping import Mapping as FileMapping
from register.readers import Rows, read, read_path, unpack

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
    """One file, or one member of an archive, or one sheet of either that has several.

    `number` is its place in the report, from 1."""

    path: Path
    report: FileReport
    member: str = ""
    sheet: str = ""
    number: int = 0
    mapping: FileMapping | None = None
    found: Converted | None = None
    given: Given = field(default_factory=Given)


@dataclass
class _Together:
    """What all files of an import say. Each row of a table carries `row`: its file and place there.

    `page_of` has for each file that feeds pages the page each of its rows is part of, -1 = none.
    """

    files: dict[int, _File]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    page_keys: pd.DataFrame = field(default_factory=pd.DataFrame)
    pages: np.ndarray = field(default_factory=lambda: np.zeros((0, PAGE_DAYS), np.uint8))
    page_of: dict[int, np.ndarray] = field(default_factory=dict)

    def keep_pages(self, keep: np.ndarray) -> None:
        """Take out the pages that a mask over all of them does not keep."""
        moved = np.where(keep, np.cumsum(keep) - 1, -1).astype(np.int32)
        self.page_keys = self.page_keys[keep].reset_index(drop=True)
        self.pages = self.pages[keep]
        self.page_of = {n: np.where(page >= 0, moved[page], np.int32(-1)) for n, page in self.page_of.items()}

    def rows_of(self, pages: np.ndarray) -> set[int]:
        """The rows that made pages, given as a mask over all pages."""
        return {
            int(row) + (number << _BITS)
            for number, page in self.page_of.items()
            if len(page)
            for row in np.flatnonzero((page >= 0) & pages[page])
        }


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
    as_of: date | None = None,
    school: str | None = None,
    child: str | None = None,
    now: datetime,
    progress: Callable[[str], None] | None = None,
    confirm: Callable[[Sequence[Unusual]], bool] | None = None,
) -> ImportReport:
    """Import files in one transaction; a kill at any moment leaves the register as it was.

    `format` and `mapping` say what the files are; otherwise each is recognised. `as_of` is the day they are true for
    and `school` the school they are of, for files that do not say it themselves; `child` (school:number) is who a
    child's record from another school is of (`register.transfer`). A file that was imported before and left nothing to
    mend changes nothing.
    `confirm` is asked when the import is unusual (`register.guard`).

    Raises RaksaError for an unknown format, a mapping that is not understood, and an unusual import nobody confirms.
    """
    say = progress or (lambda _: None)
    chosen = _chosen(format, mapping)
    with store.writing():
        given = Given(as_of, school, transfer.here(store, files, child) if child else None)
        say(f"reading {len(files)} files")
        read_files = _read_all(store, settings, files, chosen, given, say, again=mapping is not None)
        good = {f.number: f for f in read_files if f.found is not None}
        if not good:
            return ImportReport(None, tuple(f.report for f in read_files))
        say("linking rows to schools and learners")
        together = _put_together(good)
        _name_schools(store, together)
        who = identity.known(store)
        if given.child:
            who.aliases[given.child.alias] = given.child.learner
        before = dict(who.aliases)
        _name_learners(settings, together, who)
        _refuse_repeated(together)
        _finish(good)
        if mapping is None:
            _leave_uncured(store, good, together)
        if not good:
            return ImportReport(None, tuple(f.report for f in read_files))
        tables = _tables(store, settings, together)
        tables["identity_alias"] = _alias_table(store, settings, together, who, before)
        # A record of one child lacks the others of her school before; who she is was compared.
        if given.child is None and (strange := unusual(store, settings, tables)):
            _ask(strange, confirm)
        reports = tuple(f.report for f in read_files)
        say("writing the snapshot")
        snapshot = store.add_snapshot(tables, reports, _refused_table(good), now.isoformat(timespec="seconds"))
        return ImportReport(snapshot, reports)


def _ask(strange: list[Unusual], confirm: Callable[[Sequence[Unusual]], bool] | None) -> None:
    if confirm is None or not confirm(strange):
        more = f"; and {len(strange) - 5} more" if len(strange) > 5 else ""
        raise RaksaError(
            f"This import is unusual and was not taken: {'; '.join(map(str, strange[:5]))}{more}. Look whether these "
            "are the right files; if they are, import them again with --accept-unusual."
        )


def _chosen(format: str | None, mapping: Path | None) -> FileMapping | None:
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
    store: Store,
    settings: Settings,
    files: list[Path],
    chosen: FileMapping | None,
    given: Given,
    say: Callable[[str], None],
    *,
    again: bool,
) -> list[_File]:
    """Every file read and converted. `again`: also those imported before, for a mapping file may have been mended."""
    done = set() if again else _done(store, chosen.name if chosen else None, given)
    # Starting processes costs more than reading a few files.
    jobs = settings.jobs if len(files) > 20 or sum(f.stat().st_size for f in files) > 20_000_000 else 1
    work = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_read_one)(f, chosen, settings, given, done) for f in files
    )
    found: list[list[_File]] = []
    for sheets in work:
        found.append(sheets)
        if len(found) * 10 // len(files) > (len(found) - 1) * 10 // len(files) and len(files) > 100:
            say(f"read {len(found)} of {len(files)}")
    if jobs != 1:
        # Idle workers would keep 200 MB each through the linking, where memory is needed most.
        get_reusable_executor().shutdown(wait=True)
    seen: set[tuple[str, str, str]] = set()
    read_files = [file for sheets in found for file in sheets]
    for number, file in enumerate(read_files, start=1):
        file.number = number
        same = (file.report.sha256, file.member, file.sheet)
        if same in seen and file.found is not None:
            file.found = None
            file.report = replace(
                file.report, rows=0, refused_whole=f"{file.report.name}: the same file was given twice."
            )
        seen.add(same)
    return read_files


def _done(store: Store, format: str | None, given: Given) -> set[str]:
    """Digests of files that were taken (as this format and with this said of them, where it matters) and left nothing
    that another file may cure."""
    done = set()
    for snapshot in store.current().snapshots:
        taken: dict[str, list[dict[str, Any]]] = {}
        for report in store.snapshot(snapshot)["files"]:
            if report["format"] and not report["refused_whole"]:
                taken.setdefault(report["sha256"], []).append(report)
        for sha, reports in taken.items():
            same = [r.get("given") in (None, str(given)) and format in (None, r["format"]) for r in reports]
            if all(same) and not any(_CURABLE & set(r["refused"]) for r in reports):
                done.add(sha)
    return done


def _read_one(path: Path, chosen: FileMapping | None, settings: Settings, given: Given, done: set[str]) -> list[_File]:
    """Read, recognise and convert one file; a workbook or an archive may hold several lists. What goes wrong is in the
    report."""
    report = FileReport(path.name, "", None)
    try:
        content = read_path(path)
        report = replace(report, sha256=hashlib.sha256(content).hexdigest())
        if report.sha256 in done:
            return [_File(path, replace(report, before=True))]
        found = _lists_of(path.name, content, chosen, given)
    except RaksaError as wrong:
        return [_File(path, replace(report, refused_whole=str(wrong)))]
    del content  # a month of an area's marks is 70 MB, and converting it needs the room
    out = []
    for member, rows in found:
        name = f"{path.name}/{member}" if member else path.name
        if isinstance(rows, RaksaError):
            out.append(_File(path, replace(report, name=name, refused_whole=str(rows)), member))
        else:
            name = f"{name} [{rows.sheet}]" if rows.sheet else name
            out.append(_read_list(path, member, rows, replace(report, name=name), chosen, settings, given))
    return out


def _lists_of(
    name: str, content: bytes, chosen: FileMapping | None, given: Given
) -> list[tuple[str, Rows | RaksaError]]:
    """The lists in a file, each with its name inside an archive ('' otherwise); one bad member stops no other."""
    if transfer.is_record(content):
        return [("", rows) for rows in transfer.rows_of(name, content, given.child)]
    members = unpack(name, content)
    if members is None:
        return [("", rows) for rows in read(name, content, _encodings(chosen))]
    if oneroster.is_set(member for member, _ in members):
        return [("", rows) for rows in oneroster.rows_of(name, members, given.as_of)]
    found: list[tuple[str, Rows | RaksaError]] = []
    for member, held in members:
        try:
            if unpack(member, held) is not None:
                raise RaksaError(
                    f"{name}/{member} is an archive within an archive and was not opened. Unpack it first."
                )
            found += [(member, rows) for rows in read(f"{name}/{member}", held, _encodings(chosen))]
        except RaksaError as wrong:
            found.append((member, wrong))
    return found


def _read_list(
    path: Path,
    member: str,
    rows: Rows,
    report: FileReport,
    chosen: FileMapping | None,
    settings: Settings,
    given: Given,
) -> _File:
    try:
        if rows.not_read:
            raise RaksaError(f"{report.name}: {rows.not_read}.")
        seen = headers(rows)
        mapping = chosen or recognise(report.name, rows, seen)
        # A OneRoster set is read whole for one day.
        asks = mapping.name.startswith("oneroster_") or any(source.given for source in mapping.sources)
        report = replace(report, format=mapping.name, given=str(given) if asks and given != Given() else None)
        found = convert(report.name, rows, mapping, settings, seen, given)
    except RaksaError as wrong:
        return _File(path, replace(report, refused_whole=str(wrong)), member, rows.sheet)
    return _File(path, replace(report, rows=found.rows), member, rows.sheet, mapping=mapping, found=found, given=given)


def _encodings(chosen: FileMapping | None) -> tuple[str, ...]:
    return chosen.encodings if chosen else ("utf-8-sig", "cp874")


def recognise(name: str, rows: Rows, seen: list[frozenset[str]]) -> FileMapping:
    """The format whose headers a file has; of several, the one that asks for most. Raises RaksaError for none."""
    fitting = [m for m in formats.known_formats().values() if find_header(seen, m) is not None]
    fitting.sort(key=lambda m: -len(m.recognise))
    if not fitting or (len(fitting) > 1 and len(fitting[0].recognise) == len(fitting[1].recognise)):
        why = f"looks like {fitting[0].name} and {fitting[1].name}" if fitting else "is in no format we know"
        raise RaksaError(
            f"{name} {why}; it begins {first_cells(rows)!r}. Say which with --format (`raksa mapping list` names "
            "them), or draft one with `raksa mapping new` and give it with --mapping."
        )
    return fitting[0]


# ------------------------------------------------------------------------------------------------ across files
def _put_together(files: dict[int, _File]) -> _Together:
    """The tables of all files as one each, in the order of the files, so that what follows is done once."""
    out = _Together(files)
    parts: dict[str, list[pd.DataFrame]] = {}
    places: dict[str, list[np.ndarray]] = {}
    keys: list[pd.DataFrame] = []
    # All months of an area's marks are ten times a year's pages: never two copies of them at once.
    count = sum(len(f.found.pages) for f in files.values() if f.found is not None and f.found.pages is not None)
    out.pages = np.zeros((count, PAGE_DAYS), np.uint8)
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
            keys.append(found.page_keys.assign(file=number))
            out.pages[start : start + len(found.pages)] = found.pages
            out.page_of[number] = np.where(found.page_of_row >= 0, found.page_of_row + np.int32(start), np.int32(-1))
            start += len(found.pages)
        found.tables, found.page_keys, found.pages, found.page_of_row = {}, None, None, None
    for name, frames in parts.items():
        out.tables[name] = pd.concat(frames, ignore_index=True).assign(row=np.concatenate(places[name]))
    if keys:
        out.page_keys = pd.concat(keys, ignore_index=True)
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
    keep = np.ones(len(together.pages), bool)
    for number, page in together.page_of.items():
        of = page[wrong[wrong >> _BITS == number] & ((1 << _BITS) - 1)]
        keep[of[of >= 0]] = False
    if not keep.all():
        together.keep_pages(keep)
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
    held = _lists_of(file.path.name, content, file.mapping, file.given)
    rows = next(r for member, r in held if member == file.member and isinstance(r, Rows) and r.sheet == file.sheet)
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
        wrong |= together.rows_of(unknown)
    reason = "no school list names its school; import the area's school list first, then this file"
    _refuse(together, wrong, "unknown_school", reason)


def _looked_up(words: pd.Series, codes: Mapping[str, str]) -> pd.Series:
    return pd.Series([codes.get(word) for word in words], index=words.index, dtype=object)


def _name_learners(settings: Settings, together: _Together, who: Known) -> None:
    """learner_id for every row and page. Lists teach who is who; what the others name must be known by then."""
    lists = _lists(together, settings)
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
            rows_of |= together.rows_of(pages)
    _refuse(
        together, shared, "number_of_several",
        "several learners have had its school number, and no list says which of them had it that year; import the "
        "pupil list of that year first, then this file",
    )  # fmt: skip
    _refuse(
        together, unknown - shared, "unknown_learner",
        "no list names this learner; import the school's pupil list first, then this file",
    )  # fmt: skip


def _lists(together: _Together, settings: Settings) -> pd.DataFrame:
    """Rows of the pupil lists and of the civil register: who stands where under which number, born when."""
    frames = []
    for name in ("enrolment", "population"):
        frame = together.tables.get(name)
        if frame is None:
            continue
        if "number" in frame:
            own = frame["student_number"] if "student_number" in frame else frame["number"]
            frame["student_number"] = own.where(own.notna(), frame["number"])
        numbers = [n for n, file in together.files.items() if file.mapping is not None and file.mapping.lists_learners
                   and file.mapping.tables[0].name == name]  # fmt: skip
        frames.append(frame[np.isin(_file_of(frame["row"]), numbers)])
    if not frames:
        return pd.DataFrame()
    listed = pd.concat([_list_rows(frame, settings) for frame in frames], ignore_index=True)
    births: pd.Series = pd.Series(dtype=object)
    if "learner" in together.tables and "birth_date" in together.tables["learner"]:
        births = together.tables["learner"].drop_duplicates("row").set_index("row")["birth_date"]
    return listed.assign(birth_date=births.reindex(listed["row"]).to_numpy(object))


def _list_rows(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row": frame["row"],
            "alias": frame["alias"],
            "number_alias": _number_aliases(frame),
            "known_on": frame["listed_on"],
            "academic_year": _years(frame, settings),
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


def _leave_uncured(store: Store, good: dict[int, _File], together: _Together) -> None:
    """Leave alone files that were taken before and of which no further row can be taken now: what they say was said
    then, and anything newer stands above it."""
    before: dict[tuple[str, str], tuple[Any, ...]] = {}
    for snapshot in store.current().snapshots:
        for report in store.snapshot(snapshot)["files"]:
            if report["format"] and not report["before"]:
                taken = (report["format"], report.get("given"), report["kept"], report["refused"])
                before[report["sha256"], report["name"]] = taken
    for number, file in list(good.items()):
        now = file.report
        if before.get((now.sha256, now.name)) == (now.format, now.given, now.kept, dict(now.refused)):
            del good[number]
            file.report = FileReport(now.name, now.sha256, None, before=True)
            for name, frame in together.tables.items():
                together.tables[name] = frame[_file_of(frame["row"]) != number].reset_index(drop=True)
            if number in together.page_of:
                keep = np.ones(len(together.pages), bool)
                page = together.page_of.pop(number)
                keep[page[page >= 0]] = False
                together.keep_pages(keep)


def _years(frame: pd.DataFrame, settings: Settings) -> list[int | None]:
    """Academic year a row is about: its own, or that of its day."""
    if "academic_year" in frame:
        return [int(year) for year in frame["academic_year"]]
    day = next((c for c in ("listed_on", "left_on", "surveyed_on", "measured_on", "known_on") if c in frame), None)
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
    snapshot = store.current().next_number
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
    kinds = {"citizen": "citizen", "g": "g_code", "passport": "passport", "other": "other"}
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


def _alias_table(
    store: Store, settings: Settings, together: _Together, who: Known, before: Mapping[str, int]
) -> pa.Table:
    """Aliases that are new or name another learner now, each with the first day a list of this import showed it."""
    new = {alias: who.now(learner) for alias, learner in who.aliases.items()}
    new = {alias: learner for alias, learner in new.items() if before.get(alias) != learner}
    shown: dict[str, tuple[date, int]] = {}
    lists = _lists(together, settings)
    if new and len(lists):
        lists = lists.sort_values("known_on", kind="stable", ascending=False)
        for column in ("alias", "number_alias"):
            shown |= dict(zip(lists[column], zip(lists["known_on"], lists["row"], strict=True), strict=True))
    snapshot = store.current().next_number
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
