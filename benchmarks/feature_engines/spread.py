"""`build_files` by two processes of joblib, and by two dask workers started by the commands of docs/cluster.md."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from joblib import parallel_config

from benchmarks.feature_engines.raksa_build import settings
from benchmarks.feature_engines.signals import AS_OF
from features.build import build_files
from raksa.store import Store

_WORKERS = 2


def processes(register: Path, task: str, out: Path) -> None:
    own = settings(int(register.name)).model_copy(update={"jobs": _WORKERS})
    build_files(Store(register / "store"), own, [AS_OF], out)


def dask(register: Path, task: str, out: Path) -> None:
    from dask.distributed import Client

    with _cluster(out) as address, Client(address, timeout=60) as client:  # type: ignore[no-untyped-call]
        client.wait_for_workers(_WORKERS, timeout=60)
        with parallel_config(backend="dask", client=client):
            build_files(Store(register / "store"), settings(int(register.name)), [AS_OF], out)
        client.shutdown()


@contextlib.contextmanager
def _cluster(folder: Path) -> Iterator[str]:
    """A scheduler and two workers of one thread each; the address of the scheduler."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet, address = ["--no-dashboard", "--dashboard-address", "127.0.0.1:0"], f"tcp://127.0.0.1:{port}"
    worker = ["worker", address, "--nworkers", "1", "--nthreads", "1", "--local-directory", str(folder), *quiet]
    commands = [["scheduler", "--host", "127.0.0.1", "--port", str(port), *quiet], *([worker] * _WORKERS)]
    program = Path(sys.executable).with_name("dask")
    started = [subprocess.Popen([program, *words], stderr=subprocess.DEVNULL) for words in commands]
    try:
        yield address
    finally:
        for process in started:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.terminate()
                process.wait()
