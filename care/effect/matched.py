"""Contacted children beside children as likely to leave who were not contacted.

Each contacted child is held beside up to three of the same stage in the same area whose estimated chance of leaving was
nearly the same (log-odds within 0.2 standard deviations: Austin 2011). What is left of the difference in chance, and
each school's own level of leaving, is taken out by regression: schools that contact more differ in more. Who is
contacted was a choice, for reasons the model may not know; so this cannot tell help from choice, and says so each time.
Contacts count in the first weeks only, and leaving after them only: else whoever stays longer has longer to be
contacted, and contacts seem to keep.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import logit
from scipy.stats import t as student
from sklearn.neighbors import NearestNeighbors
from statsmodels.regression.linear_model import WLS

from care.effect.estimate import LEVEL, Check, Estimate, Said, too_few, within

NEIGHBOURS, CALIPER = 3, 0.2
_EVEN = 0.1  # standardised differences below this count as even (Austin 2009)
_MET, _LIKE = (
    Said("เด็กที่ได้รับการติดต่อ", "those contacted"),
    Said("เด็กที่คล้ายกันแต่ไม่ได้รับการติดต่อ", "children like them who were not"),
)
CHOICE = Said(
    "วิธีนี้แยกผลของการช่วยเหลือออกจากเหตุที่เลือกช่วยเด็กคนนั้นไม่ได้",
    "This cannot tell help from choice: who was contacted was chosen, perhaps for what no record says.",
)
_WORDS = {
    "risk": Said("โอกาสออกกลางคันโดยประมาณ", "risk"),
    "absent_28d": Said("จำนวนวันที่ขาดใน 28 วัน", "days absent in four weeks"),
    "attended_share": Said("สัดส่วนวันที่มาเรียน", "share of days attended"),
}
_ASSUMED = (
    CHOICE,
    Said(
        "เด็กสองกลุ่มที่มีโอกาสใกล้เคียงกัน อยู่เขตและช่วงชั้นเดียวกัน ไม่ต่างกันในเรื่องอื่นที่เกี่ยวกับการออกกลางคัน",
        "Children of one area and stage with nearly the same chance do not differ in anything else that has to do with "
        "leaving.",
    ),
    Said(
        "นับการติดต่อในช่วงแรกเท่านั้น และนับการออกกลางคันหลังจากนั้น",
        "Only contacts of the first weeks count, and only leaving after them.",
    ),
)


def matched(
    rows: pd.DataFrame,
    *,
    balance: tuple[str, ...] = ("risk",),
    neighbours: int = NEIGHBOURS,
    caliper: float = CALIPER,
    level: float = LEVEL,
) -> Estimate:
    """What went with being contacted.

    rows: a row a child; school_id, area_id, stage, risk (0–1, NaN = not scored, left out), contacted (bool), left (1,
    0, NaN not known, left out), and the columns named in `balance`, whose evenness before and after is in the checks.
    """
    rows = rows[rows["risk"].notna() & rows["left"].notna()].reset_index(drop=True)
    met = rows["contacted"].to_numpy(bool)
    weight = weights(rows, neighbours, caliper)
    held = rows[weight > 0]
    alike: np.ndarray = held["contacted"].to_numpy(float)
    own = weight[weight > 0]
    schools, left = held["school_id"].nunique(), float(held["left"].sum())
    effect = low = high = without = np.nan
    if schools > 1 and 0 < alike.sum() < len(alike):
        school, _ = pd.factorize(held["school_id"])
        columns = np.column_stack([held["left"].to_numpy(float), alike, _odds(held["risk"])])
        columns = within(columns, own, school)
        spread = np.ptp(columns[:, 1:], axis=0) > 1e-9
        if spread[0]:
            fitted = WLS(columns[:, 0], columns[:, 1:][:, spread], weights=own).fit(
                cov_type="cluster", cov_kwds={"groups": school}, use_t=True
            )
            effect = float(fitted.params[0])
            reach = float(student.ppf((1 + level) / 2, schools - 1) * fitted.bse[0])
            low, high = effect - reach, effect + reach
        without = float(np.average(held["left"][alike == 0], weights=own[alike == 0]))
    n_met, n_like = int(alike.sum()), int(len(alike) - alike.sum())
    return Estimate(
        "matched", effect, low, high, without, len(held), schools, _MET, _LIKE,
        Said(
            f"เด็กที่ได้รับการติดต่อ {n_met:,} คน (จาก {met.sum():,} คน) กับเด็กที่คล้ายกัน {n_like:,} คน ใน "
            f"{schools} โรงเรียน",
            f"{n_met:,} contacted children (of {met.sum():,}; the others have nobody like them) and {n_like:,} like "
            f"them. Schools: {schools}.",
        ),
        _ASSUMED, tuple(_evenness(rows, weight, name) for name in balance), too_few(schools, left),
        _sensitivity(effect, low, high, without), level, e_values(effect, low, high, without),
    )  # fmt: skip


def weights(rows: pd.DataFrame, neighbours: int = NEIGHBOURS, caliper: float = CALIPER) -> np.ndarray:
    """How much each row counts, (rows,): 1 a contacted child who has somebody like her, the others what they stand for;
    each contacted child's likes count 1 together. 0 = compared with nobody."""
    odds = _odds(rows["risk"])
    reach = caliper * odds.std() if len(odds) else 0.0
    met, out = rows["contacted"].to_numpy(bool), np.zeros(len(rows))
    for each in rows.groupby(["area_id", "stage"], dropna=False).indices.values():
        at: np.ndarray = np.asarray(each)
        treated, control = at[met[at]], at[~met[at]]
        if not len(treated) or not len(control):
            continue
        nearest = NearestNeighbors(n_neighbors=min(neighbours, len(control))).fit(odds[control, None])
        away, which = nearest.kneighbors(odds[treated, None])
        near = away <= reach
        some = near.any(axis=1)
        out[treated[some]] = 1
        share = near / np.maximum(near.sum(axis=1, keepdims=True), 1)
        np.add.at(out, control[which].ravel(), share.ravel())
    return out


def e_values(effect: float, low: float, high: float, without: float) -> dict[str, float]:
    """How strongly something not on record would have to go with both contact and leaving (as a risk ratio) to explain
    the difference away: `e_value`, and `e_value_interval` for the interval's end nearer to none (1 = it holds none).

    VanderWeele & Ding, Annals of Internal Medicine 2017. NaN where it cannot be said.
    """
    near = 0.0 if low <= 0 <= high else min(low, high, key=abs)
    return {"e_value": _e_value(effect, without), "e_value_interval": _e_value(near, without)}


def _e_value(effect: float, without: float) -> float:
    if not without > 0 or not np.isfinite(effect):
        return np.nan
    ratio = max((without + effect) / without, 0.0)
    if ratio == 0:
        return np.inf
    ratio = max(ratio, 1 / ratio)
    return float(ratio + np.sqrt(ratio * (ratio - 1)))


def _sensitivity(effect: float, low: float, high: float, without: float) -> Said | None:
    e = e_values(effect, low, high, without)
    if not np.isfinite(e["e_value"]):
        return None
    whole, end = e["e_value"], e["e_value_interval"]
    return Said(
        f"ค่า E: สิ่งที่ไม่มีในข้อมูลต้องสัมพันธ์กับทั้งการติดต่อและการออกกลางคัน {whole:.1f} เท่า "
        f"จึงจะอธิบายความต่างนี้ได้ทั้งหมด "
        f"({end:.1f} เท่าสำหรับปลายช่วงเชื่อมั่น)",
        f"E-value: something not on record would explain the difference away if it went {whole:.1f} times with "
        f"contact and with leaving ({end:.1f} times for the end of the interval).",
    )


def _evenness(rows: pd.DataFrame, weight: np.ndarray, name: str) -> Check:
    met, value = rows["contacted"].to_numpy(bool), rows[name].to_numpy(float)
    before = _apart(value, met, np.ones(len(rows)), value)
    after = _apart(value, met, weight, value)
    words = _WORDS.get(name, Said(f" {name}", name))
    return Check(
        f"balance: {name}",
        Said(
            f"ความต่างของ{words.th} (หน่วยส่วนเบี่ยงเบนมาตรฐาน): ก่อน {before:+.2f} หลัง {after:+.2f}",
            f"Difference in {words.en}, in standard deviations: {before:+.2f} before matching, {after:+.2f} after.",
        ),
        bool(abs(after) < _EVEN) if np.isfinite(after) else None,
    )


def _apart(value: np.ndarray, met: np.ndarray, weight: np.ndarray, of: np.ndarray) -> float:
    """Difference of the two weighted means over the spread of all, what is not known left out; NaN without a spread."""
    known = np.isfinite(value)
    one, other = known & met, known & ~met
    size = np.nanstd(of) if known.any() else 0.0
    if not size > 0 or not weight[one].sum() or not weight[other].sum():
        return np.nan
    return float((np.average(value[one], weights=weight[one]) - np.average(value[other], weights=weight[other])) / size)


def _odds(risk: pd.Series) -> np.ndarray:
    return np.asarray(logit(np.clip(risk.to_numpy(float), 1e-4, 1 - 1e-4)))
