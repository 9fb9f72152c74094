"""How long a plan of home visits takes, and how far it is from one that was given a minute.

    python -m benchmarks.planner [--json FILE] [--seed N] [--minute 60]

Invented homes: villages lie around the school as they like (a normal deviation of seven kilometres each way), homes
around their village's middle (half a kilometre); one home in seven is at home only until three, one in seven only from
three. An afternoon is from one to half past four, a visit half an hour. `minutes` is time away from school, all rounds
together; what is compared is what the planner judges by, `cost`, where the number of visits is the same.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from datetime import date, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any

import numpy as np

from care import planner
from care.planner import Day, Home, Plan, School, plan

# Homes and afternoons: the school's own week, one that all homes fit into, and an area's campaign.
SIZES = ((40, 5), (40, 8), (200, 5), (200, 30))
MONDAY = date(2026, 11, 23)


def homes(number: int, seed: int, villages: int = 12) -> list[Home]:
    rng = np.random.default_rng(seed)
    middle = rng.normal(0, 0.06, (villages, 2))
    village = rng.integers(0, villages, number)
    at = middle[village] + rng.normal(0, 0.004, (number, 2))
    windows = {0: (clock(13), clock(15)), 1: (clock(15), clock(18))}
    return [
        Home(f"home{n}", 15 + float(lat), 101 + float(lon), f"village{v}", window=windows.get(n % 7))
        for n, (v, (lat, lon)) in enumerate(zip(village, at, strict=True))
    ]


def cost(made: Plan) -> float:
    """What the planner judges by, in kilometres: driven, a minute away as one, half a one for a village left."""
    total = made.km
    for each in made.rounds:
        total += (each.back.hour - each.leaves.hour) * 60 + each.back.minute - each.leaves.minute
        total += 0.5 * sum(a.home.place != b.home.place for a, b in zip(each.stops, each.stops[1:], strict=False))
    return total


def timed(number: int, days: int, seed: int, seconds: float) -> tuple[float, float, Plan]:
    """Wall and CPU seconds (one thread), and the plan."""
    afternoons = [Day(MONDAY + timedelta(n), clock(13), clock(16, 30)) for n in range(days)]
    waiting = homes(number, seed)
    started, worked = time.perf_counter(), time.process_time()
    made = plan(waiting, School(15, 101), afternoons, seconds=seconds, seed=seed)
    return time.perf_counter() - started, time.process_time() - worked, made


def measure(seed: int, minute: float) -> list[dict[str, Any]]:
    timed(5, 1, seed, 1.5)  # the library is read in once a process
    rows = []
    for number, days in SIZES:
        took, worked, made = timed(number, days, seed, 1.5 if number <= 40 else 8)
        # The same search with all the time it is given: it starts anew until the minute is over.
        starts, planner.STARTS = planner.STARTS, 10_000
        try:
            _, long_worked, long = timed(number, days, seed, minute)
        finally:
            planner.STARTS = starts
        rows.append({
            "homes": number, "afternoons": days, "wall_s": round(took, 2), "cpu_s": round(worked, 2),
            "cpu_s_minute": round(long_worked, 1), "cut_short": made.cut_short,
            "visits": made.visits, "visits_minute": long.visits, "km": round(made.km, 1),
            "km_minute": round(long.km, 1),
            "cost": round(cost(made), 1), "cost_minute": round(cost(long), 1),
            "worse_percent": round(100 * (cost(made) / cost(long) - 1), 2) if made.visits == long.visits else None,
        })  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--minute", type=float, default=60, help="seconds the other plan gets")
    asked.add_argument("--json", type=Path)
    args = asked.parse_args()
    print(f"load before: {os.getloadavg()[0]:.1f}")
    rows = measure(args.seed, args.minute)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
