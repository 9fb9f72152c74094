"""Does "did it work?" tell the truth? `python -m benchmarks.effect [--quick] [--json FILE]`.

Areas are made up in which it is known how much of the leaving the help prevented: nothing, a tenth, two fifths
(tests/made_areas.py: schools of unequal size and leaving, a model that knows half of what sets a school apart). Each is
analysed by each design as `raksa effect` does it. Printed for each:

    covered   how often the 95 % interval held the truth; goal 95 ± 2 %
    false     how often it claimed an effect where there is none, or one of the wrong sign; goal at most 5 %
    found     how often it said "fewer left"

In "matched, chosen" who is contacted depends on what makes a child stay and stands in no record. No analysis of the
records can mend that; the row is there to show how wrong it goes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from care.effect.estimate import Estimate
from care.effect.line import line, line_contacted
from care.effect.matched import matched
from care.effect.stepped import stepped
from tests.made_areas import EFFECTS, area, stepped_area

CHOSEN = -0.7  # log-odds of being contacted, by a standard deviation of what nobody wrote down: those who will stay
COVERED, FALSE = (0.93, 0.97), 0.05
_FORMS = dict.fromkeys(("truth", "mean", "width"), "{:+.4f}") | dict.fromkeys(("covered", "false", "found"), "{:.1%}")
Analysed = tuple[Estimate, float]


def _line(schools: int, reduction: float, seed: int) -> Analysed:
    made = area(schools, reduction, seed)
    return line(made.rows, checked=False), made.listed


def _contacted(schools: int, reduction: float, seed: int) -> Analysed:
    made = area(schools, reduction, seed)
    return line_contacted(made.rows, checked=False), made.contact_near


def _stepped(schools: int, reduction: float, seed: int) -> Analysed:
    rows, truth = stepped_area(schools, 3, reduction, seed)
    return stepped(rows, draws=499, seed=seed), truth


def _matched(schools: int, reduction: float, seed: int) -> Analysed:
    made = area(schools, reduction, seed)
    return matched(made.rows), made.contact


def _chosen(schools: int, reduction: float, seed: int) -> Analysed:
    made = area(schools, reduction, seed, hidden=CHOSEN)
    return matched(made.rows), made.contact


DESIGNS: dict[str, tuple[Callable[[int, float, int], Analysed], int]] = {
    "line": (_line, 60),
    "line, contacted": (_contacted, 60),
    "line, many schools": (_line, 300),
    "stepped": (_stepped, 60),
    "stepped, few schools": (_stepped, 24),
    "matched": (_matched, 60),
    "matched, chosen": (_chosen, 60),
}


def judged(name: str, effect: str, repeats: int) -> dict[str, float | str | bool]:
    """One row: what a design said of so many made-up areas with this effect."""
    design, schools = DESIGNS[name]
    found = pd.DataFrame(
        [
            (said.effect, said.low, said.high, truth, said.verdict)
            for said, truth in (design(schools, EFFECTS[effect], 1000 * seed + 7) for seed in range(repeats))
        ],
        columns=["effect", "low", "high", "truth", "verdict"],
    )
    wrong = found["verdict"] == "more leaving"
    if not EFFECTS[effect]:
        wrong |= found["verdict"] == "less leaving"
    return {
        "design": name,
        "effect": effect,
        "schools": schools,
        "areas": repeats,
        "truth": float(found["truth"].mean()),
        "mean": float(found["effect"].mean()),
        "width": float((found["high"] - found["low"]).replace(np.inf, np.nan).median()),
        "covered": float(((found["low"] <= found["truth"]) & (found["truth"] <= found["high"])).mean()),
        "false": float(wrong.mean()),
        "found": float((found["verdict"] == "less leaving").mean()),
    }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true", help="20 areas each: shows that it runs")
    asked.add_argument("--areas", type=int, default=500, help="made-up areas a design and effect")
    asked.add_argument("--only", choices=list(DESIGNS), help="one design")
    asked.add_argument("--json", type=Path)
    how = asked.parse_args()
    repeats, started = 20 if how.quick else how.areas, time.perf_counter()
    rows = []
    for name in [how.only] if how.only else DESIGNS:
        for effect in EFFECTS:
            rows.append(judged(name, effect, repeats))
            print(f"{time.perf_counter() - started:6.0f} s  {rows[-1]}", file=sys.stderr, flush=True)
    table = Table(*rows[0], title=f"{repeats} made-up areas each; differences in share who left")
    for row in rows:
        table.add_row(*(_FORMS.get(name, "{}").format(value) for name, value in row.items()))
    Console(width=140).print(table)
    if how.json:
        how.json.write_text(json.dumps({"rows": rows, "areas": repeats}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
