"""Around the capacity line: a list ends where the visits end, not where the need ends.

The last child on a school's list and the first one off it hardly differ but for the list. Compared are the children up
to ten places on either side (regression discontinuity): a line fitted to each side, nearer places weighing more, every
school beside itself, the risk of the day of the list held equal. Standard errors go by school (Liang & Zeger 1986, t
with schools − 1 degrees of freedom); leaving out one school at a time gives the same ones within 1 %, because every
school brings about as many places. Ten places is fixed beforehand, so that nobody can go looking for the width that
pleases; half and double of it are printed beside. Why not a width chosen from the data: docs/decisions/0015-effect.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import t as student
from statsmodels.regression.linear_model import WLS

from care.effect.estimate import LEVEL, Check, Estimate, Said, holds_zero, too_few, within

PLACES = 10
_ON = Said("เด็กที่เพิ่งได้อยู่ในรายชื่อ", "those just listed")
_OFF = Said("เด็กที่เกือบได้อยู่ในรายชื่อ", "those just not listed")
_ASSUMED = (
    Said(
        "รายชื่อเรียงตามลำดับและสั้นยาวตามกำลังของโรงเรียน ไม่มีใครเลื่อนเด็กข้ามเส้นหลังเห็นรายชื่อ",
        "Lists follow the ranking and end at the school's capacity; nobody moved a child over the line afterwards.",
    ),
    Said(
        "นอกจากการอยู่ในรายชื่อ เด็กสองฝั่งใกล้เส้นต่างกันเพียงค่อยเป็นค่อยไปตามลำดับ",
        "But for the list, children on the two sides near the line differ only gradually with their place.",
    ),
    Said(
        "เด็กที่ไม่อยู่ในรายชื่ออาจได้รับการช่วยเหลือเช่นกัน หรือได้อยู่ในรายชื่อภายหลัง ซึ่งทำให้ความต่างที่เห็นน้อยลง",
        "Children off the list may have been helped too, or listed later; that makes the difference smaller.",
    ),
    Said(
        "คำตอบเป็นของเด็กที่อยู่ใกล้เส้น ไม่ใช่ของเด็กต้นรายชื่อ",
        "The answer is about children near the line, not about those at the top of the list.",
    ),
)


def line(rows: pd.DataFrame, *, places: int = PLACES, level: float = LEVEL, checked: bool = True) -> Estimate:
    """What being on the list came to, whoever was then contacted (intention to treat).

    rows: a row a child with a rank; school_id, rank (1 = first), listed (bool), risk (0–1), left (1 left, 0 did not,
    NaN not known). Rows without a rank are ignored. checked=False leaves the checks out, for simulations: a failed
    check takes a claim back and never makes one.
    """
    near = _near(rows, places)
    known = near[near["left"].notna()]
    found = _jump(known, known["left"], places)
    low, high = found.interval(level)
    on, off = int(known["listed"].sum()), int((~known["listed"]).sum())
    few = too_few(found.schools, float(known["left"].sum()))
    return Estimate(
        "line", found.effect, low, high, _without(known, found.effect), len(known), found.schools, _ON, _OFF,
        Said(
            f"เด็ก {on:,} คนที่อยู่ในรายชื่อ กับ {off:,} คนที่ไม่อยู่ ห่างเส้นไม่เกิน {places} ลำดับ ใน {found.schools} โรงเรียน",
            f"{on:,} listed and {off:,} not listed, up to {places} places from the line. Schools: {found.schools}.",
        ),
        _ASSUMED, checks(rows, places, level) if checked else (), few, level=level,
    )  # fmt: skip


def line_contacted(rows: pd.DataFrame, *, places: int = PLACES, level: float = LEVEL, checked: bool = True) -> Estimate:
    """What a contact came to, for the children who were contacted because they were listed (fuzzy discontinuity).

    rows as for `line`, and contacted (bool). The jump in leaving over the jump in contacts; its interval is Fieller's,
    which stays right when the list hardly changed who was contacted, and is then endless.
    """
    whole = line(rows, places=places, level=level, checked=checked)
    near = _near(rows, places)
    known = near[near["left"].notna()]
    left, met = known["left"], known["contacted"].astype(float)
    a, b, both = (_jump(known, of, places) for of in (left, met, left + met))
    effect, low, high = fieller(a, b, both, level)
    return replace(
        whole, design="line, contacted", effect=effect, low=low, high=high, without=np.nan,
        helped=Said("เด็กที่ได้รับการติดต่อเพราะอยู่ในรายชื่อ", "those contacted because they were listed"),
        others=Said("เด็กแบบเดียวกันที่ไม่ได้รับการติดต่อ", "the same kind of children, not contacted"),
        assumptions=(
            *_ASSUMED[:2],
            Said(
                "รายชื่อเปลี่ยนการออกกลางคันได้ทางเดียว คือผ่านการติดต่อที่บันทึกไว้ และไม่มีใครอดการติดต่อเพราะอยู่ในรายชื่อ",
                "The list changed leaving only through contacts that were written down, and nobody went without one "
                "because of being listed.",
            ),
            _ASSUMED[3],
        ),
        checks=(
            *whole.checks,
            Check(
                "contacts",
                Said(
                    f"รายชื่อทำให้มีการติดต่อเพิ่มขึ้น {100 * b.effect:.0f} คนใน 100 คน",
                    f"Being listed raised contacts by {100 * b.effect:.0f} of 100.",
                ),
                bool(b.interval(level)[0] > 0) if np.isfinite(b.error) else None,
            ),
        ),
    )  # fmt: skip


def checks(rows: pd.DataFrame, places: int, level: float = LEVEL) -> tuple[Check, ...]:
    """What can be held against the assumptions: children out of order, outcomes known on one side only, lines where
    there is none (placebo), and other widths.

    A density test (McCrary) has nothing to say about places: each is taken once in every school. What it looks for,
    somebody put on the wrong side, shows as a child listed behind one who is not.
    """
    every = _placed(rows)
    moved = int((every["listed"] != (every["place"] < 0)).sum())
    near = _near(rows, places)
    known = _jump(near, near["left"].notna().astype(float), places)
    found = [
        Check(
            "order",
            Said(f"เด็กที่อยู่ผิดฝั่งของเส้น: {moved:,} คน", f"Children on the wrong side of the line: {moved:,}."),
            moved == 0,
        ),
        holds_zero(
            "known",
            Said("ความต่างของการทราบผลระหว่างสองฝั่ง", "Difference in how many outcomes are known"),
            *known.interval(level),
        ),
    ]
    off = every[(every["place"] > 0) & every["left"].notna()]
    for far in (places, 2 * places):
        shifted = off.assign(place=off["place"] - far)
        shifted = shifted[shifted["place"].abs() < places].assign(listed=lambda f: f["place"] < 0)
        pretended = _jump(_both_sides(shifted), None, places)
        found.append(
            holds_zero(
                "placebo",
                Said(
                    f"เส้นสมมติที่ {far} ลำดับหลังเส้นจริง ซึ่งต้องไม่มีความต่าง",
                    f"At a pretended line {far} places after the real one, where there must be none",
                ),
                *pretended.interval(level),
            )
        )
    for width in (places // 2, 2 * places):
        other = _near(rows, width)
        other = other[other["left"].notna()]
        low, high = _jump(other, other["left"], width).interval(level)
        said = Said(f"ถ้าเทียบ {width} ลำดับ", f"With {width} places instead")
        found.append(replace(holds_zero("width", said, low, high), holds=None))
    return tuple(found)


# ---------------------------------------------------------------------------------------------------------- estimation
@dataclass(frozen=True)
class Jump:
    """The jump at the line, its standard error by school, and the schools. NaN where it cannot be fitted."""

    effect: float
    error: float
    schools: int

    def interval(self, level: float) -> tuple[float, float]:
        reach = self._reach(level) * self.error
        return self.effect - reach, self.effect + reach

    def _reach(self, level: float) -> float:
        return float(student.ppf((1 + level) / 2, self.schools - 1)) if self.schools > 1 else np.nan


def fieller(a: Jump, b: Jump, both: Jump, level: float) -> tuple[float, float, float]:
    """a ÷ b and its interval; `both` is the jump of the sum, from whose error the covariance follows."""
    reach2 = a._reach(level) ** 2
    shared = (both.error**2 - a.error**2 - b.error**2) / 2
    # All ratios r for which a − r b is not told from 0: (a − r b)² ≤ reach² (va − 2 r vab + r² vb).
    square, linear = b.effect**2 - reach2 * b.error**2, a.effect * b.effect - reach2 * shared
    constant = a.effect**2 - reach2 * a.error**2
    ratio = a.effect / b.effect if b.effect else np.nan
    root = linear**2 - square * constant
    if not square > 0 or not root >= 0:
        return ratio, -np.inf, np.inf
    return ratio, (linear - root**0.5) / square, (linear + root**0.5) / square


def _placed(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with a rank, with `place`: half a place before (negative) or behind the school's line, then whole ones."""
    ranked = rows[rows["rank"].notna()]
    size = ranked.groupby("school_id")["listed"].transform("sum")
    return ranked.assign(listed=ranked["listed"].astype(bool), place=ranked["rank"].astype(float) - size - 0.5)


def _near(rows: pd.DataFrame, places: int) -> pd.DataFrame:
    near = _placed(rows)
    return _both_sides(near[near["place"].abs() < places])


def _both_sides(near: pd.DataFrame) -> pd.DataFrame:
    """Only schools with children on either side: others compare nobody."""
    on = near["listed"].groupby(near["school_id"])
    return near[(on.transform("any") & ~on.transform("all")).to_numpy(bool)]


def _jump(near: pd.DataFrame, outcome: pd.Series | None, places: int) -> Jump:
    """Local linear: listed, place, place × listed and risk, schools' own levels taken out, triangular weights."""
    schools = near["school_id"].nunique()
    if schools < 2 or len(near) < 8:
        return Jump(np.nan, np.nan, schools)
    on, place = near["listed"].to_numpy(float), near["place"].to_numpy()
    weight = 1 - np.abs(place) / places
    y = (near["left"] if outcome is None else outcome).to_numpy(float)
    columns = np.column_stack([y, on, place, on * place, near["risk"].to_numpy(float)])
    school, _ = pd.factorize(near["school_id"])
    columns = within(columns, weight, school)
    fitted = WLS(columns[:, 0], columns[:, 1:], weights=weight).fit(
        cov_type="cluster", cov_kwds={"groups": school}, use_t=True
    )
    return Jump(float(fitted.params[0]), float(fitted.bse[0]), schools)


def _without(known: pd.DataFrame, effect: float) -> float:
    """Share who left among the five places behind the line, as far as they stand for those before it."""
    nearest = known[(known["place"] > 0) & (known["place"] < 5)]["left"]
    return float(nearest.mean()) if len(nearest) else np.nan
