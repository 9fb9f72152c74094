"""What a school adds to its children's risk, learned with restraint: partial pooling, by empirical Bayes.

    SchoolRates   the share that left in the training years, drawn to the average: a feature the trees read
    Levels        what the calibrating year says beyond trees and curve: a shift of the log-odds, and how sure it is

One leaver of ten is not a rate of 10 %: a small school is drawn to the average, a new one has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

# A school's leaving rate counts this many learners at the average of all beside its own.
_AVERAGE_LEARNERS = 100


@dataclass(frozen=True)
class SchoolRates:
    """Share of each school's learners who left in the training years, drawn to the average.

    Branches count with their main school. A school not seen in training has the average.
    """

    average: float
    schools: Mapping[str, float]

    def __call__(self, main_school: pd.Series) -> np.ndarray:
        return main_school.map(dict(self.schools)).fillna(self.average).to_numpy(np.float64)


def school_rates(rows: pd.DataFrame) -> SchoolRates:
    """Leaving rates of the main schools in the rows, each drawn to the average of all."""
    return drawn_to_average(rows.groupby("main_school_id").agg(left=("left", "sum"), size=("left", "size")))


def drawn_to_average(by: pd.DataFrame) -> SchoolRates:
    """Rates from counts: one row a main school, `left` of `size` learners."""
    average = float(by["left"].sum() / by["size"].sum())
    drawn = (by["left"] + _AVERAGE_LEARNERS * average) / (by["size"] + _AVERAGE_LEARNERS)
    return SchoolRates(average, {str(school): float(rate) for school, rate in drawn.items()})


@dataclass(frozen=True)
class Levels:
    """Shift of the log-odds of each main school (mean, standard deviation), and the deviation between schools, which
    is that of a school not seen when calibrating, whose mean is 0."""

    between: float = 0.0
    schools: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def shift(self, main_school: pd.Series) -> np.ndarray:
        """(rows,) mean shift of the log-odds."""
        return self._of(main_school, 0, 0.0)

    def spread(self, main_school: pd.Series) -> np.ndarray:
        """(rows,) standard deviation of that shift."""
        return self._of(main_school, 1, self.between)

    def _of(self, main_school: pd.Series, which: int, otherwise: float) -> np.ndarray:
        held = {school: numbers[which] for school, numbers in self.schools.items()}
        return main_school.map(held).fillna(otherwise).to_numpy(np.float64)


def levels(rows: pd.DataFrame, chance: np.ndarray) -> Levels:
    """Levels of the schools in rows of a later year: `left` 0 or 1 beside the calibrated `chance`.

    A learner stands in the rows once for each as-of date; those are one child, so sums are means over the dates. The
    deviation between schools is what the squared gaps hold beyond chance (method of moments); a school's mean and
    deviation follow from it by one Newton step.
    """
    dates = max(rows["as_of"].nunique(), 1) if "as_of" in rows else 1
    sums = pd.DataFrame({"gap": rows["left"] - chance, "v": chance * (1 - chance)})
    by = sums.groupby(rows["main_school_id"].to_numpy()).sum() / dates
    squares = float((by["v"] ** 2).sum())
    between = max(0.0, float((by["gap"] ** 2 - by["v"]).sum()) / squares) if squares else 0.0
    spread = between / (1 + between * by["v"])
    mean = spread * by["gap"]
    return Levels(
        float(np.sqrt(between)),
        {str(s): (float(m), float(np.sqrt(d))) for s, m, d in zip(by.index, mean, spread, strict=True)},
    )
