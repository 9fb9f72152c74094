"""A stepped start: all schools begin, in an order drawn by lot; those that have are held beside those that have not.

    schedule = draw(schools, steps=3, seed=7)         # blocks of like schools; the lot decides within a block
    stepped(rows)                                     # once children of the first periods have left or stayed

The analysis rests on the lot alone: how often would one of the schedules that could have been drawn have shown a
difference as large? That test is exact when the start changes nothing, however few, unequal or unalike the schools are
(Fisher 1935; Ji, Fink, Robyn & Small 2017 for stepped starts). The interval ends where the test begins to reject.
Schools are compared within a period and a block only, so that a bad year, or an effect that grows, misleads nobody.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
from scipy.stats import betabinom
from statsmodels.regression.linear_model import WLS

from care.effect.estimate import LEVEL, Estimate, Said, too_few
from raksa.errors import RaksaError

DRAWS = 1999
_BEGUN = Said("เด็กในโรงเรียนที่เริ่มแล้ว", "those in schools that had started")
_WAITING = Said("เด็กในโรงเรียนที่ยังไม่ถึงกำหนดเริ่ม", "those in schools that had not yet")
_ASSUMED = (
    Said(
        "ลำดับการเริ่มมาจากการสุ่มตามแผนนี้จริง และเทียบตามแผน แม้บางโรงเรียนจะเริ่มช้าหรือเร็วกว่ากำหนด",
        "The order of starting was drawn as this schedule says; schools are compared as scheduled, even if one began "
        "early or late.",
    ),
    Said(
        "โรงเรียนที่ยังไม่เริ่มไม่ได้รับผลจากโรงเรียนที่เริ่มแล้ว",
        "Schools that had not started were not touched by those that had.",
    ),
    Said(
        "ช่วงเชื่อมั่นเป็นของค่าเฉลี่ยของทุกโรงเรียน และเป็นค่าประมาณถ้าผลของแต่ละโรงเรียนต่างกันมาก",
        "The interval is about the average of the schools, and approximate where the start did more in some than in "
        "others.",
    ),
)


# ------------------------------------------------------------------------------------------------------------ schedule
def draw(schools: pd.DataFrame, steps: int, seed: int) -> pd.DataFrame:
    """A schedule: school_id, learners, left (as given), block, step (1 = first to start), in order of school.

    schools: a row a school; school_id, learners, left (how many left in as long a time before). Schools of like
    size and like leaving make a block of as many as there are steps; the lot decides within it. Same seed, same
    schedule. Raises RaksaError with fewer than two steps, or fewer schools than two for each.
    """
    if steps < 2:
        raise RaksaError(f"--steps {steps}: somebody must start later than somebody else. Give at least 2.")
    if len(schools) < 2 * steps:
        raise RaksaError(
            f"{len(schools)} schools are too few for {steps} steps: two for each are the least. "
            "Take fewer steps or more schools."
        )
    by_size = schools.sort_values(["learners", "school_id"])
    bands = max(1, int((len(schools) / steps) ** 0.5))
    ordered = []
    for turn, at in enumerate(np.array_split(np.arange(len(schools)), bands)):
        band = by_size.iloc[at]
        rate = band["left"] / band["learners"].clip(lower=1)
        # There and back, so that a block across two bands holds like schools too.
        ordered.append(band.assign(rate=rate).sort_values(["rate", "school_id"], ascending=turn % 2 == 0))
    found = pd.concat(ordered, ignore_index=True).drop(columns="rate")
    found["block"] = np.arange(len(found)) // steps + 1
    found["step"] = _random(found["block"].to_numpy(), steps, 1, np.random.default_rng(seed))[0]
    return found.sort_values("school_id", ignore_index=True)


def possible(blocks: np.ndarray, steps: int) -> int:
    """How many different schedules the lot could have drawn."""
    return math.prod(math.perm(steps, int(n)) for n in np.bincount(blocks) if n)


def _random(blocks: np.ndarray, steps: int, count: int, lot: np.random.Generator) -> np.ndarray:
    """Schedules as the lot would draw them, (count, schools): in a block no two schools have one step."""
    out = np.empty((count, len(blocks)), np.int64)
    for block in np.unique(blocks):
        at = np.flatnonzero(blocks == block)
        out[:, at] = lot.permuted(np.tile(np.arange(1, steps + 1), (count, 1)), axis=1)[:, : len(at)]
    return out


def _all(blocks: np.ndarray, steps: int) -> np.ndarray:
    """Every schedule there could be, (possible, schools)."""
    places = [np.flatnonzero(blocks == block) for block in np.unique(blocks)]
    ways = [list(itertools.permutations(range(1, steps + 1), len(at))) for at in places]
    out = np.empty((math.prod(len(each) for each in ways), len(blocks)), np.int64)
    for row, chosen in enumerate(itertools.product(*ways)):
        for at, way in zip(places, chosen, strict=True):
            out[row, at] = way
    return out


# ------------------------------------------------------------------------------------------------------------ analysis
def stepped(rows: pd.DataFrame, *, level: float = LEVEL, draws: int = DRAWS, seed: int = 0) -> Estimate:
    """What having started came to.

    rows: a row a school and period; school_id, block, step, period (1 = from the first start to the second, …),
    learners, left (of those whose outcome is known), before (share who left in the year before; NaN = not known). A
    school without children in a period is left out of it. Raises RaksaError when the schedule is none that the lot
    could have drawn.
    """
    steps = int(rows["step"].max())
    _drawn_by_lot(rows)
    rows = rows[(rows["learners"] > 0) & (rows["period"] < steps)].sort_values(
        ["school_id", "period"], ignore_index=True
    )
    if not len(rows):
        nan = float("nan")
        return Estimate("stepped", nan, nan, nan, nan, 0, 0, _BEGUN, _WAITING, _compared(rows), _ASSUMED, (),
                        too_few(0, 0), level=level)  # fmt: skip
    began = (rows["step"] <= rows["period"]).to_numpy(float)
    y, weight = (rows["left"] / rows["learners"]).to_numpy(), rows["learners"].to_numpy(float)
    fixed = _same(rows)
    effect = low = high = np.nan
    figures: dict[str, float] = {}
    lot = _lot(rows, y, began, weight, fixed, steps, draws, seed)
    if np.isfinite(lot.estimate):
        seen = float(np.average(y[began == 1], weights=weight[began == 1]))
        back = lot.estimate, lot.end(-1, level), lot.end(1, level)
        effect, high, low = (-seen * m for m in back)
        figures = {
            name: _prevented(m) for name, m in zip(("prevented", "prevented_low", "prevented_high"), back, strict=True)
        }
    few = too_few(rows["school_id"].nunique(), float(rows["left"].sum()))
    ways = possible(rows.drop_duplicates("school_id")["block"].to_numpy(), steps)
    if few is None and ways * (1 - level) < 1:
        few = Said(
            f"แผนที่อาจสุ่มได้มีเพียง {ways} แบบ จึงแยกจากความบังเอิญไม่ได้",
            f"Schedules that could have been drawn: {ways}, too few to tell anything from chance.",
        )
    waiting = rows[began == 0]
    return Estimate(
        "stepped", effect, low, high, float(waiting["left"].sum() / max(waiting["learners"].sum(), 1)),
        int(rows["learners"].sum()), rows["school_id"].nunique(), _BEGUN, _WAITING, _compared(rows), _ASSUMED,
        too_few=few, level=level, figures=figures,
    )  # fmt: skip


def _prevented(m: float) -> float:
    """The share of leaving prevented where m times of what is seen was kept from happening; −inf: without bound."""
    return 1.0 if m == np.inf else m / (1 + m) if m > -1 else -np.inf


def _compared(rows: pd.DataFrame) -> Said:
    schools, periods, children = rows["school_id"].nunique(), rows["period"].nunique(), int(rows["learners"].sum())
    return Said(
        f"{schools} โรงเรียน ช่วงเวลาที่มีทั้งโรงเรียนที่เริ่มแล้วและยังไม่เริ่ม {periods} ช่วง รวม {children:,} คน-ช่วง",
        f"Schools: {schools}. Periods in which some had started and some had not: {periods}. Children, counted once a "
        f"period: {children:,}.",
    )


def _drawn_by_lot(rows: pd.DataFrame) -> None:
    schools = rows.drop_duplicates("school_id")
    twice = schools[schools.duplicated(["block", "step"], keep=False)]
    if len(twice):
        block = twice["block"].iloc[0]
        raise RaksaError(
            f"The schedule was changed after it was drawn: two schools of block {block} start in one step. "
            "Use the file as `raksa effect plan` wrote it."
        )


def _same(rows: pd.DataFrame) -> np.ndarray:
    """What is held equal: a level for each period and each block, and the school's leaving of the year before."""
    before = rows["before"].fillna(rows["before"].mean()).fillna(0.0).to_numpy()
    levels = [pd.get_dummies(rows[name], drop_first=name == "block", dtype=float) for name in ("period", "block")]
    return np.column_stack([*levels, before])


class _Lot:
    """The test: `p(m)`, the share of schedules the lot could have drawn that show as much, once each school that had
    started is given back m times the leaving it had. m = 1/4 says that the start prevented a fifth everywhere.

    Each schedule's difference is held against its own error by school, so that a few large schools do not decide.
    """

    def __init__(
        self, drawn: np.ndarray, period: np.ndarray, school: np.ndarray, y: np.ndarray, began: np.ndarray,
        weight: np.ndarray, fixed: np.ndarray,
    ) -> None:  # fmt: skip
        """drawn (schedules, schools), the observed one first; the others a value a row, rows sorted by school
        (codes)."""
        first = np.flatnonzero(np.diff(school, prepend=-1))
        left, back = (WLS(v, fixed, weights=weight).fit().resid for v in (y, y * began))
        project = np.linalg.pinv(fixed * np.sqrt(weight)[:, None]) * np.sqrt(weight)
        parts = []
        for some in np.array_split(drawn, -(-drawn.size // 2_000_000)):
            other = (some[:, school] <= period).astype(float)
            other -= (other @ project.T) @ fixed.T
            pull = other * weight
            size = (pull * other).sum(axis=1)
            a, b = pull @ left, pull @ back
            # A school's share in the error is linear in m; so the sum of its squares needs three numbers a schedule.
            with np.errstate(divide="ignore", invalid="ignore"):
                c = np.add.reduceat(pull * (left - (a / size)[:, None] * other), first, axis=1)
                d = np.add.reduceat(pull * (back - (b / size)[:, None] * other), first, axis=1)
            parts.append(np.stack([a, b, (c * c).sum(axis=1), (c * d).sum(axis=1), (d * d).sum(axis=1)]))
        self.a, self.b, self.c, self.cd, self.d = np.concatenate(parts, axis=1)
        self.estimate = float(-self.a[0] / self.b[0]) if self.b[0] > 0 else np.nan

    def p(self, m: float) -> float:
        with np.errstate(divide="ignore", invalid="ignore"):
            shown = (self.a + m * self.b) ** 2 / (self.c + 2 * m * self.cd + m * m * self.d)
        return float((~(shown < shown[0] * (1 - 1e-9))).mean())

    def end(self, side: int, level: float) -> float:
        """The last m below (side −1) or above (1) the estimate that is not rejected; infinite without one."""
        kept, step = self.estimate, 0.1
        while self.p(kept + side * step) > 1 - level:
            kept, step = kept + side * step, 2 * step
            if step > 1000:
                return side * np.inf
        out = kept + side * step
        for _ in range(40):
            middle = (kept + out) / 2
            kept, out = (middle, out) if self.p(middle) > 1 - level else (kept, middle)
        return out


def _lot(rows: pd.DataFrame, y: np.ndarray, began: np.ndarray, weight: np.ndarray, fixed: np.ndarray,
         steps: int, draws: int, seed: int) -> _Lot:  # fmt: skip
    schools = rows.drop_duplicates("school_id")
    school, _ = pd.factorize(rows["school_id"])
    blocks, own = schools["block"].to_numpy(), schools["step"].to_numpy()
    if possible(blocks, steps) <= draws + 1:
        every = _all(blocks, steps)
        others = every[(every != own).any(axis=1)]
    else:
        # Another stream than the schedule's own: with its seed the lot would begin by drawing the observed one again.
        others = _random(blocks, steps, draws, np.random.default_rng((seed, 1)))
    return _Lot(np.vstack([own, others]), rows["period"].to_numpy(), school, y, began, weight, fixed)


# --------------------------------------------------------------------------------------------------------------- power
def power(
    schools: pd.DataFrame,
    steps: int,
    *,
    reductions: tuple[float, ...] = (0.1, 0.2, 0.3),
    repeats: int = 200,
    draws: int = 399,
    level: float = LEVEL,
    seed: int = 0,
) -> pd.DataFrame:
    """How often a schedule of so many steps would say "less leaving": a row a reduction (share of leaving prevented),
    with `found` (share of repeats) and `left` (leavers expected in the periods compared).

    schools as for `draw`. In each repeat schools leave at levels like those seen, from a beta distribution of the same
    mean and spread between schools (chance taken out), which move from period to period; and a new lot is drawn.
    """
    alpha, beta = spread(schools["left"].to_numpy(float), schools["learners"].to_numpy(float))
    lot, out = np.random.default_rng(seed), []
    for reduction in reductions:
        found, expected = 0, 0.0
        for _ in range(repeats):
            rows = simulated(schools["learners"].to_numpy(), steps, alpha, beta, reduction, lot)
            expected += float(rows.loc[rows["period"] < steps, "left"].sum()) / repeats
            said = stepped(rows, level=level, draws=draws, seed=int(lot.integers(2**31)))
            found += said.verdict == "less leaving"
        out.append({"reduction": reduction, "found": found / repeats, "left": expected})
    return pd.DataFrame(out)


def spread(left: np.ndarray, learners: np.ndarray) -> tuple[float, float]:
    """Alpha and beta of schools' levels, by the method of moments: variance beyond what chance alone would give.

    Raises RaksaError when nobody left.
    """
    total, mean = learners.sum(), left.sum() / max(learners.sum(), 1)
    if not 0 < mean < 1:
        raise RaksaError("In the year before nobody is known to have left, so nothing can be planned from it.")
    rate = left / np.maximum(learners, 1)
    seen = (learners * (rate - mean) ** 2).sum()
    chance = (len(learners) - 1) * mean * (1 - mean)
    room = total - (learners**2).sum() / total - (len(learners) - 1)
    within = np.clip((seen - chance) / max(room * mean * (1 - mean), 1e-9), 1e-4, 0.5)  # intra-school correlation
    size = 1 / within - 1
    return float(mean * size), float((1 - mean) * size)


def simulated(
    learners: np.ndarray, steps: int, alpha: float, beta: float, reduction: float, lot: np.random.Generator
) -> pd.DataFrame:
    """Rows as `stepped` reads them, of made-up schools of these sizes; the start prevents `reduction` of the
    leaving."""
    level = lot.beta(alpha, beta, len(learners))
    past = lot.binomial(learners, level)
    schedule = draw(
        pd.DataFrame({"school_id": [f"{n:05d}" for n in range(len(learners))], "learners": learners, "left": past}),
        steps, int(lot.integers(2**31)),
    )  # fmt: skip
    parts = []
    for period in range(1, steps + 1):
        mean = level / (steps - 1) * lot.uniform(0.8, 1.2)  # periods differ, for all schools alike
        own = np.clip(mean * np.where(schedule["step"] <= period, 1 - reduction, 1), 1e-6, 1 - 1e-6)
        held = 2 * (alpha + beta)  # a school's own ups and downs: half of the variance between schools
        left = betabinom.rvs(learners, own * held, (1 - own) * held, random_state=lot)
        parts.append(schedule.assign(period=period, before=schedule["left"] / learners, left=left))
    return pd.concat(parts, ignore_index=True)
