"""Where everything is kept: immutable snapshots of what agencies said, models, runs, and one pointer.

    RAKSA_HOME/
      store.json                                            made once: number of buckets, key of learner ids
      register/<table>/year=2567/bucket=07/<snapshot>.parquet
      snapshots/<snapshot>.json                             files read, sha-256, rows kept, rows refused by reason
      refused/<snapshot>.parquet                            refused rows whole, with the reason
      models/<id>/  runs/<as-of>-<id>/                      written by models
      current.json                                          the one pointer a reader follows

A reader looks only at what current.json names. A writer writes files under names nobody follows yet, flushes them to
disk, and replaces current.json last, in one rename. Killed at any moment, it leaves the last good state readable;
files that no pointer names are debris that `raksa doctor` counts and the next writer may remove.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from raksa.errors import RaksaError
from raksa.tables import NO_SCHOOL, NOT_RECORDED, REGISTER, Table

_NO_YEAR = 0  # tables without an academic year live under year=0


@dataclass(frozen=True)
class Pointer:
    """What current.json says: which snapshots count, in order, and which run and model people see.

    `undone` are snapshots a person took back: their files stay, nobody reads them.
    """

    snapshots: tuple[str, ...] = ()
    run: str | None = None
    model: str | None = None
    undone: tuple[str, ...] = ()

    @property
    def next_number(self) -> int:
        """Number of the next snapshot; that of one taken back is not given again."""
        return max((int(name[:6]) for name in (*self.snapshots, *self.undone)), default=0) + 1


@dataclass(frozen=True)
class Identity:
    """What store.json says: facts that hold for the store's whole life."""

    buckets: int
    id_key: str
    version: int = 1


@dataclass(frozen=True)
class FileReport:
    """One file of an import: what it was taken for, and what became of its rows.

    rows = rows kept + rows refused, always. `refused_whole` says why nothing of the file was taken.
    """

    name: str
    sha256: str
    format: str | None
    rows: int = 0
    kept: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    refused_whole: str | None = None
    before: bool = False  # imported before, and so left alone
    given: str | None = None  # what a person said of the file because it does not: its day, its school


class Store:
    """The store in one folder. Opening reads; only the methods that say so write."""

    def __init__(self, home: Path) -> None:
        self.home = Path(home)

    # ---------------------------------------------------------------------------------------------- making, opening
    @classmethod
    def create(cls, home: Path, buckets: int, id_key: str | None = None) -> Store:
        """Make an empty store, or open the one that is there (its buckets stay as they are)."""
        store = cls(home)
        file = store.home / "store.json"
        if not file.is_file():
            with store.writing():  # of two who make it at once, the second finds it made
                if not file.is_file():
                    _write_json(file, asdict(Identity(buckets, id_key or secrets.token_hex(16))))
        return store

    @property
    def identity(self) -> Identity:
        """Raises RaksaError if the folder holds no store."""
        file = self.home / "store.json"
        if not file.is_file():
            raise RaksaError(f"{self.home} holds no Raksa store yet. Run `raksa ingest FILES` or `raksa demo` first.")
        return Identity(**json.loads(file.read_text(encoding="utf-8")))

    def current(self) -> Pointer:
        file = self.home / "current.json"
        if not file.is_file():
            return Pointer()
        held = json.loads(file.read_text(encoding="utf-8"))
        return Pointer(tuple(held["snapshots"]), held["run"], held["model"], tuple(held.get("undone", ())))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the store's write lock; the system lets go of it when the process ends, however it ends.

        Raises RaksaError when another process is writing.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.home / ".write.lock", timeout=10):
                yield
        except Timeout:
            raise RaksaError(
                f"Another Raksa process is writing to {self.home}. Wait for it to end, then try again."
            ) from None

    def point(self, **changes: Any) -> Pointer:
        """Replace the pointer; the last step of every write."""
        pointer = replace(self.current(), **changes)
        _write_json(self.home / "current.json", asdict(pointer))
        return pointer

    # ---------------------------------------------------------------------------------------------- snapshots
    def add_snapshot(
        self, tables: Mapping[str, pa.Table], files: Iterable[FileReport], refused: pa.Table | None, created_at: str
    ) -> str:
        """Write one import and make it count. Call inside `writing()`. Returns the snapshot's id.

        `tables` are register tables in their schema (column `source` may be absent or final). Each is split by academic
        year and learner bucket, sorted by key so that equal input gives equal bytes.
        """
        pointer = self.current()
        snapshot = f"{pointer.next_number:06d}-{_digest(files := list(files))}"
        # An import of these files that was killed has left parts under the same name; one this import does not write
        # again (other settings, another mapping) would become live with it.
        for left in (self.home / "register").rglob(f"{snapshot}.parquet"):
            left.unlink()
        (self.home / "refused" / f"{snapshot}.parquet").unlink(missing_ok=True)
        for name, table in tables.items():
            if table.num_rows:
                self._write_parts(REGISTER[name], table, snapshot)
        if refused is not None and refused.num_rows:
            _write_parquet(self.home / "refused" / f"{snapshot}.parquet", refused)
        _write_json(
            self.home / "snapshots" / f"{snapshot}.json",
            {"id": snapshot, "created_at": created_at, "files": [asdict(f) for f in files]},
        )
        self.point(snapshots=(*pointer.snapshots, snapshot))
        return snapshot

    def _write_parts(self, spec: Table, table: pa.Table, snapshot: str) -> None:
        table = table.select(spec.schema.names).cast(spec.schema).sort_by([(k, "ascending") for k in spec.key])
        years = table["academic_year"].to_numpy() if spec.by_year else np.full(len(table), _NO_YEAR, np.int16)
        # A key without the learner may pass from one learner to another (a school number given again): its rows must
        # lie together, or the later would not supersede the earlier.
        own = "learner_id" in spec.key
        ids = table["learner_id"].to_numpy() if own else np.zeros(len(table), np.int64)
        part = years.astype(np.int64) * 65536 + ids % self.identity.buckets
        order = np.argsort(part, kind="stable")
        edges = np.flatnonzero(np.diff(part[order], prepend=-1))
        for start, stop in zip(edges, [*edges[1:], len(order)], strict=True):
            year, bucket = divmod(int(part[order[start]]), 65536)
            folder = self._part(spec.name, year, bucket)
            _write_parquet(folder / f"{snapshot}.parquet", table.take(order[start:stop]))

    def _part(self, table: str, year: int, bucket: int) -> Path:
        return self.home / "register" / table / f"year={year}" / f"bucket={bucket:04d}"

    def snapshot(self, snapshot: str) -> dict[str, Any]:
        held: dict[str, Any] = json.loads((self.home / "snapshots" / f"{snapshot}.json").read_text(encoding="utf-8"))
        return held

    def refused(self, snapshot: str) -> pa.Table | None:
        """Refused rows of an import, or None if there were none."""
        file = self.home / "refused" / f"{snapshot}.parquet"
        return pq.read_table(file) if file.is_file() else None

    # ---------------------------------------------------------------------------------------------- reading
    def years(self, table: str) -> list[int]:
        """Academic years the table has, ascending."""
        live = self._live()
        found = {
            int(folder.name.removeprefix("year="))
            for folder in (self.home / "register" / table).glob("year=*")
            if any(f.stem in live for f in folder.glob("bucket=*/*.parquet"))
        }
        return sorted(found)

    def merged(self) -> dict[int, int]:
        """Learners whom a person decided to be one child: learner -> the one she is read as, the smallest id of all.

        Who is read as herself is not in it. Nothing stored changes, so a later decision takes a merge back whole.
        """
        spec = REGISTER["identity_decision"]
        files = [self._part(spec.name, _NO_YEAR, 0) / f"{name}.parquet" for name in self.current().snapshots]
        held = [pq.ParquetFile(f).read() for f in files if f.is_file()]
        if not held:
            return {}
        now = _latest(spec, held)
        same = now.filter(pc.equal(now["decision"], "same"))
        one: dict[int, int] = {}

        def find(learner: int) -> int:
            while one.get(learner, learner) != learner:
                learner = one[learner]
            return learner

        for a, b in zip(same["learner_a"].to_pylist(), same["learner_b"].to_pylist(), strict=True):
            low, high = sorted((find(a), find(b)))
            one[high] = low
        return {learner: find(learner) for learner in one if find(learner) != learner}

    def read(
        self,
        table: str,
        *,
        years: Iterable[int] | None = None,
        bucket: int | None = None,
        columns: Iterable[str] | None = None,
        codes: bool = False,
    ) -> pa.Table:
        """The table as it stands: every live snapshot, a later row of the same key in place of the earlier.

        Pages of the roll are laid over each other instead: a later mark replaces an earlier one, a day the later page
        does not record keeps its earlier mark. Learners whom a person decided to be one child are read as one
        (`merged`). Rows are sorted by key. Missing table: no rows. With `codes` texts stay dictionary-encoded, as they
        lie on disk: millions of rows of few words need a third of the time.
        """
        spec = REGISTER[table]
        live = self._live()
        merged = self.merged() if spec.by_learner else {}
        names = list(columns) if columns is not None else spec.schema.names
        wanted = [n for n in spec.schema.names if n in names or n in spec.key]
        parts: list[pa.Table] = []
        for year in self.years(table) if years is None else sorted(set(years)):
            folder = self.home / "register" / table / f"year={year}"
            homes = set() if "learner_id" not in spec.key else {one % self.identity.buckets for one in merged.values()}
            everywhere = {*folder.glob("bucket=*"), *(self._part(table, year, home) for home in homes)}
            for part in sorted(everywhere if bucket is None else [self._part(table, year, bucket)]):
                files = sorted((f for f in part.glob("*.parquet") if f.stem in live), key=lambda f: live[f.stem])
                words = _texts(spec, wanted) if codes and len(files) == 1 and not merged else []
                # Buckets are read beside each other, each by a process: threads within one only cost.
                held = [
                    pq.ParquetFile(f, read_dictionary=words).read(columns=wanted, use_threads=bucket is None)
                    for f in files
                ]
                held = [_columns_of(rows, spec, wanted) for rows in held]
                if merged and "learner_id" in wanted:
                    held = self._as_merged(spec, part, live, wanted, files, held, merged)
                if len(held) == 1:
                    parts += held
                elif held:
                    parts.append(overlay(spec, held) if table == "roll" and "marks" in wanted else _latest(spec, held))
        parts = parts or [spec.schema.empty_table().select(wanted)]
        return pa.concat_tables(_encoded(parts, _texts(spec, wanted)) if codes else parts).select(names)

    def _as_merged(
        self,
        spec: Table,
        part: Path,
        live: Mapping[str, int],
        wanted: list[str],
        files: list[Path],
        held: list[pa.Table],
        merged: Mapping[int, int],
    ) -> list[pa.Table]:
        """Rows of one bucket under the learners they are read as, in the order of their snapshots: rows of learners
        read as one of another bucket leave, those of learners read as one of this bucket come in, each learner's as a
        table of its own, because within a table a key stands once."""
        bucket = int(part.name.removeprefix("bucket="))
        buckets = self.identity.buckets if "learner_id" in spec.key else 1
        came = {old: new for old, new in merged.items() if new % buckets == bucket}
        found: list[tuple[int, int, pa.Table]] = []  # order of the snapshot, 0 = came in and 1 = own, rows
        for file, table in zip(files, held, strict=True):
            moved = pc.is_in(table["learner_id"], pa.array(list(merged), pa.int64()))
            found.append((live[file.stem], 1, table.filter(pc.invert(moved))))
        for old, new in came.items():
            for file in (part.parent / f"bucket={old % buckets:04d}").glob("*.parquet"):
                if file.stem in live:
                    rows = pq.ParquetFile(file).read(columns=wanted)
                    rows = _columns_of(rows.filter(pc.equal(rows["learner_id"], old)), spec, wanted)
                    if rows.num_rows:
                        at = rows.schema.get_field_index("learner_id")
                        own = pa.array(np.full(rows.num_rows, new), pa.int64())
                        found.append((live[file.stem], 0, rows.set_column(at, rows.schema.field(at), own)))
        found.sort(key=lambda each: each[:2])
        return [table for *_, table in found if table.num_rows]

    def history(self, table: str, learner: int) -> list[dict[str, Any]]:
        """Every row the register ever took of a learner in a table, oldest import first, those taken back too.

        Each row has `snapshot` and `counts`: whether its import counts (False: taken back). A row superseded by a later
        import of the same key stands here still.
        """
        spec, pointer, merged = REGISTER[table], self.current(), self.merged()
        one = merged.get(learner, learner)
        ids = {one, *(old for old, new in merged.items() if new == one)}
        known = {*pointer.snapshots, *pointer.undone}
        files = [f for f in (self.home / "register" / table).rglob("*.parquet") if f.stem in known]
        out = []
        for file in sorted(files, key=lambda f: f.stem):
            rows = pq.read_table(file, filters=[("learner_id", "in", ids)], partitioning=None)
            out += [{"snapshot": file.stem, "counts": file.stem in pointer.snapshots} | row for row in rows.to_pylist()]
        return sorted(out, key=lambda row: (row["snapshot"], *(str(row[k]) for k in spec.key)))

    def _live(self) -> dict[str, int]:
        return {snapshot: order for order, snapshot in enumerate(self.current().snapshots)}

    # ---------------------------------------------------------------------------------------------- models and runs
    @contextmanager
    def publishing(self, kind: str, name: str) -> Iterator[Path]:
        """A folder to write a model or a run into; it gets its name only when the block ends without an error.

        Names are made from what is in them, so a name that is there already holds the same: it is left as it is, and a
        reader in the middle of it loses nothing.
        """
        target = self.home / kind / name
        beside = target.with_name(f".{name}.part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        yield beside
        for file in beside.rglob("*"):
            if file.is_file():
                _flush(file)
        if target.exists():
            shutil.rmtree(beside)
        else:
            beside.replace(target)
            _flush(target.parent)

    def run_folder(self, run: str | None = None) -> Path:
        """Folder of a run, the current one by default. Raises RaksaError if there is none."""
        name = run or self.current().run
        if not name or not (self.home / "runs" / name).is_dir():
            raise RaksaError(f"No scored run in {self.home} yet. Run `raksa score` (after `raksa train`) first.")
        return self.home / "runs" / name

    def model_folder(self, model: str | None = None) -> Path:
        """Folder of a model, the current one by default. Raises RaksaError if there is none."""
        name = model or self.current().model
        if not name or not (self.home / "models" / name).is_dir():
            raise RaksaError(f"No trained model in {self.home} yet. Run `raksa train` first.")
        return self.home / "models" / name

    def debris(self) -> list[Path]:
        """Files a killed writer left behind: named by no pointer, harmless, safe to delete while nobody writes."""
        pointer = self.current()
        live = {*pointer.snapshots, *pointer.undone}
        left = [f for f in (self.home / "register").rglob("*.parquet") if f.stem not in live]
        left += [f for kind in ("snapshots", "refused") for f in (self.home / kind).glob("*") if f.stem not in live]
        left += [*(self.home / "runs").glob(".*.part"), *(self.home / "models").glob(".*.part")]
        return sorted({*left, *self.home.rglob("*.tmp")})


def _columns_of(rows: pa.Table, spec: Table, wanted: list[str]) -> pa.Table:
    """Rows with the wanted columns; one the table did not have yet when they were written is not known."""
    for name in wanted:
        if name not in rows.schema.names:
            rows = rows.append_column(spec.schema.field(name), pa.nulls(rows.num_rows, spec.schema.field(name).type))
    return rows.select(wanted)


def _texts(spec: Table, wanted: list[str]) -> list[str]:
    return [name for name in wanted if pa.types.is_string(spec.schema.field(name).type)]


def _encoded(parts: list[pa.Table], words: list[str]) -> list[pa.Table]:
    """Tables with these columns dictionary-encoded, which some of them are already."""
    out = []
    for part in parts:
        for name in words:
            at = part.schema.get_field_index(name)
            if not pa.types.is_dictionary(part.schema.field(at).type):
                part = part.set_column(at, name, part[name].dictionary_encode())
        out.append(part)
    return out


def _latest(spec: Table, held: list[pa.Table]) -> pa.Table:
    """Rows of several snapshots, in order; of each key and column the last value said.

    Empty is *not known*, so a later row that says nothing of a column, as when its file lacks it, leaves what stands.
    """
    whole = pa.concat_tables(held)
    others = [name for name in whole.schema.names if name not in spec.key]
    found = whole.group_by(list(spec.key), use_threads=False).aggregate([(name, "last") for name in others])
    found = found.rename_columns({f"{name}_last": name for name in others})
    return found.select(whole.schema.names).cast(whole.schema).sort_by([(k, "ascending") for k in spec.key])


def overlay(spec: Table, held: list[pa.Table]) -> pa.Table:
    """Roll pages of several snapshots laid over each other, the later mark on top unless it says 'not recorded'."""
    whole = pa.concat_tables([table.drop_columns("marks") for table in held])
    group = _numbered(spec, whole)
    last = np.zeros(group.max() + 1, np.int64)
    last[group] = np.arange(len(group))
    out = np.full((len(last), page_matrix(held[0]["marks"]).shape[1]), ord(NOT_RECORDED), np.uint8)
    start = 0
    for table in held:  # within one snapshot a key stands once, so plain assignment is safe
        into, pages = group[start : start + len(table)], page_matrix(table["marks"])
        for first in range(0, len(into), 4096):  # blocks that stay in a core's cache
            rows, page = into[first : first + 4096], pages[first : first + 4096]
            under = out[rows]
            # As characters '-' < '.' < every mark: a mark wins over all, a closed day over a day not recorded, and a
            # closed day of a later calendar does not wipe out a mark that was made on it.
            np.copyto(under, page, where=page > np.minimum(under, ord(NO_SCHOOL)))
            out[rows] = under
        start += len(table)
    return whole.take(pa.array(last)).append_column("marks", page_strings(out)).select(held[0].schema.names)


def _numbered(spec: Table, rows: pa.Table) -> np.ndarray:
    """The number of each row's key among the different keys, in the keys' order."""
    number = np.zeros(len(rows), np.int64)
    for name in spec.key:
        values = rows[name].combine_chunks()
        if pa.types.is_string(values.type):
            words = values.dictionary_encode()
            order = pc.sort_indices(words.dictionary).to_numpy()
            rank = np.empty_like(order)
            rank[order] = np.arange(len(order), dtype=order.dtype)
            value = rank[words.indices.to_numpy()].astype(np.int64)
        else:
            value = values.to_numpy().astype(np.int64)
        # Ranks, so that three columns together stay far below 2**63.
        different, value = np.unique(value, return_inverse=True)
        number = number * len(different) + value
    return np.asarray(np.unique(number, return_inverse=True)[1])


def page_matrix(marks: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Roll pages as a (pages, days) uint8 matrix of character codes, without copying where Arrow allows it."""
    array = marks.combine_chunks() if isinstance(marks, pa.ChunkedArray) else marks
    if isinstance(array, pa.ChunkedArray):  # combine_chunks of no chunks
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], pa.string())
    if not len(array):
        return np.empty((0, 0), np.uint8)
    offsets = np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]
    width = int(offsets[1] - offsets[0])
    data = np.frombuffer(array.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
    return data.reshape(len(array), width)


def page_strings(matrix: np.ndarray) -> pa.Array:
    """The way back: a (pages, days) uint8 matrix as an Arrow string array."""
    rows, width = matrix.shape
    offsets = (np.arange(rows + 1, dtype=np.int32) * width).astype(np.int32)
    data = np.ascontiguousarray(matrix, np.uint8)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data))


def _digest(files: list[FileReport]) -> str:
    import hashlib

    return hashlib.sha256("".join(f.sha256 for f in files).encode()).hexdigest()[:10]


def _write_parquet(file: Path, table: pa.Table) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".tmp")
    pq.write_table(table, beside, compression="zstd")
    _flush(beside)
    beside.replace(file)


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".tmp")
    beside.write_text(json.dumps(content, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
    _flush(beside)
    beside.replace(file)
    _flush(file.parent)


def _flush(path: Path) -> None:
    """Make sure what was written is on the disk; a folder's entries too, where the system can (not on Windows)."""
    if path.is_dir():
        if os.name != "posix":
            return
        handle = os.open(path, os.O_RDONLY)
    else:
        handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
