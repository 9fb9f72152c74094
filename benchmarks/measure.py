"""A program run in a process of its own: wall and CPU seconds, and the largest memory of all its processes together."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping

import psutil


def measured(program: str, *args: str, environment: Mapping[str, str] | None = None) -> dict[str, float]:
    """Run Python source; `wall_s`, `cpu_s` of it and all it started, `peak_mb`: the largest sum of their resident
    memory seen twenty times a second, a page that several share counted in each. Ends the benchmark if it fails."""
    command = [sys.executable, "-c", program, *args]
    before, started = os.times(), time.perf_counter()
    running = psutil.Popen(command, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL)
    peak = 0
    while running.poll() is None:
        used = 0
        for process in (running, *children(running)):
            try:
                used += process.memory_info().rss
            except psutil.Error:
                continue
        peak = max(peak, used)
        time.sleep(0.05)
    wall, after = time.perf_counter() - started, os.times()
    if running.returncode:
        raise SystemExit(f"the measured program failed with exit code {running.returncode}; see above")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"wall_s": wall, "cpu_s": cpu, "peak_mb": peak / 1e6}


def children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []
