"""Learning on a cluster: real workers, panel files, and a model near to the one of a single process."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import psutil
import pytest
from dask.distributed import Client
from made_panel import panel as made
from sklearn.metrics import roc_auc_score
from small_register import SETTINGS, listed, register

from features.registry import MODEL_FEATURES
from models.cluster import fit_files, panel_files
from models.panel import AsOf, panel
from models.risk import fit
from raksa.errors import RaksaError


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A scheduler and two workers, each a process started by dask's own command."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    folder, dask = tmp_path_factory.mktemp("cluster"), str(Path(sys.executable).with_name("dask"))
    quiet = ["--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    scheduler = [dask, "scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2], *quiet]
    worker = [dask, "worker", address, "--nworkers", "1", "--nthreads", "1", *quiet]
    started = []
    try:
        for command in (scheduler, worker, worker):
            with (folder / f"{len(started)}.log").open("wb") as log:
                started.append(psutil.Popen(command, cwd=folder, stdout=log, stderr=log))
        with Client(address, timeout=60) as own:
            own.wait_for_workers(2, timeout=60)
            yield own
    finally:
        for process in started:
            for each in (*process.children(recursive=True), process):
                each.terminate()
            process.wait()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    rows = made(3000)
    parts = [tmp_path / f"{n}.parquet" for n in range(4)]
    for n, part in enumerate(parts):
        rows[rows["learner_id"] % 4 == n].to_parquet(part, index=False)
    return parts


def test_the_cluster_s_trees_foresee_as_those_of_one_process(client: Client, files: list[Path]) -> None:
    later, unseen = made(1500, seed=1), made(3000, seed=2)
    spread = fit_files(client, files, MODEL_FEATURES, later, rounds=30, bag=1)
    alone = fit(pd.concat(map(pd.read_parquet, files)), MODEL_FEATURES, later=later, rounds=30, bag=1)
    assert spread.features == alone.features and spread.about["rows"] == alone.about["rows"]
    assert spread.school_rates.schools == pytest.approx(alone.school_rates.schools)
    ours, theirs = (roc_auc_score(unseen["left"], each.predict(unseen)) for each in (spread, alone))
    assert ours == pytest.approx(theirs, abs=0.01)
    assert spread.predict(unseen).mean() == pytest.approx(alone.predict(unseen).mean(), rel=0.05)
    worse = unseen.assign(absent_rate_28d=unseen["absent_rate_28d"] + 0.2)
    assert (spread.raw(worse) >= spread.raw(unseen)).all()


def test_files_without_a_leaver_teach_nothing(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "none.parquet"
    made(100).assign(left=0.0).to_parquet(file, index=False)
    with pytest.raises(RaksaError, match="no leavers"):
        fit_files(client, [file], MODEL_FEATURES, made(100))


def test_the_panel_in_files_is_the_panel(tmp_path: Path) -> None:
    june, closing, by = date(2024, 6, 10), date(2025, 3, 31), date(2025, 6, 10)
    rows = [listed(n, day) for n in range(1, 9) for day in (june, closing)] + [listed(n, by) for n in range(1, 6)]
    store = register(tmp_path / "home", enrolment=rows)
    asof = AsOf(date(2024, 9, 2), by)
    whole = panel(store, SETTINGS, [asof])
    assert whole["left"].sum() == 3
    # Without marks nobody can be scored, and the files hold whom the model may learn from.
    parts = [pd.read_parquet(file) for file in panel_files(store, SETTINGS, [asof], tmp_path)]
    assert len(parts) == SETTINGS.buckets and sum(map(len, parts)) == 0
    assert set(whole.columns) - set(parts[0].columns) == {"attended_on"}
