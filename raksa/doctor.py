"""What is in the store and what is missing for the next step: `raksa doctor`."""

from __future__ import annotations

import json
from dataclasses import dataclass

from raksa.settings import Settings
from raksa.store import Store


@dataclass(frozen=True)
class Findings:
    lines: tuple[str, ...]
    wrong: bool


def examine(store: Store, settings: Settings) -> Findings:
    """Lines for a person; `wrong` when something a reader needs is missing or cannot be read."""
    lines = [f"Data folder: {store.home.resolve()}"]
    if not (store.home / "store.json").is_file():
        return Findings((*lines, "No store here yet: run `raksa demo`, or `raksa ingest FILES`."), False)
    pointer = store.current()
    back = f", {len(pointer.undone)} taken back" if pointer.undone else ""
    lines.append(f"Imports: {len(pointer.snapshots)}{back}")
    wrong = False
    for name in pointer.snapshots:
        if not (store.home / "snapshots" / f"{name}.json").is_file():
            lines.append(f"  WRONG: the description of import {name} is missing; restore it from a backup.")
            wrong = True
    for last in pointer.snapshots[-1:]:
        files = store.snapshot(last)["files"]
        refused = sum(sum(f["refused"].values()) for f in files)
        whole = [f for f in files if f["refused_whole"]]
        lines.append(f"Last import: {len(files)} files, {refused} rows refused, {len(whole)} files refused")
    for table in ("enrolment", "roll", "result", "household"):
        years = [y for y in store.years(table) if y]
        rows = store.read(table, columns=["learner_id"]).num_rows
        lines.append(f"  {table}: {rows:,} rows" + (f", academic years {years[0]}–{years[-1]}" if years else ""))
    for kind, held, step in (("model", pointer.model, "raksa train"), ("run", pointer.run, "raksa score")):
        if held and not (store.home / f"{kind}s" / held).is_dir():
            lines.append(f"  WRONG: the current {kind} {held} is missing; run `{step}`.")
            wrong = True
        else:
            lines.append(f"Current {kind}: {held or f'none yet: run `{step}`'}")
    if pointer.run and (store.home / "runs" / pointer.run / "run.json").is_file():
        rests_on = json.loads((store.home / "runs" / pointer.run / "run.json").read_text(encoding="utf-8"))["snapshots"]
        if tuple(rests_on) != pointer.snapshots:
            lines.append("The register has changed since these lists were published: run `raksa score`.")
    debris = store.debris()
    if debris:
        lines.append(f"{len(debris)} files left by an interrupted write: harmless, nobody reads them.")
    return Findings(tuple(lines), wrong)
