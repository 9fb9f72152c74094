"""Features on a cluster: a scheduler and two workers started by the commands of docs/cluster.md, and its program."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from dask.distributed import Client
from joblib import parallel_config

from features.build import build_files, build_many, first_pass, read_files
from raksa.errors import RaksaError
from raksa.store import Store
from tests.small_register import SCHOOL, SETTINGS, add, listed, page, school_days

PAGE = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")
COMMANDS = [line.strip() for line in PAGE.splitlines() if line.startswith("    dask ")]
PROGRAM = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL).group(1)
BUCKETS = 12
DATES = school_days(2567, 160)[10::5]


@dataclass
class Cluster:
    address: str
    client: Client
    workers: dict[str, psutil.Popen]  # by the address the scheduler knows each by

    def given_out(self) -> Counter[str]:
        """How often the scheduler handed each piece of work to a worker, by its own log."""
        log = self.client.run_on_scheduler(lambda dask_scheduler: [row[:3] for row in dask_scheduler.transition_log])
        return Counter(key for key, _, into in log if into == "processing" and key.startswith("batch_of_"))

    def done(self) -> dict[str, set[str]]:
        """The pieces of work each worker has done, by its own log."""
        found: dict[str, set[str]] = self.client.run(
            lambda dask_worker: {row[0] for row in dask_worker.state.log if row[1:3] == ("executing", "memory")}
        )
        return found

    def lost_with(self, worker: str) -> dict[str, set[str]]:
        """What the scheduler noted when a worker was gone: in hand, done but not yet fetched, and arguments."""
        for _, event in self.client.get_events("all"):
            if event["action"] == "remove-worker" and event["worker"] == worker:
                return {name: set(keys) for name, keys in event.items() if name.endswith("-tasks")}
        raise AssertionError(f"{worker} is not gone")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 learners of 8 schools, two years of marks drawn at random."""
    folder = tmp_path_factory.mktemp("shared")
    draw = np.random.default_rng(0)
    schools = [SCHOOL | {"school_id": f"9901{number:04d}"} for number in range(8)]
    lists, roll = [], []
    for year in (2566, 2567):
        for learner in range(1, 241):
            at = {"school_id": schools[learner % 8]["school_id"]}
            lists.append(listed(learner, school_days(year, 1)[0], **at))
            roll.append(page(learner, year, "".join(draw.choice(list("PPPPPPPTSA"), 190)), **at))
    add(Store.create(folder, BUCKETS, "test"), school=schools, enrolment=lists, roll=roll)
    return folder


@pytest.fixture(scope="module")
def by_one_process(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The features in files, counted by this process alone."""
    folder = tmp_path_factory.mktemp("alone")
    build_files(Store(home), SETTINGS, DATES, folder)
    return folder


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """The page's three commands on a free port of this machine, ended again whatever happens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    here = {"--host 10.0.0.1 --port 8786": f"--host 127.0.0.1 --port {port}", "--nworkers -1": "--nworkers 1"}
    started: list[psutil.Popen] = []
    try:
        for command in COMMANDS:
            program, *words = replaced(command, here | {"10.0.0.1:8786": f"127.0.0.1:{port}"}).split()
            with (tmp_path / f"{len(started)}.log").open("wb") as log:
                started.append(
                    psutil.Popen(
                        [Path(sys.executable).with_name(program), *words],
                        env={**os.environ, "TMPDIR": str(tmp_path)},
                        cwd=tmp_path,
                        stdout=log,
                        stderr=log,
                    )
                )
        with Client(f"127.0.0.1:{port}", set_as_default=False, timeout=30) as client:
            client.wait_for_workers(2, timeout=30)
            processes = {each.pid: process for process in started for each in family(process)}
            workers = {address: processes[pid] for address, pid in client.run(os.getpid).items()}
            yield Cluster(f"127.0.0.1:{port}", client, workers)
    finally:
        for process in started:
            kill(process)


@pytest.fixture
def program(cluster: Cluster, home: Path, tmp_path: Path) -> Iterator[psutil.Popen]:
    """The page's program at work on the cluster."""
    script = tmp_path / "spread.py"
    script.write_text(PROGRAM.replace("10.0.0.1:8786", cluster.address), encoding="utf-8")
    words = [sys.executable, script, *map(str, DATES)]
    environment = {**os.environ, "RAKSA_HOME": str(home)}
    with psutil.Popen(words, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            kill(running)


def test_two_workers_count_what_one_process_counts(cluster: Cluster, home: Path, by_one_process: Path) -> None:
    with parallel_config(backend="dask", client=cluster.client):
        spread = build_many(Store(home), SETTINGS, DATES)
    for as_of in DATES:
        alone = pd.concat([read_files(by_one_process, as_of, bucket) for bucket in range(BUCKETS)])
        alone = alone.sort_values("learner_id", ignore_index=True)
        pd.testing.assert_frame_equal(spread[as_of], alone, check_exact=True)
    one, other = cluster.done().values()  # each bucket counted once, some by each worker, none by this process
    assert one and other and not one & other
    assert buckets(one | other) == BUCKETS


def test_the_pages_program_loses_a_worker_and_only_what_that_one_had_in_hand_is_counted_again(
    cluster: Cluster, program: psutil.Popen, home: Path, by_one_process: Path
) -> None:
    (gone, process), (left, _) = cluster.workers.items()
    until(lambda: len(cluster.done()[gone]) > 1 and cluster.client.processing()[gone])
    before = cluster.done()
    kill(process)
    said = finished(program)
    assert files(home / "features") == files(by_one_process)
    assert f"Done  {BUCKETS} out of  {BUCKETS} | elapsed" in said

    assert list(cluster.client.processing()) == [left]
    lost = cluster.lost_with(gone)
    again = lost["processing-tasks"] | lost["lost-computed-tasks"]
    assert lost["processing-tasks"] and not lost["lost-scattered-tasks"]
    given = cluster.given_out()
    assert given == Counter({key: 1 + (key in again) for key in given}) and buckets(given) == BUCKETS
    kept = before[gone] - again  # what the worker had done and handed over
    assert kept and not kept & cluster.done()[left]


def test_a_small_register_is_spread_when_the_caller_says_so(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with parallel_config(backend="threading", n_jobs=2, verbose=1):
        build_many(Store(home), SETTINGS, DATES[:1])
    assert "ThreadingBackend with 2 concurrent workers" in capfd.readouterr().err


def test_a_worker_without_the_folder_says_so_instead_of_counting_no_learners(tmp_path: Path) -> None:
    with pytest.raises(RaksaError, match="not-mounted holds no Raksa store"):
        first_pass(tmp_path / "not-mounted", SETTINGS, DATES[:1], 0)


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.parquet")}


def buckets(pieces: Iterable[str]) -> int:
    """How many buckets pieces of work hold together: joblib puts several into one where they are small."""
    return sum(int(re.fullmatch(r"batch_of_\w+_(\d+)_calls-\w+", piece).group(1)) for piece in pieces)


def replaced(line: str, words: dict[str, str]) -> str:
    for word, by in words.items():
        line = line.replace(word, by)
    return line


def until(holds: Callable[[], object]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("not within 30 s")


def finished(program: psutil.Popen) -> str:
    """What the program said on its way, once it has ended well."""
    _, said = program.communicate(timeout=60)
    assert program.returncode == 0, said
    return said


def family(process: psutil.Popen) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)] if process.is_running() else []


def kill(process: psutil.Popen) -> None:
    """SIGKILL to a process and all it started, itself first, so that it cannot start another."""
    for each in family(process):
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    process.wait()
