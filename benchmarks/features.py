"""Signals from marks, results and lists, measured beside the same by DuckDB, Polars and pandas.

    python -m benchmarks.features [--quick] [--sizes 0.1,0.5] [--repeats 3] [--long] [--featuretools] [--data FOLDER]
                                  [--json FILE] [--chart FILE]

all         every signal of every learner on one day; raksa computes all of the registry, the others the attendance and
            grades families and the standing within class and school (`feature_engines.signals`), in their favour.
attendance  that family alone.
12 dates    every signal on twelve days three weeks apart, the register walked through once.
rates       what featuretools can express of these, rates of days and a mean grade, at 2,000 and 20,000 learners.

raksa-weekly and raksa-update read a store whose marks came in 31 imports, in full and going on from what the last run
kept (the state of the first 30 is made beforehand). raksa-processes and raksa-dask are two processes of joblib and two
dask workers started as docs/cluster.md says, their start counted.

scan-rows and scan-pages are floors: DuckDB reads and sums every mark once, row per day and as roll pages. Each run is a
process of its own, start and imports counted, engines taking turns, medians; memory is the largest sum over the process
and its workers. Sizes are millions of learners; the learners are invented, 200 school days each, the seed is fixed.
Every engine's answers are compared with raksa's on 1,000 learners in the same run. From 6 million learners each runs
once, and Polars, pandas and twelve dates end at half a million, unless `--long` asks otherwise.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import shutil
import statistics
import subprocess
import tempfile
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from benchmarks.feature_engines import invented, raksa_build, signals, weekly
from benchmarks.measure import measured
from raksa.settings import load
from raksa.store import Store

_PROGRAM = """
import sys
from pathlib import Path
from benchmarks.feature_engines.{module} import {function}

if __name__ == "__main__":
    {function}(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
"""


@dataclass(frozen=True)
class Engine:
    """Of an engine: its module and function, the task and the most learners each is measured with."""

    name: str
    module: str
    function: str
    most: Mapping[str, float]


_HALF = 500_000  # beyond, pandas and Polars would take an hour
_ENGINES = [
    Engine("raksa", "raksa_build", "run", {"all": math.inf, "attendance": math.inf, "12 dates": _HALF}),
    Engine("duckdb", "duckdb_sql", "run", {"all": math.inf, "attendance": math.inf}),
    Engine("polars", "polars_lazy", "run", {"all": _HALF, "attendance": _HALF}),
    Engine("pandas", "pandas_groupby", "run", {"all": _HALF, "attendance": _HALF}),
    Engine("scan-rows", "duckdb_sql", "scan_rows", {"attendance": math.inf}),
    Engine("scan-pages", "duckdb_sql", "scan_pages", {"attendance": math.inf}),
    Engine("raksa-processes", "spread", "processes", {"all": 2_000_000}),
    Engine("raksa-dask", "spread", "dask", {"all": 2_000_000}),
    Engine("raksa-weekly", "weekly", "full", {"all": _HALF}),
    Engine("raksa-update", "weekly", "update", {"all": _HALF}),
]
_NEEDS = {"polars": "polars", "raksa-dask": "distributed"}
_FEATURETOOLS = (2_000, 20_000)  # learners
_COLOURS = {
    "raksa": "#0b6e4f",
    "duckdb": "#b8860b",
    "polars": "#7a4fbf",
    "pandas": "#b03a2e",
    "scan-rows": "#888888",
    "scan-pages": "#bbbbbb",
    "raksa-processes": "#1f8a70",
    "raksa-dask": "#d35400",
    "raksa-weekly": "#2c7fb8",
    "raksa-update": "#41b6c4",
}
_MARKS_A_LEARNER = 200


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true", help="20,000 learners, once")
    asked.add_argument("--sizes", default="0.1,0.5,2,6.5", help="millions of learners (default %(default)s)")
    asked.add_argument("--repeats", type=int, default=3, help="runs of each, of which the median counts")
    asked.add_argument("--long", action="store_true", help="every engine at every size, as often as asked")
    asked.add_argument(
        "--featuretools", action="store_true", help="measure it too: installs it into a folder of --data"
    )
    asked.add_argument("--data", type=Path, help="folder that keeps the invented registers (default: a temporary one)")
    asked.add_argument("--json", type=Path, help="write task, engine, learners, wall_s, cpu_s, peak_mb to this file")
    asked.add_argument(
        "--chart", type=Path, help="draw CPU seconds by size into this SVG, docs/pictures/features-cost.svg"
    )
    said = asked.parse_args()
    sizes = [20_000] if said.quick else [round(float(size) * 1e6) for size in said.sizes.split(",")]
    engines = []
    for engine in _ENGINES:
        if find_spec(package := _NEEDS.get(engine.name, "numpy")):
            engines.append(replace(engine, most=dict.fromkeys(engine.most, math.inf)) if said.long else engine)
        else:
            print(f"{engine.name} is left out: {package} is not installed.")
    found: list[dict[str, Any]] = []
    with _folder(said.data) as data:
        if said.featuretools:
            found += _featuretools(data)
        else:
            print("featuretools is left out: it needs pandas 2, in an environment that --featuretools makes.")
        for learners in sizes:
            register = invented.register(data, learners, load())
            once = said.quick or (learners >= 6_000_000 and not said.long)
            found += _of_size(register, learners, engines, 1 if once else said.repeats)
            if said.json:  # after each size: the largest takes long
                said.json.write_text(json.dumps(found, indent=1))
    _show(found)
    for sentence in ratios(found):
        print(sentence)
    if said.chart:
        said.chart.write_text(chart(found), encoding="utf-8")


@contextlib.contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield kept
    else:
        with tempfile.TemporaryDirectory() as held:
            yield Path(held)


def _of_size(register: Path, learners: int, engines: list[Engine], repeats: int) -> list[dict[str, Any]]:
    runs: dict[tuple[str, str], list[dict[str, float]]] = {}
    for engine in engines:
        for task, most in engine.most.items():
            if learners > most:
                print(f"{engine.name}, {task}, is left out at {learners:,} learners: it is measured to {most:,}.")
    if any(engine.module == "weekly" and learners <= engine.most["all"] for engine in engines):
        weekly.register(register)
    for turn in range(repeats):
        for task in ("all", "attendance", "12 dates"):
            with tempfile.TemporaryDirectory(dir=register) as held:
                for engine in engines:
                    if learners <= engine.most.get(task, 0):
                        out = Path(held) / engine.name
                        out.mkdir()
                        if engine.name == "raksa-update":
                            weekly.before(register / "weekly")
                        program = _PROGRAM.format(module=engine.module, function=engine.function)
                        ran = measured(program, str(register), task, str(out))
                        runs.setdefault((task, engine.name), []).append(ran)
                        if turn == 0 and engine.name in ("duckdb", "polars", "pandas"):
                            apart = _compared(register, task, Path(held), engine.name)
                            print(f"{learners:,} learners, {task}: {engine.name} against raksa: {apart}")
                        elif engine.module in ("spread", "weekly"):
                            _the_same(Path(held) / "raksa", out)
                        if engine.name != "raksa":  # the others are compared with it
                            shutil.rmtree(out)
    return _medians(runs, learners)


def _medians(runs: Mapping[tuple[str, str], list[dict[str, float]]], learners: int) -> list[dict[str, Any]]:
    return [
        {"task": task, "engine": engine, "learners": learners}
        | {key: round(statistics.median(run[key] for run in each), 3) for key in ("wall_s", "cpu_s", "peak_mb")}
        for (task, engine), each in runs.items()
    ]


def _the_same(one: Path, other: Path) -> None:
    """Ends the benchmark unless both wrote the same files, byte by byte."""
    for file in one.rglob("*.parquet"):
        if file.read_bytes() != (other / file.relative_to(one)).read_bytes():
            raise SystemExit(f"{other.name} and {one.name} differ in {file.relative_to(one)}: find out why first.")


def _featuretools(data: Path) -> list[dict[str, Any]]:
    """featuretools in an environment of its own, once a size, beside raksa."""
    python = data / "featuretools" / "bin" / "python"
    if not python.exists():
        venv.create(data / "featuretools", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "featuretools", "pandas<3", "pyarrow"], check=True)
    script = Path(invented.__file__).with_name("featuretools_dfs.py")
    started = "import subprocess, sys; subprocess.run(sys.argv[1:], check=True)"
    found = []
    for learners in _FEATURETOOLS:
        register = invented.register(data, learners, load())
        with tempfile.TemporaryDirectory(dir=register) as held:
            ours = measured(_PROGRAM.format(module="raksa_build", function="run"), str(register), "all", held)
            asked = (str(python), str(script), str(register), str(signals.AS_OF), held)
            theirs = measured(started, *asked)
            rates = pd.read_parquet(Path(held) / "rates.parquet").set_index("learner_id")
            buckets = range(Store(register / "store").identity.buckets)
            rows = pd.concat([raksa_build.read("all", Path(held), bucket) for bucket in buckets])
            shared = [name for name in rates if name in rows]
            apart = (rates[shared] - rows.set_index("learner_id")[shared]).abs().to_numpy()
        print(f"{learners:,} learners, rates: featuretools against raksa: largest difference {np.nanmax(apart):.1e}")
        found += _medians({("all", "raksa"): [ours], ("rates", "featuretools"): [theirs]}, learners)
    return found


def _compared(register: Path, task: str, held: Path, engine: str) -> str:
    """The largest difference between an engine's answers and raksa's, on 1,000 learners of two buckets."""
    buckets = sorted(int(file.stem) for file in (register / "days").iterdir())
    names = signals.ATTENDANCE + (signals.GRADES + signals.CONTEXT if task == "all" else [])
    largest, where, known_apart = 0.0, "", 0
    for bucket in {buckets[0], buckets[-1]}:
        ours = raksa_build.read(task, held / "raksa", bucket).set_index("learner_id")[names]
        ours = ours.sample(min(500, len(ours)), random_state=0)
        theirs = pd.read_parquet(held / engine / f"{bucket:04d}-learner.parquet").set_index("learner_id")
        if task == "all":
            sampled = [("learner_id", "in", ours.index.tolist())]
            context = pq.read_table(held / engine / "context.parquet", filters=sampled).to_pandas()
            theirs = theirs.join(context.set_index("learner_id"))
        theirs = theirs.loc[ours.index, names]
        for name in names:
            a, b = (side[name].to_numpy(np.float64, na_value=np.nan) for side in (ours, theirs))
            known_apart += int((np.isnan(a) != np.isnan(b)).sum())
            apart = float(np.nanmax(np.abs(a - b), initial=0))
            if apart > largest:
                largest, where = apart, name
    return f"largest difference {largest:.1e} {f'({where})' if where else ''}, known to one of the two {known_apart}"


# ------------------------------------------------------------------------------------------------ what it says
def ratios(found: list[dict[str, Any]]) -> list[str]:
    """What the figures come to, a sentence each."""
    held = {(row["task"], row["engine"], row["learners"]): row for row in found}
    sizes = sorted({row["learners"] for row in found})
    said = []

    def times(above: tuple[str, str], below: tuple[str, str], what: str, of: str = "cpu_s") -> None:
        values = [
            (n, held[*above, n][of] / held[*below, n][of]) for n in sizes if (*above, n) in held and (*below, n) in held
        ]
        if values:
            said.append(f"{what}: " + ", ".join(f"{ratio:.2f} × at {n / 1e6:g} M" for n, ratio in values))

    times(("attendance", "raksa"), ("attendance", "scan-rows"), "attendance, raksa CPU / bare scan of the rows")
    times(("all", "raksa"), ("attendance", "scan-rows"), "all, raksa CPU / bare scan of the rows of marks")
    times(("all", "raksa-update"), ("all", "raksa-weekly"), "a weekly run, update CPU / full CPU")
    times(("all", "raksa-dask"), ("all", "raksa-processes"), "two dask workers, wall / two processes, wall", "wall_s")
    times(("rates", "featuretools"), ("all", "raksa"), "featuretools, rates, CPU per learner / raksa, all signals")
    for task in ("all", "attendance"):
        for engine in ("duckdb", "polars", "pandas"):
            times((task, engine), (task, "raksa"), f"{task}, {engine} CPU / raksa CPU")
    times(("12 dates", "raksa"), ("all", "raksa"), "raksa, twelve dates / one")
    for engine in dict.fromkeys(row["engine"] for row in found):
        rows = [
            row
            for row in found
            if row["engine"] == engine and row["task"] == ("attendance" if "scan" in engine else "all")
        ]
        if len(rows) > 1:
            slope = np.polyfit(np.log([r["learners"] for r in rows]), np.log([r["cpu_s"] for r in rows]), 1)[0]
            most, at = max((row["peak_mb"], row["learners"] / 1e6) for row in rows)
            said.append(f"{engine}: CPU grows as learners to the {slope:.2f}; at most {most:,.0f} MB, at {at:g} M")
    return said


def chart(found: list[dict[str, Any]]) -> str:
    """CPU seconds of the task "all" against marks, both logarithmic, a line an engine, as SVG."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in sorted(found, key=lambda row: row["learners"]):
        if row["task"] == ("attendance" if "scan" in row["engine"] else "all"):
            lines.setdefault(row["engine"], []).append((row["learners"] * _MARKS_A_LEARNER / 1e6, row["cpu_s"]))
    points = [point for line in lines.values() for point in line]
    low = [math.floor(math.log10(min(p[axis] for p in points))) for axis in (0, 1)]
    high = [math.ceil(math.log10(max(p[axis] for p in points))) for axis in (0, 1)]

    def place(x: float, y: float) -> tuple[float, float]:
        across, up = ((math.log10(v) - low[a]) / max(high[a] - low[a], 1) for a, v in enumerate((x, y)))
        return round(70 + 500 * across, 1), round(340 - 300 * up, 1)

    out = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 400" font-family="sans-serif" font-size="13">',
        "<title>CPU seconds for every signal, by attendance marks</title>",
        '<rect width="720" height="400" fill="white"/>',
    ]
    for axis in (0, 1):
        for power in range(low[axis], high[axis] + 1):
            at = [10.0 ** low[0], 10.0 ** low[1]]
            at[axis] = 10.0**power
            x, y = place(at[0], at[1])
            end = f'x2="{x}" y2="40"' if axis == 0 else f'x2="570" y2="{y}"'
            out.append(f'<line x1="{x}" y1="{y}" {end} stroke="#dddddd"/>')
            spot = f'x="{x}" y="358" text-anchor="middle"' if axis == 0 else f'x="62" y="{y + 4}" text-anchor="end"'
            out.append(f'<text {spot} fill="#444444">{10.0**power:,g}</text>')
    out.append('<text x="320" y="385" text-anchor="middle">million attendance marks</text>')
    out.append('<text x="70" y="26">CPU seconds, every signal of one day; scans: reading alone</text>')
    taken: dict[float, float] = {}  # names that end below one another at the same size
    shown = {engine: line for engine, line in lines.items() if engine != "raksa-processes"}  # raksa lies on it
    for engine, line in sorted(shown.items(), key=lambda each: -each[1][-1][1]):
        spots = [place(*point) for point in line]
        drawn, colour = " ".join(f"{x},{y}" for x, y in spots), _COLOURS[engine]
        width = 3 if engine == "raksa" else 1.5
        out.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        out += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in spots]
        x, y = spots[-1]
        taken[x] = max(y + 4, taken.get(x, 0) + 15)
        out.append(f'<text x="{x + 8}" y="{taken[x]}" fill="{colour}">{engine}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def _show(found: list[dict[str, Any]]) -> None:
    packages = []
    for name in ("numpy", "pyarrow", "duckdb", "polars", "pandas"):
        with contextlib.suppress(PackageNotFoundError):
            packages.append(f"{name} {version(name)}")
    table = Table(*found[0], "marks/CPU s", box=None, header_style="bold", title=", ".join(packages))
    for row in found:
        speed = row["learners"] * _MARKS_A_LEARNER / row["cpu_s"]
        table.add_row(*(f"{v:,}" if isinstance(v, int) else str(v) for v in row.values()), f"{speed:,.0f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
