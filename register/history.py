"""What was imported when, how to take it back, and what the register has held of a child.

Nothing an import wrote is ever deleted: taking one back only stops reading it, so its rows stay in the history.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from raksa import thai
from raksa.errors import RaksaError
from raksa.store import Store
from raksa.tables import REGISTER
from register.convert import id_alias, passport_alias


def imports(store: Store) -> list[dict[str, Any]]:
    """One row per import, oldest first: import, at (UTC), files, rows, kept, refused, decisions, state.

    `decisions` counts what people decided about learners who may be one; `state` is counts or taken back.
    """
    pointer = store.current()
    out = []
    for name in sorted({*pointer.snapshots, *pointer.undone}):
        held = store.snapshot(name)
        files = held["files"]
        decisions = _rows_of(store, name, "identity_decision", ["learner_a"])
        out.append(
            {
                "import": name,
                "at": held["created_at"],
                "files": sum(not f["before"] and not f["refused_whole"] for f in files),
                "rows": sum(f["rows"] for f in files),
                "kept": sum(f["kept"] for f in files),
                "refused": sum(sum(f["refused"].values()) for f in files),
                "decisions": decisions.num_rows,
                "state": "counts" if name in pointer.snapshots else "taken back",
            }
        )
    return out


def undo(store: Store, name: str | None = None) -> str:
    """Take one import back, the last by default; `name` may be its number alone. Returns the import's full name.

    Raises RaksaError when there is no such import, and when a later import rests on it: names learners or schools
    that only this one lists.
    """
    with store.writing():
        pointer = store.current()
        if not pointer.snapshots:
            raise RaksaError("There is no import to take back.")
        wanted = name or pointer.snapshots[-1]
        found = [s for s in pointer.snapshots if s == wanted or s.partition("-")[0] == wanted.zfill(6)]
        if not found:
            raise RaksaError(f"No import {wanted} counts. `raksa imports` lists them.")
        (target,) = found
        others = [s for s in pointer.snapshots if s != target]
        for column, table, what in (
            ("learner_id", "identity_alias", "learners"),
            ("school_id", "school", "schools"),
        ):
            lost = _values(store, [target], table, column) - _values(store, others, table, column)
            for later in others[pointer.snapshots.index(target) :] if lost else []:
                resting = len(lost & _all_values(store, later, column))
                if resting:
                    raise RaksaError(
                        f"Import {later} rests on {target}: {resting} of its {what} are listed by that one alone. Take "
                        f"back {later} first."
                    )
        store.point(snapshots=tuple(others), undone=(*pointer.undone, target))
        return target


def learner_named(store: Store, who: str) -> int:
    """The learner a person means: a citizen id, G-code or passport, school:number (81010001:1234), or a learner id.

    Raises RaksaError when nobody is known by it.
    """
    held = store.read("identity_alias", columns=["alias", "learner_id"])
    known = dict(zip(held["alias"].to_pylist(), held["learner_id"].to_pylist(), strict=True))
    school, colon, number = thai.arabic(who.strip()).partition(":")
    aliases = [f"number:{school}:{number}"] if colon else [id_alias(who), passport_alias(who)]
    for alias in aliases:
        if alias in known:
            return int(known[alias])
    if who.isdigit() and int(who) in {*known.values(), *store.merged()}:
        return store.merged().get(int(who), int(who))
    raise RaksaError(f"Nobody is known as {who!r}. Give a citizen id, a G-code, or school:number as in 81010001:1234.")


def history(store: Store, learner: int, table: str | None = None) -> list[dict[str, Any]]:
    """Every row ever taken of a learner: table, import, at, file, counts, and what the row said.

    A value that a later import replaced stands here still, and so does what was taken back (counts: no).
    """
    about = {name: store.snapshot(name) for name in {*store.current().snapshots, *store.current().undone}}
    tables = [t for t in REGISTER if REGISTER[t].by_learner and t != "identity_alias"] if table is None else [table]
    out = []
    for name in tables:
        for row in store.history(name, learner):
            held = about[row["snapshot"]]
            number = str(row["source"] or "").partition("#")[2]
            file = held["files"][int(number) - 1]["name"] if number.isdigit() else ""
            said = {k: v for k, v in row.items() if v is not None and k not in _NOT_SAID}
            out.append({"table": name, "import": row["snapshot"], "at": held["created_at"], "file": file,
                        "counts": "yes" if row["counts"] else "no", "says": said})  # fmt: skip
    return out


_NOT_SAID = ("snapshot", "counts", "learner_id", "source")


def _rows_of(store: Store, snapshot: str, table: str, columns: list[str]) -> pa.Table:
    """What one import wrote into a table, as it wrote it."""
    schema = pa.schema([REGISTER[table].schema.field(c) for c in columns])
    files = (store.home / "register" / table).rglob(f"{snapshot}.parquet")
    held = [pq.ParquetFile(f).read(columns=columns) for f in files]
    return pa.concat_tables(held) if held else schema.empty_table()


def _values(store: Store, snapshots: list[str], table: str, column: str) -> set[Any]:
    return {v for s in snapshots for v in pc.unique(_rows_of(store, s, table, [column])[column]).to_pylist()}


def _all_values(store: Store, snapshot: str, column: str) -> set[Any]:
    """All learners, or all schools, that an import says anything of."""
    tables = [t for t, spec in REGISTER.items() if column in spec.schema.names]
    return {value for table in tables for value in _values(store, [snapshot], table, column)}
