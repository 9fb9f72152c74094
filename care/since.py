"""What came of a published run: foreseen against seen, once the census it foresaw has come. `raksa models watch`."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import duckdb

from models.outcome import asked, outcome
from models.watch import Since, calibration_since
from raksa.settings import Settings
from raksa.store import Store


def runs(store: Store) -> list[str]:
    """Ids of the published runs, the newest first."""
    folder = store.home / "runs"
    return sorted((f.name for f in folder.glob("*") if (f / "run.json").is_file()), reverse=True)


def about(store: Store, run: str | None = None) -> dict[str, Any]:
    """What run.json says of a run, the current one by default. Raises RaksaError if there is none."""
    said: dict[str, Any] = json.loads((store.run_folder(run) / "run.json").read_text(encoding="utf-8"))
    return said


def since(store: Store, settings: Settings, run: str, today: date) -> list[Since]:
    """All of a run first, then each area: its children held against what became of them by the run's horizon, as the
    register knows it now. Before the horizon nothing can be told, and each entry says why not."""
    said = about(store, run)
    as_of, by = date.fromisoformat(said["as_of"]), date.fromisoformat(said["horizon"])
    with duckdb.connect(str(store.run_folder(run) / "scores.duckdb"), read_only=True) as con:
        score = con.execute("select learner_id, area_id, school_id, grade, risk, listed from score order by 1").df()
    became = outcome(store, settings, score, as_of, by)
    return calibration_since(score, became.assign(left=asked(became, settings.outcome)), by, today, seed=settings.seed)
