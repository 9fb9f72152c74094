"""Made-up areas in which it is known how many children the help kept: none, a tenth (small), two fifths (large).

Schools differ in size and in leaving; what the model foresees is what would happen without help but for a school's own
deviation, which it knows in part. Frames are as care.effect reads them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from care.effect.stepped import draw

EFFECTS = {"none": 0.0, "small": 0.1, "large": 0.4}


@dataclass(frozen=True)
class Area:
    """Rows as `line` and `matched` read them, and the truth: difference in leaving by being listed, near the line; by a
    contact, near the line; by a contact, of those contacted."""

    rows: pd.DataFrame
    listed: float
    contact_near: float
    contact: float


def area(schools: int, reduction: float, seed: int, *, hidden: float = 0.0) -> Area:
    """Children of one list day. A contact prevents `reduction` of the leaving of whoever gets one; 8 in 10 of the
    listed do and 1 in 10 of the others. `hidden` ties contact to what makes a child stay or leave and stands in no
    record."""
    rows, lot = people(schools, seed), np.random.default_rng(seed + 1)
    odds = np.log(np.where(rows["listed"], 4.0, 1 / 9)) + hidden * rows["unseen"]
    met = lot.random(len(rows)) < expit(odds)
    rows["contacted"] = met
    rows["left"] = (lot.random(len(rows)) < rows["chance"] * (1 - reduction * met)).astype(float)
    size = rows.groupby("school_id")["listed"].transform("sum")
    kept = reduction * rows["chance"]
    near = float(kept[(rows["rank"] - size - 0.5).abs() < 1].mean())
    return Area(rows.drop(columns=["chance", "unseen"]), -near * (0.8 - 0.1), -near, -float(kept[met].mean()))


def stepped_area(schools: int, steps: int, reduction: float, seed: int) -> tuple[pd.DataFrame, float]:
    """Rows as `stepped` reads them, and the true difference, of the children in schools that had started. Schools'
    leaving is log-normal and moves from period to period, for all alike and each by itself."""
    lot = np.random.default_rng(seed)
    sizes = np.clip(lot.lognormal(5.3, 0.7, schools), 40, 1500).astype(int)
    level = 0.04 * np.exp(lot.normal(0, 0.5, schools))
    names = [f"{n:05d}" for n in range(schools)]
    past = lot.binomial(sizes, level)
    schedule = draw(pd.DataFrame({"school_id": names, "learners": sizes, "left": past}), steps, seed)
    parts, kept, children = [], 0.0, 0
    for period in range(1, steps):
        chance = np.clip(level * np.exp(lot.normal(0, 0.15) + lot.normal(0, 0.2, schools)), 0, 0.5)
        began = (schedule["step"] <= period).to_numpy()
        left = lot.binomial(sizes, chance * (1 - reduction * began))
        parts.append(schedule.assign(period=period, before=past / sizes, left=left))
        kept, children = kept + float((sizes * chance * reduction)[began].sum()), children + int(sizes[began].sum())
    return pd.concat(parts, ignore_index=True), -kept / children


def people(schools: int, seed: int) -> pd.DataFrame:
    """Learners with a risk, and beside it the true chance without help; lists of a twentieth of the roll, at least
    3."""
    lot = np.random.default_rng(seed)
    sizes = np.clip(lot.lognormal(5.3, 0.7, schools), 40, 1500).astype(int)
    school = np.repeat(np.arange(schools), sizes)
    level = lot.normal(0, 0.5, schools)
    facts = lot.normal(0, 1.3, len(school))
    unseen = lot.normal(0, 1, len(school))
    odds = -4.0 + facts + level[school]
    rows = pd.DataFrame(
        {
            "learner_id": np.arange(len(school)),
            "school_id": pd.Series(school).map("{:05d}".format),
            "area_id": np.where(school % 2, "2401", "2402"),
            "stage": np.where(lot.random(len(school)) < 0.6, "lower", "upper"),
            # The model knows about half of a school's deviation.
            "risk": expit(odds - level[school] / 2),
            "chance": expit(odds + 0.5 * unseen),
            "unseen": unseen,
        }
    )
    rows["rank"] = rows.groupby("school_id")["risk"].rank(ascending=False, method="first").astype(int)
    room = rows.groupby("school_id")["risk"].transform("size") * 0.05
    rows["listed"] = rows["rank"] <= np.maximum(np.ceil(room), 3)
    return rows
