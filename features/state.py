"""What a run keeps for the next: the roll pages of a year with their imports already laid over each other.

A school that sends its marks every week has forty pages of a child by March, and laying them over each other is nine
tenths of the cost of a run. It is done import by import in their order, so it can stop and go on: an update reads the
pages as kept and the imports that came since, and its figures are those of a full run, bit for bit. A late mark, a
move, a day closed afterwards are marks like any other.

    RAKSA_HOME/state/2567/bucket=0007.parquet        the pages; what they were made of stands in the file itself

Only an update reads it. Deleting it costs time and changes nothing.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.rows import Held
from raksa.store import Pointer, Store, overlay
from raksa.tables import ROLL

_SAID = b"raksa"


@dataclass(frozen=True)
class MadeOf:
    """What the pages of one year and bucket are made of.

    parts   of each file of an import, in the order in which imports count: import, bucket, and when it was written,
            which betrays a register made anew under the old names
    one     learners read as another (`Store.merged`), as far as either is of this bucket
    columns of the table: they may differ from one version of Raksa to the next
    """

    parts: tuple[tuple[str, int, int], ...]
    one: tuple[tuple[int, int], ...]
    columns: tuple[str, ...] = tuple(ROLL.schema.names)

    @property
    def imports(self) -> set[str]:
        return {part[0] for part in self.parts}

    def why_anew(self, now: MadeOf) -> str | None:
        """Why these pages cannot go on to what there is now; None if they can."""
        if self.columns != now.columns:
            return "roll pages have other columns in this version"
        if self.one != now.one:
            return "people decided who is one child"
        if self.parts != now.parts[: len(self.parts)]:
            return "an import that was read was taken back or made anew"
        return None


class Kept(Held):
    """A store whose roll pages, a bucket at a time, are read from what the last update kept and the imports since; what
    comes of it is kept in its turn. `read` gives what `Store.read` gives."""

    def read(
        self,
        table: str,
        *,
        years: Iterable[int] | None = None,
        bucket: int | None = None,
        columns: Iterable[str] | None = None,
        codes: bool = False,
    ) -> pa.Table:
        if table != ROLL.name or bucket is None or codes:
            return super().read(table, years=years, bucket=bucket, columns=columns, codes=codes)
        names = ROLL.schema.names if columns is None else list(columns)
        each = self.years(table) if years is None else sorted(set(years))
        return pa.concat_tables(
            [ROLL.schema.empty_table().select(names), *(self._roll(y, bucket, names) for y in each)]
        )

    def _roll(self, year: int, bucket: int, names: list[str]) -> pa.Table:
        live = self.current().snapshots
        now, file = self.made_of(year, bucket, live), _file(self.home, year, bucket)

        def read(imports: Sequence[str], names: list[str] | None = None) -> pa.Table:
            store = _Imports(self.home, imports, self.merged())
            return store.read(ROLL.name, years=[year], bucket=bucket, columns=names)

        if len(now.parts) < 2:  # nothing to lay over anything
            return read(live, names)
        before = kept(file)
        goes_on = before is not None and before.why_anew(now) is None
        pages = _pages(file, names if before == now else ROLL.schema.names) if goes_on else None
        if before is None or pages is None:
            pages = read(live)
        elif before == now:
            return pages
        else:
            new = read([name for name in live if name not in before.imports])
            held = [table for table in (pages, new) if table.num_rows]
            pages = overlay(ROLL, held) if held else pages
        _keep(file, pages, now)
        return pages.select(names)

    def made_of(self, year: int, bucket: int, live: Sequence[str]) -> MadeOf:
        """What the pages are made of when these imports count."""
        buckets = self.identity.buckets
        one = {old: new for old, new in self.merged().items() if bucket in (old % buckets, new % buckets)}
        parts = [
            (file.stem, each, file.stat().st_mtime_ns)
            for each in {bucket, *(old % buckets for old in one)}
            for file in self._part(ROLL.name, year, each).glob("*.parquet")
            if file.stem in live
        ]
        parts.sort(key=lambda part: (live.index(part[0]), part[1]))
        return MadeOf(tuple(parts), tuple(sorted(one.items())))


class _Imports(Held):
    """A store of which only some imports are read, children decided to be one as in the whole."""

    def __init__(self, home: Path, only: Sequence[str], merged: dict[int, int]) -> None:
        super().__init__(home, Pointer(tuple(only)))
        self._merged = merged


def outlook(store: Store, year: int) -> str:
    """What an update would do with the marks of an academic year, to be said to people.

    `went on from import 000031: 1 new import of marks, 31 not read again`, or `a full run, because …`.
    """
    now = Kept(store.home)
    live = store.current().snapshots
    had: set[str] = set()
    new: set[str] = set()
    why: Counter[str] = Counter()
    for bucket in range(store.identity.buckets):
        made_of, before = now.made_of(year, bucket, live), kept(_file(store.home, year, bucket))
        if len(made_of.parts) < 2:
            why["there are not yet two imports of marks this year"] += 1
        elif before is None:
            why["nothing is kept of an earlier update"] += 1
        elif reason := before.why_anew(made_of):
            why[reason] += 1
        else:
            had |= before.imports
            new |= made_of.imports - before.imports
    because = "".join(reason for reason, _ in why.most_common(1))
    if not had:
        return f"a full run, because {because}"
    number = max(had, key=live.index).partition("-")[0]
    imports = "import" if len(new) == 1 else "imports"
    went_on = f"went on from import {number}: {len(new)} new {imports} of marks, {len(had)} not read again"
    return went_on + (f"; {why.total()} of {store.identity.buckets} buckets in full, because {because}" if why else "")


def kept(file: Path) -> MadeOf | None:
    """What the pages in a file are made of; None if there are none that can be read."""
    try:
        said: dict[str, Any] = json.loads(pq.read_schema(file).metadata[_SAID])
        parts = tuple((str(name), int(bucket), int(written)) for name, bucket, written in said["parts"])
        return MadeOf(parts, tuple((old, new) for old, new in said["one"]), tuple(said["columns"]))
    except (OSError, pa.ArrowInvalid, KeyError, TypeError, ValueError):
        return None


def _file(home: Path, year: int, bucket: int) -> Path:
    return home / "state" / str(year) / f"bucket={bucket:04d}.parquet"


def _pages(file: Path, names: list[str]) -> pa.Table | None:
    """The kept pages; None if they are not there any more or cannot be read."""
    try:
        return pq.ParquetFile(file).read(columns=names).select(names)
    except (OSError, pa.ArrowInvalid):
        return None


def _keep(file: Path, pages: pa.Table, made_of: MadeOf) -> None:
    """Written beside and renamed: whoever reads meanwhile reads the old pages or the new, each with what made them."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.stem}.{os.getpid()}.tmp")
    said = json.dumps(asdict(made_of)).encode()
    pq.write_table(pages.replace_schema_metadata({_SAID: said}), beside, compression="zstd")
    beside.replace(file)
