"""Killed at any moment, an import or a publication leaves the last good state whole; run again, it loses and doubles
nothing.

`make kills` does it 200 times: KILLS is how many kills an import, and how many a publication, has to stand.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from cast import KONG, MALI
from school_files import dmc, dmc_row, schools, take

from raksa.demo_area import area
from raksa.demo_files import write_files
from raksa.store import Store
from raksa.tables import REGISTER, RUN
from register.ingest import files_in

KILLS = int(os.environ.get("KILLS", "8"))

# The program that is killed: it says when its imports are done, so that the moments can be spread over the work itself.
IMPORT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from raksa.settings import Settings
from raksa.store import Store
from register.ingest import files_in, ingest

home, files = Path(sys.argv[1]), files_in([Path(sys.argv[2])])
store = Store.create(home, 2, "key of the tests")
print("begin", flush=True)
ingest(store, Settings(home=home, buckets=2, jobs=1), files, now=datetime(2026, 1, 5, tzinfo=UTC))
print("end", flush=True)
"""
PUBLISH_LISTS = """
import sys
from datetime import date
from pathlib import Path
from care.publish import publish
from raksa.settings import load
from raksa.store import Store

home = Path(sys.argv[1])
print("begin", flush=True)
publish(Store(home), load(home).model_copy(update={"jobs": 1}), date.fromisoformat(sys.argv[2]), "2026-11-20T00:00:00Z")
print("end", flush=True)
"""
PUBLISH = """
import sys
from pathlib import Path
from raksa.store import Store

store = Store(Path(sys.argv[1]))
print("begin", flush=True)
for n in range(100_000):
    with store.writing():
        with store.publishing("runs", f"run-{n}") as folder:
            (folder / "scores.txt").write_text("x" * 100_000 + str(n))
            (folder / "run.json").write_text(str(n))
        store.point(run=f"run-{n}")
"""


def everything(home: Path) -> dict[str, list]:
    store = Store(home)
    return {name: store.read(name).to_pylist() for name in REGISTER}


def started(program: str, *args: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", program, *map(str, args)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "begin\n"
    return process


def killed(process: subprocess.Popen[str], after: float) -> None:
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("area")
    write_files(area(schools=3, learners=60, years=1), folder, jobs=1)
    return folder


def test_a_killed_import_leaves_the_last_good_state_and_can_be_run_again(tmp_path, files):
    whole_home, home = tmp_path / "whole", tmp_path / "home"
    first = [schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)])]
    for folder in (whole_home, home):
        take(folder, *first)
    before = everything(home)
    process = started(IMPORT, whole_home, files)
    begun = time.monotonic()
    assert process.communicate()[0] == "end\n"
    lasts = time.monotonic() - begun
    after = everything(whole_home)
    assert len(after["roll"]) > 60 and after != before

    draw = random.Random(0)
    fresh = tmp_path / "fresh"
    shutil.copytree(home, fresh)
    finished = 0
    for n in range(KILLS):
        # The writing is the last fifth of the work: most kills fall there.
        moment = draw.uniform(0, 0.7) if n % 8 == 0 else draw.uniform(0.6, 1.02)
        process = started(IMPORT, home, files)
        killed(process, lasts * moment)
        found = everything(home)
        assert found in (before, after)
        if n % 8 == 7 or found == after:  # what seven killed imports left behind, too, harms nobody
            finished += found == after
            take(home, *files_in([files]))
            assert everything(home) == after
            shutil.rmtree(home)
            shutil.copytree(fresh, home)
    print(f"{KILLS} kills of an import that lasts {lasts:.1f} s; {finished} came after its last write")
    take(home, *files_in([files]))
    assert everything(home) == after
    _, report = take(home, *files_in([files]))
    assert all(f.before or "unknown_learner" in f.refused for f in report.files)


def test_killed_between_the_written_parts_nothing_of_them_is_seen(tmp_path):
    """The same, at each file the store writes: the process dies just before the n-th."""
    program = """
import os, sys
from pathlib import Path
import raksa.store
from school_files import take
left = int(sys.argv[2])
write = raksa.store._flush
def counted(path):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), 9)
    write(path)
raksa.store._flush = counted
home = Path(sys.argv[1])
take(home, home.parent / "b.xlsx")
"""
    home = tmp_path / "home"
    take(home, schools(tmp_path), dmc(tmp_path / "a.xlsx", [dmc_row(MALI)]))
    dmc(tmp_path / "b.xlsx", [dmc_row(KONG)])
    before = everything(home)
    here = [str(Path(__file__).parent), str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
    for n in (0, 1, 3, 5, 7):  # the last: current.json is written beside, not yet in place
        done = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:0] = {here!r}\n{program}", str(home), str(n)], check=False
        )
        assert done.returncode == -signal.SIGKILL
        assert everything(home) == before
    assert Store(home).debris()
    store, _ = take(home, tmp_path / "b.xlsx")
    assert store.read("enrolment").num_rows == 2
    assert store.debris() == []  # what was left under the same names was written again


def lists(home: Path) -> tuple[str, list[tuple]]:
    """The run a reader follows, and all it holds."""
    store = Store(home)
    run = store.run_folder()
    with duckdb.connect(str(run / "scores.duckdb"), read_only=True) as con:
        held = [con.sql(f"select * from {name} order by all").fetchall() for name in RUN]
    assert sum(map(len, held)) > 0 and json.loads((run / "run.json").read_text())["id"] == run.name
    return run.name, held


def test_lists_are_whole_whenever_their_publication_is_killed(tmp_path, demo_home):
    home, whole_home, day = tmp_path / "home", tmp_path / "whole", "2026-11-17"
    shutil.copytree(demo_home, home)
    shutil.copytree(demo_home, whole_home)
    before = lists(home)
    process = started(PUBLISH_LISTS, whole_home, Path(day))
    begun = time.monotonic()
    assert process.communicate()[0] == "end\n"
    lasts, after, pointer = time.monotonic() - begun, lists(whole_home), (home / "current.json").read_bytes()
    assert after[0] != before[0]
    draw = random.Random(2)
    for _ in range(KILLS // 4 if KILLS < 100 else KILLS):
        killed(started(PUBLISH_LISTS, home, Path(day)), lasts * draw.uniform(0.3, 1.05))
        found = lists(home)
        assert found in (before, after)
        if found == after:
            (home / "current.json").write_bytes(pointer)
            shutil.rmtree(home / "runs" / after[0])
    process = started(PUBLISH_LISTS, home, Path(day))
    assert process.communicate()[0] == "end\n" and lists(home) == after


def test_a_reader_follows_a_whole_run_whenever_the_publisher_is_killed(tmp_path):
    store = Store.create(tmp_path / "home", 2, "k")
    draw = random.Random(1)
    for _ in range(4):
        process = started(PUBLISH, store.home)
        until = time.monotonic() + draw.uniform(0.05, 0.5)
        while time.monotonic() < until:
            check_run(store)
        killed(process, 0)
        check_run(store)
    assert store.current().run is not None


def check_run(store: Store) -> None:
    if store.current().run is None:
        return
    folder = store.run_folder()
    number = (folder / "run.json").read_text()
    assert (folder / "scores.txt").read_text() == "x" * 100_000 + number and folder.name == f"run-{number}"
