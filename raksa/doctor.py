"""What is in the store and among the people, and what is missing for the next step: `raksa doctor`."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from raksa.accounts import Accounts
from raksa.errors import RaksaError
from raksa.people import file_in, second_lock
from raksa.seal import Seal, key_file
from raksa.settings import Settings
from raksa.store import Store


@dataclass(frozen=True)
class Findings:
    lines: tuple[str, ...]
    wrong: bool


def examine(store: Store, settings: Settings) -> Findings:
    """Lines for a person; `wrong` when something a reader needs is missing or cannot be read."""
    held, people = _examine_store(store), examine_people(settings)
    return Findings((*held.lines, *people.lines), held.wrong or people.wrong)


def examine_people(settings: Settings) -> Findings:
    """Which people database is used, whether it answers, whether the second lock stands, whether the key of second
    factors is there. A database that is not there yet is not made."""
    url = make_url(settings.database_url) if settings.database_url else file_in(settings.home)
    kind = "PostgreSQL" if url.get_backend_name() == "postgresql" else "SQLite"
    name = f"People database: {kind}, {url.render_as_string(hide_password=True)}"
    if not settings.database_url and not (settings.home / "raksa.db").exists():
        return Findings((f"{name}: none yet, `raksa serve` or `raksa people add` makes it",), False)
    try:
        accounts = Accounts.open(settings)
    except RaksaError as wrong:
        return Findings((f"  WRONG: {name}: {wrong}",), True)
    try:
        everyone = accounts.everyone()
        factors, without_key = accounts.second_factors()
        lines = [f"{name}: answers; accounts {len(everyone)}, switched on {sum(p.active for p in everyone)}"]
        lock, missing = _second_lock(accounts.people)
        lines.append(lock)
    finally:
        accounts.close()
    key = key_file(settings)
    lines.append(f"Second factors: {factors}, key: {key if key.exists() else 'made with the first one'}")
    if key.exists() and not Seal(settings).has_key():
        missing = True
        lines.append(f"  WRONG: {key} cannot be read, or holds no key. Put the file of an earlier day back.")
    elif without_key:
        missing = True
        lines.append(
            f"  WRONG: {key} does not open {without_key} of them; put the key's file back, or turn them off "
            "(`raksa people codes-off`)."
        )
    return Findings(tuple(lines), missing)


def _second_lock(people: Engine) -> tuple[str, bool]:
    """Whether row-level security stands behind every table with rows of children, in words; whether it is missing
    though PostgreSQL could have it."""
    if people.dialect.name != "postgresql":
        return "Second lock (row-level security): SQLite has none; the condition in each query stands alone", False
    if not second_lock(people):
        return (
            "  WRONG: second lock: PostgreSQL does not ask this account for it. Make it NOSUPERUSER and NOBYPASSRLS.",
            True,
        )
    with people.connect() as connection:
        tables = connection.execute(_OF_CHILDREN).all()
    unlocked = sorted(name for name, locked in tables if not locked)
    if unlocked:
        return f"  WRONG: second lock: not on {', '.join(unlocked)}. Restore a backup into an empty database.", True
    return f"Second lock (row-level security): stands, on {len(tables)} tables", False


_OF_CHILDREN = text(
    "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class JOIN information_schema.columns c"
    " ON c.table_name = relname AND c.column_name = 'school_id' AND c.table_schema = current_schema()"
    " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname <> 'school_setting'"
)


def _examine_store(store: Store) -> Findings:
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
