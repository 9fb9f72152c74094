"""From counts to signals, for the engines that count outside SQL."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.feature_engines.signals import DAYS, LINE, RATES, WEEKS, WINDOWS


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))


def attendance(counts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Signals from counts by learner, float64: `<kind>_<window>` of recorded, open, unexcused, sick, leave and late;
    `<recorded|absent>_<edge|holiday>`; planned; longest, current, runs_3, runs_5."""
    held = dict(counts)
    for window in WINDOWS:
        held[f"absent_{window}"] = held[f"unexcused_{window}"] + held[f"sick_{window}"] + held[f"leave_{window}"]

    def rate(kind: str, window: str) -> np.ndarray:
        return _share(held[f"{kind}_{window}"], held[f"recorded_{window}"])

    out = {f"{kind}_rate_{w}": rate(kind, w) for kind, windows in RATES.items() for w in windows}
    out |= {f"{kind}_days_{w}": held[f"{kind}_{w}"] for kind, w in DAYS}
    seen = held["recorded_year"] > 0
    runs = {"longest_absence": "longest", "current_absence": "current", "runs_3": "runs_3", "runs_5": "runs_5"}
    out |= {name: np.where(seen, held[source], np.nan) for name, source in runs.items()}
    out["days_to_line"] = np.where(seen, np.floor((1 - LINE) * held["planned"] + 1e-9) - held["absent_year"], np.nan)
    for kind in ("absent", "late"):
        out[f"{kind}_change_28d"] = rate(kind, "28d") - rate(kind, "before")
    out["absent_change_term"] = rate("absent", "28d") - rate("absent", "term")
    for name in ("edge", "holiday"):
        other = held["recorded_year"] - held[f"recorded_{name}"], held["absent_year"] - held[f"absent_{name}"]
        out[f"absent_{name}"] = _share(held[f"absent_{name}"], held[f"recorded_{name}"]) - _share(other[1], other[0])
    for w in ("28d", "year"):
        out[f"recorded_share_{w}"] = _share(held[f"recorded_{w}"], held[f"open_{w}"])
    weight, away = (np.stack([held[f"{kind}_week_{k}"] for k in WEEKS]) for kind in ("recorded", "absent"))
    x = -np.array(WEEKS, float)
    w, wx, wxx = weight.sum(0), x @ weight, x**2 @ weight
    out["absent_trend"] = _share((x @ away) * w - wx * away.sum(0), wxx * w - wx**2)
    return out
