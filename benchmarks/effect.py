"""Does "did it work?" tell the truth? `python -m benchmarks.effect [--quick] [--json FILE]`.

Areas are made up in which it is known how much of the leaving the help prevented: nothing, a tenth, two fifths
(tests/made_areas.py: schools of unequal size and leaving, a model that knows half of what sets a school apart). Each is
analysed by each design as `raksa effect` does it, checks included. Printed for each:

    covered   how often the 95 % interval held the truth; goal 95 ± 2 %
    false     how often it claimed an effect where there is none, or one of the wrong sign; goal at most 5 %
    chance    what `false` may be but for chance (Wilson's 95 % interval)
    found     how often it said "fewer left"
    spread    standard deviation of what was measured; beside it `error`, what the intervals took it for

Four times as many areas where nothing is prevented: of 500 areas with 5 % of claims, one run in six shows 6 % or more.
No choice was ever made on these seeds (FIRST onwards); other areas served for that.

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
from scipy.stats import t as student
from statsmodels.stats.proportion import proportion_confint

from care.effect.estimate import Estimate
from care.effect.line import line, line_contacted
from care.effect.matched import matched
from care.effect.stepped import stepped
from tests.made_areas import EFFECTS, area, stepped_area

CHOSEN = -0.7  # log-odds of being contacted, by a standard deviation of what nobody wrote down: those who will stay
FIRST = 100_000
_FORMS = dict.fromkeys(("truth", "mean"), "{:+.4f}") | dict.fromkeys(("spread", "error"), "{:.4f}")
_FORMS |= dict.fromkeys(("covered", "false", "found"), "{:.1%}")
Analysed = tuple[Estimate, float]


def _line(schools: int, reduction: float, seed: int) -> Analysed:
    made = area(schools, reduction, seed)
    said = line(made.rows, checked=False)
    # A check takes a claim back and never makes one: where nothing is claimed, none need be made.
    return said if said.verdict == "cannot tell yet" else line(made.rows), made.listed


def _contacted(schools: int, reduction: float, seed: int) -> Analysed:
    made = area(schools, reduction, seed)
    said = line_contacted(made.rows, checked=False)
    return said if said.verdict == "cannot tell yet" else line_contacted(made.rows), made.contact_near


def _stepped(schools: int, reduction: float, seed: int) -> Analysed:
    rows, truth = stepped_area(schools, 3, reduction, seed)
    return stepped(rows, draws=499, seed=seed), truth


def _matched(schools: int, reduction: float, seed: int) -> Analysed:
    made = area(schools, reduction, seed)
    return matched(made.rows, balance=("risk",)), made.contact


def _chosen(schools: int, reduction: float, seed: int) -> Analysed:
    made = area(schools, reduction, seed, hidden=CHOSEN)
    return matched(made.rows, balance=("risk",)), made.contact


DESIGNS: dict[str, tuple[Callable[[int, float, int], Analysed], int]] = {
    "line": (_line, 60),
    "line, contacted": (_contacted, 60),
    "line, few schools": (_line, 25),
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
            (said.effect, said.low, said.high, truth, said.verdict, said.clusters)
            for said, truth in (design(schools, EFFECTS[effect], 1000 * (FIRST + k) + 7) for k in range(repeats))
        ],
        columns=["effect", "low", "high", "truth", "verdict", "schools"],
    )
    wrong = found["verdict"] == "more leaving"
    if not EFFECTS[effect]:
        wrong |= found["verdict"] == "less leaving"
    low, high = proportion_confint(wrong.sum(), repeats, method="wilson")
    error = (found["high"] - found["low"]) / 2 / student.ppf(0.975, found["schools"] - 1)
    return {
        "design": name,
        "effect": effect,
        "schools": schools,
        "areas": repeats,
        "truth": float(found["truth"].mean()),
        "mean": float(found["effect"].mean()),
        "spread": float(found["effect"].std()),
        "error": float(error.replace(np.inf, np.nan).mean()),
        "covered": float(((found["low"] <= found["truth"]) & (found["truth"] <= found["high"])).mean()),
        "false": float(wrong.mean()),
        "chance": f"{low:.1%} to {high:.1%}",
        "found": float((found["verdict"] == "less leaving").mean()),
    }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true", help="20 areas each: shows that it runs")
    asked.add_argument(
        "--areas", type=int, default=500, help="made-up areas a design and effect; 4 × where nothing is prevented"
    )
    asked.add_argument("--only", choices=list(DESIGNS), help="one design")
    asked.add_argument("--effect", choices=list(EFFECTS), help="one effect")
    asked.add_argument("--json", type=Path)
    how = asked.parse_args()
    repeats, started = 20 if how.quick else how.areas, time.perf_counter()
    rows = []
    for name in [how.only] if how.only else DESIGNS:
        for effect in [how.effect] if how.effect else EFFECTS:
            rows.append(judged(name, effect, repeats * (1 if EFFECTS[effect] else 4)))
            print(f"{time.perf_counter() - started:6.0f} s  {rows[-1]}", file=sys.stderr, flush=True)
    table = Table(*rows[0], title="differences in share who left")
    for row in rows:
        table.add_row(*(_FORMS.get(name, "{}").format(value) for name, value in row.items()))
    Console(width=160).print(table)
    if how.json:
        how.json.write_text(json.dumps({"rows": rows}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
