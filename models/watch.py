"""After training: do today's rows look like those the model knows, and did what it foresaw come to pass?

reference(…)           what the newest year learned from looked like, as JSON beside the model
drift(…)               which features look different now, beyond sampling and beyond what a year usually does
refuse(…)              an error where a scoring would be nonsense: the last good run then stands
calibration_since(…)   foreseen against seen for a past run, once its horizon has passed

Like is compared with like: rows of one day of the year with the training rows of the nearest panel day, because
absence, results and surveys pile up over a year. Nothing here changes a model, a list or a threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from features.readiness import cannot_score
from features.registry import BY_NAME, SCHOOL_LEAVING_RATE
from models.audit import LEAST_LEARNERS, LEAST_SCHOOLS, drawn_schools, interval
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.tables import WHY_NOT_SCORED

# Population stability index, by convention: under 0.1 nothing to see, over 0.25 another population (Siddiqi 2006).
MOVED, FAR = 0.10, 0.25
# Refused: more than a quarter of the features far off; more stray values than this; so few left to score.
_MOST_FAR, _STRAY, _FEWEST = 0.25, 0.01, 0.25
_NEAR_DAYS = 35  # a panel day farther off is another season: nothing to compare with
# They only say what day it is: between two panel days they always differ.
_CALENDAR = frozenset(
    ("days_into_year", "survey_age", "days_since_result", "days_open", "results_known", "work_done", "credits_done")
)
# Measures a file may bring in another unit, and how many times the usual median that is at least: percent for a share
# or a grade, a year's income for a month's, metres, hours.
_UNITS, _WRONG_UNIT = ("share", "grade 0–4", "percent", "percentile", "baht", "km", "minutes"), 5
_LEAST_KNOWN = 0.8  # share of a run's outcomes; before the census only those who left early are known
RISK = "risk"
_ALL = "*"
_NODES = np.array([0.01, *np.arange(0.1, 0.95, 0.1), 0.99])


@dataclass(frozen=True)
class Drift:
    """How far one feature moved. `psi` is the population stability index, missing values a class of their own;
    `noise` what sampling alone stays under (95 %, all features together); `usual` how far it moved between the last two
    years learned from, NaN with one. `missing_*` are shares. `moved`: beyond all three, the convention's 0.1 included.
    """

    feature: str
    psi: float
    noise: float
    usual: float
    missing_before: float
    missing_now: float
    moved: bool


# -------------------------------------------------------------------------------------------------- what was learned
def reference(rows: pd.DataFrame, features: Sequence[str], *, by_area: bool = False) -> dict[str, Any]:
    """What a panel looked like, JSON-able, to be saved with the model fitted on it.

    `rows` as of models.panel with `as_of`, `academic_year` and, where known, `cannot_score` (rows with a reason are
    counted and left out) and `risk`, which is then watched like a feature: give risks the boosters did not learn from.
    The newest year is kept by panel day, for all and, when asked, for each area; an older year may lack what nobody
    recorded then. Of each feature: ten soft classes around the deciles (few-valued features: its values), learners in
    each, learners without a value, and over all years the range and the 1st, 50th and 99th hundredth.
    """
    rows = rows.assign(cannot_score=rows.get("cannot_score"))
    # The school rate is the model's own and in no panel.
    names = [*(f for f in features if f != SCHOOL_LEAVING_RATE.name), *([RISK] if RISK in rows else [])]
    scored = rows[rows["cannot_score"].isna()]
    newest = int(rows["academic_year"].max())
    days = {}
    for day, of_day in rows.groupby(rows["as_of"].dt.strftime("%m-%d")):
        now = of_day[of_day["academic_year"] == newest]
        if not now["cannot_score"].isna().any():
            continue
        nodes = {name: _nodes(now.loc[now["cannot_score"].isna(), name]) for name in names}
        before = of_day[of_day["academic_year"] == newest - 1]
        areas = [_ALL, *(sorted(now["area_id"].dropna().unique()) if by_area else [])]
        days[str(day)] = {"nodes": nodes, "areas": {area: _part(now, before, nodes, area) for area in areas}}
    return {
        "year": newest,
        "features": {name: _range(scored[name].to_numpy(np.float64)) for name in names},
        "days": days,
    }


def _part(now: pd.DataFrame, before: pd.DataFrame, nodes: Mapping[str, list[float]], area: str) -> dict[str, Any]:
    """One area's (or all) learners of a panel day: how many, how many not scored, and by feature the classes' counts
    and how far they are from those of the year before."""
    now, before = (part if area == _ALL else part[part["area_id"] == area] for part in (now, before))
    new, old = (_counted(part[part["cannot_score"].isna()], nodes) for part in (now, before))
    usual = {name: psi(old[name], new[name]) for name in nodes} if len(before) else {}
    counts = {name: [round(float(c), 2) for c in new[name]] for name in nodes}
    return {
        "learners": len(now),
        "not_scored": int(now["cannot_score"].notna().sum()),
        "schools": int(now["school_id"].nunique()),
        "counts": counts,
        "usual": usual,
    }


def _nodes(values: pd.Series) -> list[float]:
    """Middles of a feature's classes, ascending: its values where they are few, else its deciles and ends, those that
    lie too close to tell apart left out."""
    known = np.sort(values.dropna().to_numpy(np.float64))
    distinct = np.unique(known)
    if len(distinct) <= 10:
        return [float(v) for v in distinct]
    at = np.unique(np.quantile(known, _NODES))
    step = (at[-1] - at[0]) / 20
    kept = [float(at[0])]
    for node in at[1:]:
        if node - kept[-1] >= step:
            kept.append(float(node))
    return kept


def _counted(rows: pd.DataFrame, nodes: Mapping[str, Sequence[float]]) -> dict[str, np.ndarray]:
    """By feature: rows without a value, below the lowest middle, in each class, above the highest.

    A value between two middles counts with both, by its distance. Hard borders would see a shift where there is none:
    one day of 107 and one of 109 lie on two sides of some border, and a fifth of all children with them.
    """
    found = {}
    for name, middles in nodes.items():
        values = rows[name].to_numpy(np.float64)
        known = values[~np.isnan(values)]
        low, high = (middles[0], middles[-1]) if middles else (np.inf, np.inf)
        inside = known[(known >= low) & (known <= high)]
        size = len(middles)
        place = np.interp(inside, middles, np.arange(size)) if size else inside
        left = np.minimum(place.astype(np.int64), size - 1)
        share = place - left
        soft = np.bincount(left, 1 - share, size) + np.bincount(np.minimum(left + 1, size - 1), share, size)
        found[name] = np.array([len(values) - len(known), (known < low).sum(), *soft, (known > high).sum()])
    return found


def _range(values: np.ndarray) -> dict[str, float]:
    known = values[~np.isnan(values)]
    low, p01, middle, p99, high = np.quantile(known, [0, 0.01, 0.5, 0.99, 1]) if len(known) else np.full(5, np.nan)
    held = {"low": low, "p01": p01, "middle": middle, "p99": p99, "high": high}
    return {name: float(value) for name, value in held.items()}


def psi(before: Sequence[float] | np.ndarray, now: Sequence[float] | np.ndarray) -> float:
    """Population stability index of two rows of counts: sum of (p - q) ln(p / q), half a learner added to each class so
    that an empty one is not infinitely far."""
    p, q = (np.asarray(counts, np.float64) + 0.5 for counts in (before, now))
    p, q = p / p.sum(), q / q.sum()
    return float(((p - q) * np.log(p / q)).sum())


# ------------------------------------------------------------------------------------------------------- what is now
def drift(reference: Mapping[str, Any], rows: pd.DataFrame, area: str | None = None) -> list[Drift]:
    """How far each feature moved, farthest first, for rows of one as-of date: all, or an area against its own past.

    Rows have `as_of` and, as for `reference`, may have `cannot_score` and `risk`. Compared with the panel days within
    35 days, of which the one that is most alike counts: results and surveys come in between two of them. Empty when
    there is none. Without drift the index is chi-square with (classes − 1) degrees of freedom, times 1/n before + 1/n
    now (Yurdakul & Naranjo 2020), n counting learners, or schools where a feature is the school's: `noise` is where
    that ends. Features that only follow the calendar are left out. Raises RaksaError for an area the reference lacks.
    """
    near = _near(reference, f"{rows['as_of'].iloc[0]:%m-%d}")
    rows = rows if area is None else rows[rows["area_id"] == area]
    rows = rows[rows["cannot_score"].isna()] if "cannot_score" in rows else rows
    nearest: dict[str, Drift] = {}
    for held in near:
        if (area or _ALL) not in held["areas"]:
            raise RaksaError(
                f"The model's reference holds no area {area!r} but {sorted(held['areas'])}. Train with areas."
            )
        for one in _drift(held["nodes"], held["areas"][area or _ALL], rows):
            if one.feature not in nearest or one.psi < nearest[one.feature].psi:
                nearest[one.feature] = one
    return sorted(nearest.values(), key=lambda one: -one.psi)


def _drift(nodes: Mapping[str, Sequence[float]], past: Mapping[str, Any], rows: pd.DataFrame) -> Iterator[Drift]:
    """Each feature against one panel day of the reference."""
    nodes = {name: middles for name, middles in nodes.items() if name in rows and name not in _CALENDAR}
    schools = past["schools"], rows["school_id"].nunique()
    for name, now in _counted(rows, nodes).items():
        before = np.asarray(past["counts"][name])
        if not before.sum() or not now.sum():
            continue
        units = schools if name in BY_NAME and BY_NAME[name].family == "school" else (before.sum(), now.sum())
        noise = chi2.ppf(1 - 0.05 / len(nodes), len(now) - 1) * (1 / units[0] + 1 / units[1])
        usual, moved = past["usual"].get(name, np.nan), psi(before, now)
        missing = before[0] / before.sum(), now[0] / now.sum()
        beyond = moved > np.nanmax([MOVED, noise, usual])
        yield Drift(name, moved, float(noise), usual, float(missing[0]), float(missing[1]), bool(beyond))


def _near(reference: Mapping[str, Any], today: str) -> list[Mapping[str, Any]]:
    """What the reference holds of the panel days near a day of the year (month-day)."""

    def apart(day: str) -> int:
        off = abs((date.fromisoformat(f"2024-{day}") - date.fromisoformat(f"2024-{today}")).days)  # has a 02-29
        return min(off, 366 - off)

    return [held for day, held in reference["days"].items() if apart(day) <= _NEAR_DAYS]


def refuse(reference: Mapping[str, Any], rows: pd.DataFrame, settings: Settings) -> None:
    """Raise RaksaError, one sentence, if scoring these rows of `features.build` would be nonsense; else do nothing.

    In this order: a feature the model reads is not there; a value is typed in another unit (the median five times the
    usual one and beyond 99 in 100 learners, or the reverse); more than one known value in a hundred outside the
    registry's range; hardly anyone can be scored, measured by the training years; a quarter of the features far
    from what they were. `rows` need `as_of`.
    """
    missing = [n for n in reference["features"] if n in BY_NAME and n not in rows]
    if missing:
        raise RaksaError(f"The model reads {missing[0]!r}, which these rows do not have. Build the features again.")
    rows = rows.assign(cannot_score=cannot_score(rows, settings))
    scored = rows[rows["cannot_score"].isna()]
    for name, usual in reference["features"].items():
        if name in BY_NAME and name in rows:
            _refuse_values(name, scored[name].dropna().to_numpy(np.float64), usual)
    past = [part["areas"][_ALL] for part in reference["days"].values()]
    could = 1 - sum(p["not_scored"] for p in past) / max(sum(p["learners"] for p in past), 1)
    if len(scored) < _FEWEST * could * len(rows):
        why = rows["cannot_score"].value_counts()
        raise RaksaError(
            f"Only {len(scored):,} of {len(rows):,} learners can be scored, where the training years had {could:.0%}; "
            f"most often {WHY_NOT_SCORED[str(why.index[0])]!r} ({why.iloc[0]:,}). Import the marks that are missing."
        )
    moved = drift(reference, rows)
    far = [d for d in moved if d.moved and d.psi > FAR]
    if len(far) > _MOST_FAR * max(len(moved), 1):
        raise RaksaError(
            f"{len(far)} of {len(moved)} features look unlike the training years, {far[0].feature!r} most "
            f"(PSI {far[0].psi:.2f}). Look at the last imports with `raksa quality`, or train again."
        )


def _refuse_values(name: str, values: np.ndarray, usual: Mapping[str, float]) -> None:
    feature = BY_NAME[name]
    if not len(values):
        return
    middle, was = float(np.median(values)), usual["middle"]
    above = middle > usual["p99"] and middle > _WRONG_UNIT * max(was, 0)
    below = middle < usual["p01"] and was > 0 and _WRONG_UNIT * middle < was
    if feature.unit in _UNITS and (above or below):
        raise RaksaError(
            f"Half the values of {name!r} are {'above' if above else 'below'} {middle:,.5g}, where the training years "
            f"had {was:,.5g} ({feature.unit}): another unit? Correct the mapping of its file and import it again."
        )
    low = -np.inf if feature.low is None else feature.low
    high = np.inf if feature.high is None else feature.high
    stray = float(((values < low) | (values > high)).mean())
    if stray > _STRAY:
        raise RaksaError(
            f"{stray:.0%} of the values of {name!r} lie outside {low:g} to {high:g} ({feature.unit}), up to "
            f"{np.abs(values).max():,.5g}. Correct the mapping of its file and import it again."
        )


def drift_sentences(found: Sequence[Drift]) -> list[tuple[str, str]]:
    """What moved, in Thai and English, three at most; one sentence when nothing did or nothing can be compared."""
    if not found:
        return [
            (
                "ยังเทียบไม่ได้ว่าข้อมูลเปลี่ยนไปจากปีก่อนหรือไม่ ไม่มีวันอ้างอิงในช่วงเวลาเดียวกันของปี",
                "Whether the data changed cannot be told: the model knows no day near this one in the year.",
            )
        ]
    moved = [d for d in found if d.moved]
    if not moved:
        return [
            (
                f"ข้อมูลทั้ง {len(found)} รายการไม่ต่างจากปีก่อนเกินกว่าปกติ",
                f"None of the {len(found)} kinds of data differs from the year before by more than it usually does.",
            )
        ]
    said = [
        (
            f"{len(moved)} จาก {len(found)} รายการเปลี่ยนไปจากปีก่อนมากกว่าปกติ ควรดูข้อมูลที่นำเข้าล่าสุดก่อนใช้รายชื่อ",
            f"{len(moved)} of {len(found)} kinds of data differ from the year before by more than usual: look at the "
            "last imports before using the lists.",
        )
    ]
    for one in moved[:3]:
        th, en = ("โอกาสออกกลางคัน", "risk") if one.feature == RISK else (
            BY_NAME[one.feature].label_th, BY_NAME[one.feature].label_en)  # fmt: skip
        said.append(
            (
                f"{th}: ดัชนีความเปลี่ยนแปลง {one.psi:.2f} ไม่ทราบค่า {one.missing_now:.0%} (ปีก่อน {one.missing_before:.0%})",
                f"{en}: stability index {one.psi:.2f}; not known {one.missing_now:.0%} (year before "
                f"{one.missing_before:.0%})",
            )
        )
    return said


# --------------------------------------------------------------------------------------------------- what came of it
@dataclass(frozen=True)
class Since:
    """Foreseen against seen for one area of a past run, or all of it (`area` None).

    Counted are learners with a risk whose outcome is known; `unknown` are those without. `ratio` is seen / foreseen,
    `low` and `high` its 95 % interval over whole schools; NaN while it cannot be told, and then `why_not` says why, in
    Thai and English. `listed_left` of `listed` left.
    """

    area: str | None
    learners: int
    unknown: int
    foreseen: float
    left: float
    listed: int
    listed_left: float
    ratio: float
    low: float
    high: float
    why_not: tuple[str, str] | None


def calibration_since(
    score: pd.DataFrame, outcome: pd.DataFrame, by: date, today: date, *, seed: int = 0, repeats: int = 400
) -> list[Since]:
    """What came of a past run: all of it first, then each area.

    `score` are rows of raksa.tables.SCORE, `outcome` one row a learner with `left` (1, 0, NaN not known) by the run's
    horizon `by`. Until that day has passed, and until four in five outcomes are known, it cannot be told: the lists
    that say who stayed come last, so early on only those who left are known.
    """
    left = outcome.set_index("learner_id")["left"].reindex(score["learner_id"]).to_numpy(np.float64)
    rows = score.assign(left=left)[score["risk"].notna().to_numpy()]
    parts: list[tuple[str | None, pd.DataFrame]] = [(None, rows), *rows.groupby("area_id")]
    return [_since(area, part, by, today, seed, repeats) for area, part in parts]


def _since(area: str | None, rows: pd.DataFrame, by: date, today: date, seed: int, repeats: int) -> Since:
    known = rows[rows["left"].notna()]
    on = known["listed"].to_numpy(bool)
    foreseen, left = float(known["risk"].sum()), float(known["left"].sum())
    schools = known["school_id"].nunique()
    why_not = None
    if today <= by:
        why_not = (f"ยังบอกไม่ได้ ต้องรอจนพ้นวันที่ {by:%d/%m}/{by.year + 543}", f"Cannot tell yet: wait until {by} is over.")
    elif len(known) < _LEAST_KNOWN * len(rows):
        why_not = (
            f"ยังบอกไม่ได้ ทราบผลเพียง {len(known):,} จาก {len(rows):,} คน ต้องรอบัญชีรายชื่อของปีใหม่",
            f"Cannot tell yet: the outcome of {len(known):,} of {len(rows):,} learners is known; the new year's lists "
            "are needed.",
        )
    elif len(known) < LEAST_LEARNERS or schools < LEAST_SCHOOLS:
        why_not = (
            f"น้อยเกินกว่าจะบอกได้ ({schools} โรงเรียน)",
            f"Too few to tell: {schools} schools.",
        )
    ratio = low = high = np.nan
    if why_not is None and foreseen > 0:
        by_school = known.groupby("school_id")[["left", "risk"]].sum()
        drawn = drawn_schools(len(by_school), np.random.default_rng(seed), repeats) @ by_school.to_numpy(np.float64)
        ratio = left / foreseen
        low, high = interval(drawn[:, 0] / drawn[:, 1], ratio)
    listed_left = float(known["left"].to_numpy()[on].sum())
    unknown = len(rows) - len(known)
    return Since(
        area, len(known), unknown, foreseen, left, int(on.sum()), listed_left, ratio, low, high, why_not
    )  # fmt: skip


def since_sentences(found: Sequence[Since]) -> list[tuple[str, str]]:
    """What came of a run, in Thai and English: one sentence for all of it, one for each area that is off."""
    said = []
    for one in found:
        if one.why_not is not None:
            if one.area is None:
                return [one.why_not]
            continue
        fits = one.low <= 1 <= one.high
        if one.area is not None and fits:
            continue
        th, en = ("", "") if one.area is None else (f"เขต {one.area}: ", f"Area {one.area}: ")
        verdict = (
            ("ตรงกันเท่าที่บอกได้", "as far as can be told they agree")
            if fits
            else ("ออกมากกว่าที่คาดไว้", "more left than foreseen")
            if one.ratio > 1
            else ("ออกน้อยกว่าที่คาดไว้", "fewer left than foreseen")
        )
        said.append(
            (
                f"{th}คาดไว้ {one.foreseen:.0f} คน ออกจริง {one.left:.0f} คน ({one.ratio:.2f} เท่า ช่วงเชื่อมั่น 95% "
                f"{one.low:.2f}–{one.high:.2f}) {verdict[0]} ในรายชื่อ {one.listed:,} คน ออก {one.listed_left:.0f} คน "
                f"ยังไม่ทราบผล {one.unknown:,} คน",
                f"{en}{one.foreseen:.0f} foreseen, {one.left:.0f} left ({one.ratio:.2f} times, 95 % interval "
                f"{one.low:.2f}–{one.high:.2f}): {verdict[1]}. Of {one.listed:,} on the lists "
                f"{one.listed_left:.0f} left; {one.unknown:,} outcomes not known.",
            )
        )
    return said
