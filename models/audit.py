"""Whom the lists find and whom they miss: figures by sex, means, disability, papers, school and stage, with intervals.

groups(…)      the traits of judged rows, as words; read here and by people, never by a feature
audit(…)       at the list length really used: who is found, who is listed without leaving, foreseen against seen
sentences(…)   what that says in plain Thai and English, and whose turn it is

The audit changes nothing. A list length or threshold of its own for a group is a person's decision (docs/audit.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame
from sklearn.metrics import precision_score, recall_score
from sklearn.neighbors import BallTree

from features.rows import known_before
from raksa.store import Store
from raksa.tables import GRADES, POVERTY_CLASSES

# Fewer learners are not told apart, and fewer leavers carry no rate (k = 10, the usual line). Fewer schools carry no
# interval that draws schools: a group in one school would seem certain, every draw of it being the same.
LEAST_LEARNERS, LEAST_SCHOOLS = 10, 5
_WIDEST = 0.30  # an interval of recall wider than 30 points says nothing a person could act on
NOT_KNOWN = "not_known"
_JOINED = " + "

# Number and words of each trait, and of each value that is no word of a list. Thai, English.
TRAITS = {
    "sex": ("เพศ", "sex"),
    "poverty": ("ผลคัดกรองความยากจน", "poverty screening"),
    "disability": ("ความพิการตามบัญชี", "disability as listed"),
    "ethnicity": ("เชื้อชาติตามบัญชี", "ethnicity as listed"),
    "nationality": ("สัญชาติตามบัญชี", "nationality as listed"),
    "identifier": ("ชนิดเลขประจำตัว", "kind of number held"),
    "remoteness": ("โรงเรียนใกล้เคียง", "nearest other school"),
    "school_size": ("ขนาดโรงเรียน", "school size"),
    "agency": ("สังกัด", "agency"),
    "stage": ("ระดับการศึกษา", "stage"),
}
VALUES = {
    "female": ("หญิง", "girls"),
    "male": ("ชาย", "boys"),
    "not_poor": ("ไม่ยากจน", "not poor"),
    "poor": ("ยากจน", "poor"),
    "extremely_poor": ("ยากจนพิเศษ", "extremely poor"),
    "held": ("มีในบัญชี", "a disability listed"),
    "none_held": ("ไม่มีในบัญชี", "none listed"),
    "citizen": ("เลข 13 หลัก", "13-digit number"),
    "begins_0_6_7": ("เลข 13 หลักขึ้นต้น 0 6 7", "13-digit number beginning 0, 6 or 7"),
    "g_code": ("รหัส G", "G-code"),
    "passport": ("หนังสือเดินทาง", "passport"),
    "other": ("เลขอื่น", "another number"),
    "no_number": ("ไม่มีเลขในบัญชี", "no number listed"),
    "within_6_km": ("ไม่เกิน 6 กม.", "within 6 km"),
    "beyond_6_km": ("เกิน 6 กม.", "over 6 km"),
    "1_120": ("1–120 คน", "1–120 learners"),
    "121_600": ("121–600 คน", "121–600 learners"),
    "601_1500": ("601–1,500 คน", "601–1,500 learners"),
    "1501_up": ("1,501 คนขึ้นไป", "1,501 learners or more"),
    "kindergarten": ("อนุบาล", "kindergarten"),
    "primary": ("ประถมศึกษา", "primary"),
    "lower_secondary": ("มัธยมศึกษาตอนต้น", "lower secondary"),
    "upper_secondary": ("มัธยมศึกษาตอนปลายและ ปวช.", "upper secondary and vocational"),
    NOT_KNOWN: ("ไม่ทราบ", "not known"),
}
_STAGE = dict(
    zip(
        GRADES,
        ["kindergarten"] * 3 + ["primary"] * 6 + ["lower_secondary"] * 3 + ["upper_secondary"] * 6,
        strict=True,
    )
)
# Size classes of primary areas (DOMAIN 10); small schools are those up to 120.
_SIZES = ([0, 120, 600, 1500, np.inf], ["1_120", "121_600", "601_1500", "1501_up"])
_NO_DISABILITY = {"ไม่พิการ", "ไม่มี", "ไม่มีความพิการ", "-", "0", "99"}  # DOMAIN 5.4; 99 in ONEC's code list
_FAR_KM = 6.0  # our line: small schools no farther apart than this are asked to teach together
_EARTH_KM = 6371.0


# ------------------------------------------------------------------------------------------------------- who is who
def groups(store: Store, rows: pd.DataFrame) -> pd.DataFrame:
    """The traits of TRAITS for each row, in the rows' order and index; None where nothing is known.

    `rows` have learner_id, school_id, grade, `as_of`, and the features poverty_class and school_size. Read strictly
    before each row's as-of date, each fact from the last list that says it. A trait the register does not hold is None
    for all. Disability and kind of number are the exception to "blank is not known": where some list speaks of them,
    who stands there with a blank is *none listed*, which may still be wrong. Language is in no table of the register.
    Remoteness is the crow's distance from the school to the nearest other the register knows, no official class.
    """
    tables = {
        "learner": store.read("learner", columns=["learner_id", "known_on", "sex"]),
        "sensitive": store.read(
            "sensitive", columns=["learner_id", "known_on", "disability", "ethnicity", "nationality"]
        ),
        "identity": store.read("identity", columns=["learner_id", "known_on", "id_type", "id_number"]),
    }
    schools = store.read("school", columns=["school_id", "agency", "latitude", "longitude"]).to_pandas()
    schools = schools.assign(remoteness=_remoteness(schools)).set_index("school_id")[["agency", "remoteness"]]
    size = pd.cut(rows["school_size"], _SIZES[0], labels=_SIZES[1]).astype(object)
    out = pd.DataFrame(
        {
            "poverty": rows["poverty_class"].map(dict(enumerate(POVERTY_CLASSES))),
            "school_size": size,
            "stage": rows["grade"].map(_STAGE),
            **{name: rows["school_id"].map(schools[name]) for name in schools},
        },
        index=rows.index,
        dtype=object,
    )
    by_day = [_of_learners(tables, rows[rows["as_of"] == day], day.date()) for day in rows["as_of"].unique()]
    whole = out.join(pd.concat(by_day)) if by_day else out.reindex(columns=list(TRAITS))
    return whole[list(TRAITS)].where(whole.notna(), None)


def _of_learners(tables: Mapping[str, Any], rows: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """What lists before the date say of the learners themselves, by the rows' index."""
    told = {}
    for name, table in tables.items():
        held = known_before(table, as_of, "known_on").to_pandas().sort_values("known_on", kind="stable")
        last = held.drop(columns="known_on").groupby("learner_id").last()  # of each column the last that says it
        told[name] = last.reindex(rows["learner_id"]).set_axis(rows.index).astype(object)
        told[name]["listed"] = rows["learner_id"].isin(last.index)
    sensitive, identity = told["sensitive"], told["identity"]
    stated = sensitive["disability"].notna()
    disability = (
        pd.Series("none_held", rows.index, dtype=object)
        .mask(stated & ~sensitive["disability"].isin(_NO_DISABILITY), "held")
        .where(sensitive["listed"] & stated.any(), None)
    )
    number = identity["id_number"].astype("str").str[:1]
    kind = (
        identity["id_type"]
        # Those numbers are given to people without Thai nationality or papers (DOMAIN 6.1).
        .mask((identity["id_type"] == "citizen") & number.isin(["0", "6", "7"]), "begins_0_6_7")
        .fillna("no_number")
        .where(identity["listed"] & identity["id_type"].notna().any(), None)
    )
    return pd.DataFrame(
        {
            "sex": told["learner"]["sex"],
            "disability": disability,
            "identifier": kind,
            **sensitive[["ethnicity", "nationality"]],
        },
        dtype=object,
    )


def _remoteness(schools: pd.DataFrame) -> pd.Series:
    """Whether another school lies within six kilometres, None without coordinates."""
    known = schools[["latitude", "longitude"]].dropna()
    if len(known) < 2:
        return pd.Series(None, schools.index, dtype=object)
    at = np.radians(known.to_numpy())
    nearest = BallTree(at, metric="haversine").query(at, k=2)[0][:, 1] * _EARTH_KM
    far = pd.Series(np.where(nearest > _FAR_KM, "beyond_6_km", "within_6_km"), known.index, dtype=object)
    return far.reindex(schools.index)


# ------------------------------------------------------------------------------------------------------- the figures
def _figures(left: np.ndarray, listed: np.ndarray, risk: np.ndarray) -> dict[str, float]:
    """The rates of one group; undefined is NaN. fairlearn's own rates say 0 there, as if a group nobody left of had
    missed no one; scikit-learn's can be told not to."""
    foreseen = float(np.nansum(risk))
    return {
        "recall": float(recall_score(left, listed, zero_division=np.nan)),
        "false_positive_rate": float(1 - recall_score(left, listed, pos_label=0, zero_division=np.nan)),
        "precision": float(precision_score(left, listed, zero_division=np.nan)),
        "observed_expected": float(left[~np.isnan(risk)].sum()) / foreseen if foreseen else np.nan,
    }


def audit(
    held: pd.DataFrame,
    listed: np.ndarray,
    risk: np.ndarray,
    groups: pd.DataFrame,
    *,
    seed: int,
    repeats: int = 400,
) -> list[dict[str, Any]]:
    """One dict per trait and value, JSON-able; of each trait first the value all others are held against.

    held    judged rows, those not scored too: learner_id, school_id, left (1, 0, NaN not known: counted, and left out)
    listed  (rows,) bool, on the list of its school and as-of date
    risk    (rows,) probability of leaving, NaN not scored: on no list, and a leaver among them is missed
    groups  the rows' traits, as `groups` gives them

    n rows, learners, schools; scored, listed, left, unknown; foreseen (sum of risks); base = left / n; recall = listed
    leavers / leavers; false_negative_rate = 1 − recall; false_positive_rate = listed stayers / stayers; precision =
    listed leavers / listed; observed_expected = left / foreseen of the scored. Undefined is NaN, its count beside it.
    `against` is the value compared with: the largest that is known and large enough to speak of. recall_gap and
    false_positive_gap are the differences to it, false_alarm_ratio the quotient of false_positive_rates. `intervals`
    are 95 %, from the same draws of whole schools for every figure. `told` says of the gaps and of observed_expected
    whether they lie beyond what chance gives anywhere among all those compared (95 % for each kind together: by the
    largest of the drawn deviations, in standard errors). `enough` is False, with `why_not` in Thai and English, for
    fewer than five schools, fewer than ten different leavers, or an interval of recall wider than 30 points.

    Values with fewer than ten learners are joined with the next smallest ("passport + g_code"); a trait with fewer than
    ten learners in all is not there. A trait nobody's value is known of has one entry with value None and no figures.
    No entries while no outcome is known.
    """
    draw = np.random.default_rng(seed)
    known = held["left"].notna().to_numpy()
    if not known.any():
        return []
    schools, school = np.unique(held["school_id"].astype(str).to_numpy()[known], return_inverse=True)
    drawn = drawn_schools(len(schools), draw, repeats)
    rows = held.loc[known, ["learner_id"]].assign(
        school=school, left=held["left"].to_numpy()[known].astype(np.int64), listed=listed[known], risk=risk[known]
    )
    found: list[_Entry] = []
    for trait in groups:
        if groups[trait].isna().all():
            found.append(_Entry({"trait": trait, "value": None, "enough": False, "why_not": _NOT_HELD}, {}))
            continue
        values = groups[trait].fillna(NOT_KNOWN).astype(str).to_numpy()
        joined = _joined(values[known], rows["learner_id"])
        mine = np.array([joined.get(value, "") for value in values])
        of_trait = _trait(rows.assign(value=mine[known]), drawn, draw)
        for one in of_trait:
            unknown = int((mine[~known] == one.says["value"]).sum())
            one.says = {"trait": trait, **one.says, "unknown": unknown}
        found += of_trait
    _tell(found)
    return [one.says for one in found]


@dataclass
class _Entry:
    """What one value's entry says, and the draws behind its intervals."""

    says: dict[str, Any]
    draws: dict[str, np.ndarray]


_NOT_HELD = ("ทะเบียนไม่มีข้อมูลนี้", "the register does not hold it")


def _joined(values: np.ndarray, learners: pd.Series) -> dict[str, str]:
    """What each value is called in the audit: itself, or joined with the next smallest until ten learners hold it.

    Joining and not hiding: a hidden row is what is left over when the others are taken from the total.
    """
    names = {str(value): str(value) for value in np.unique(values)}
    while True:
        sizes = learners.groupby(pd.Series(values).map(names).to_numpy()).nunique().sort_values(kind="stable")
        if len(sizes) < 2 or sizes.iloc[0] >= LEAST_LEARNERS:
            return {value: name for value, name in names.items() if sizes[name] >= LEAST_LEARNERS}
        few, more = sizes.index[:2]
        names = {value: few + _JOINED + more if name in (few, more) else name for value, name in names.items()}


def _trait(rows: pd.DataFrame, drawn: np.ndarray, draw: np.random.Generator) -> list[_Entry]:
    """Entries of one trait, the value compared with first."""
    rows = rows[rows["value"] != ""]
    if rows.empty:
        return []
    points = MetricFrame(
        metrics=_figures,
        y_true=rows["left"].to_numpy(),
        y_pred=rows["listed"].to_numpy(np.int64),
        sensitive_features=rows["value"].to_numpy(),
        sample_params={"risk": rows["risk"].to_numpy()},
    ).by_group
    sampled = _rates(_sums(rows, list(points.index), drawn))
    found = [
        _entry(value, rows[rows["value"] == value], point, {name: s[:, at] for name, s in sampled.items()}, draw)
        for at, (value, point) in enumerate(points.items())
    ]
    # Not the best-off: which value is best is itself drawn by chance, and every gap to it would look too wide.
    found.sort(key=lambda e: (not e.says["enough"], e.says["value"] == NOT_KNOWN, -e.says["n"], e.says["value"]))
    for one in found[1:]:
        _compare(one, found[0])
    return found


def _entry(
    value: str, rows: pd.DataFrame, point: dict[str, float], draws: dict[str, np.ndarray], draw: np.random.Generator
) -> _Entry:
    left, listed = rows["left"] == 1, rows["listed"]
    learners = {
        "recall": rows.loc[left, "learner_id"].nunique(),
        "false_positive_rate": rows.loc[~left, "learner_id"].nunique(),
        "precision": rows.loc[listed, "learner_id"].nunique(),
    }
    for name, of in learners.items():
        # Where none or all were found every draw of schools says the same, and 0 of 12 would seem certain. Then the
        # children are drawn, by Jeffreys' rule.
        if point[name] in (0.0, 1.0):
            draws[name] = draw.beta(0.5 + of * point[name], 0.5 + of * (1 - point[name]), len(draws[name]))
    point["false_negative_rate"], draws["false_negative_rate"] = 1 - point["recall"], 1 - draws["recall"]
    intervals = {name: list(interval(draws[name], point[name])) for name in point}
    schools = int(rows["school"].nunique())
    why_not = None
    if schools < LEAST_SCHOOLS:
        why_not = f"มีเพียง {schools} โรงเรียน", f"only {schools} {'school' if schools == 1 else 'schools'}"
    elif learners["recall"] < LEAST_LEARNERS or intervals["recall"][1] - intervals["recall"][0] > _WIDEST:
        why_not = "มีผู้ออกน้อยเกินกว่าจะบอกได้", "too few left to tell"
    says = {
        "value": value,
        "n": len(rows),
        "learners": int(rows["learner_id"].nunique()),
        "schools": schools,
        "scored": int(rows["risk"].notna().sum()),
        "listed": int(listed.sum()),
        "left": int(left.sum()),
        "foreseen": float(rows["risk"].sum()),
        "base": float(left.mean()),
        **point,
        "against": None,
        "intervals": intervals,
        "enough": why_not is None,
        "why_not": why_not,
    }
    return _Entry(says, draws)


def _compare(one: _Entry, first: _Entry) -> None:
    """Write an entry's gaps to the first of its trait into it."""
    says, draws = one.says, one.draws
    says["against"] = first.says["value"]
    for gap, name in (("recall_gap", "recall"), ("false_positive_gap", "false_positive_rate")):
        says[gap], draws[gap] = says[name] - first.says[name], draws[name] - first.draws[name]
    own, other = (np.append(e.draws["false_positive_rate"], e.says["false_positive_rate"]) for e in (one, first))
    ratio = _divided(own, other)
    says["false_alarm_ratio"], draws["false_alarm_ratio"] = float(ratio[-1]), ratio[:-1]
    for name in ("recall_gap", "false_positive_gap", "false_alarm_ratio"):
        says["intervals"][name] = list(interval(draws[name], says[name]))


def _sums(rows: pd.DataFrame, values: Sequence[str], drawn: np.ndarray) -> dict[str, np.ndarray]:
    """Sums over the drawn schools, (draws, values) each: what every rate is made of."""
    cell = rows["school"].to_numpy() * len(values) + pd.Index(values).get_indexer(pd.Index(rows["value"]))
    left, listed, risk = (rows[c].to_numpy(np.float64) for c in ("left", "listed", "risk"))
    scored = ~np.isnan(risk)
    counted = {
        "n": np.ones(len(rows)),
        "left": left,
        "listed": listed,
        "caught": left * listed,
        "foreseen": np.where(scored, risk, 0),
        "seen": left * scored,
    }
    shape = (drawn.shape[1], len(values))
    return {
        name: drawn @ np.bincount(cell, weights, shape[0] * shape[1]).reshape(shape)
        for name, weights in counted.items()
    }


def _rates(sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        "recall": _divided(sums["caught"], sums["left"]),
        "false_positive_rate": _divided(sums["listed"] - sums["caught"], sums["n"] - sums["left"]),
        "precision": _divided(sums["caught"], sums["listed"]),
        "observed_expected": _divided(sums["seen"], sums["foreseen"]),
    }


def _tell(found: list[_Entry]) -> None:
    """Write `told` into the entries: which deviations are larger than the largest that chance gives among all."""
    for one in found:
        one.says["told"] = {}
    for name, usual in (("recall_gap", 0.0), ("false_positive_gap", 0.0), ("observed_expected", 1.0)):
        of = [one for one in found if one.says["enough"] and np.isfinite(one.says.get(name, np.nan))]
        if not of:
            continue
        point = np.array([one.says[name] for one in of])
        sampled = np.stack([one.draws[name] for one in of])
        error = np.nanstd(sampled, axis=1)
        error = np.where(error > 0, error, np.inf)
        largest = np.nanmax(np.abs(sampled - point[:, None]) / error[:, None], axis=0)
        beyond = np.abs(point - usual) / error > np.quantile(largest, 0.95)
        for one, told in zip(of, beyond, strict=True):
            one.says["told"][name] = bool(told)


def drawn_schools(schools: int, draw: np.random.Generator, repeats: int) -> np.ndarray:
    """How often each school is drawn, (draws, schools): as many schools as there are, with replacement."""
    return draw.multinomial(schools, np.full(schools, 1 / schools), repeats).astype(np.float64)


def interval(draws: np.ndarray, point: float, level: float = 0.95) -> tuple[float, float]:
    """The middle 95 % of the draws where the figure is defined, the point within; NaN where the point is."""
    known = draws[np.isfinite(draws)]
    if not len(known) or not np.isfinite(point):
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return min(float(low), point), max(float(high), point)


def _divided(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0))


# ---------------------------------------------------------------------------------------------------------- in words
def sentences(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """What an audit says, as (Thai, English): gaps beyond chance, or the widest and that it may be chance; foreseen
    against seen; who could not be scored; whose turn it is; and of whom nothing can be said."""
    said: list[tuple[str, str]] = []
    for name, say in (("recall_gap", _say_recall), ("false_positive_gap", _say_alarms)):
        gaps = sorted((one for one in found if name in one["told"]), key=lambda one: -abs(one[name]))
        told = [one for one in gaps if one["told"][name]]
        said += [say(one, _first(found, one), _MORE_THAN_CHANCE, len(gaps)) for one in told[:3]]
        if gaps and not told:
            said.append(say(gaps[0], _first(found, gaps[0]), _MAY_BE_CHANCE, len(gaps)))
    off = [one for one in found if one["told"].get("observed_expected")]
    said += [_say_level(one) for one in sorted(off, key=lambda one: -abs(one["observed_expected"] - 1))[:3]]
    least = min((one for one in found if one["enough"]), key=lambda one: one["scored"] / one["n"], default=None)
    if least is not None and least["scored"] < 0.9 * least["n"]:
        share = least["scored"] / least["n"]
        said.append(
            (
                f"{_named(least, 0)}: ประเมินได้เพียง {share:.0%} ที่เหลือไม่มีทางอยู่ในรายชื่อ",
                f"{_named(least, 1)}: only {share:.0%} could be scored; the rest can be on no list.",
            )
        )
    if any(any(one["told"].values()) for one in found):
        said.append(_NEXT)
    few = [one for one in found if not one["enough"] and one["value"] is not None]
    if few:
        said.append(
            (
                "ยังบอกไม่ได้: " + "; ".join(f"{_named(one, 0)} ({one['why_not'][0]})" for one in few),
                "Cannot be told: " + "; ".join(f"{_named(one, 1)} ({one['why_not'][1]})" for one in few),
            )
        )
    unheld = [_trait_name(one) for one in found if one["value"] is None]
    if unheld:
        said.append(
            (
                "ทะเบียนไม่มีข้อมูล จึงตรวจไม่ได้: " + ", ".join(th for th, _ in unheld),
                "Not in the register, so not audited: " + ", ".join(en for _, en in unheld),
            )
        )
    return said


_MORE_THAN_CHANCE = ("เกินกว่าความบังเอิญ จากที่เทียบ {0} คู่", "more than chance gives among the {0} gaps compared")
_MAY_BE_CHANCE = ("กว้างที่สุดจากที่เทียบ {0} คู่ แต่อาจเป็นความบังเอิญ", "the widest of {0} gaps, and it may be chance")
_NEXT = (
    "ขั้นต่อไป: ดูก่อนว่าข้อมูลของกลุ่มนี้ขาดหายมากกว่ากลุ่มอื่นหรือไม่ แล้วดูว่ารายชื่อยาวพอหรือไม่ การใช้เกณฑ์เฉพาะกลุ่มเป็นการตัดสินใจของคน "
    "ต้องบันทึกว่าใคร เมื่อใด ด้วยเหตุผลใด Raksa ไม่เปลี่ยนเกณฑ์เอง",
    "Next: see whether this group's records are missing more often than others', then whether the lists are long "
    "enough. A line of its own for a group is a person's decision, written down with who, when and why; Raksa changes "
    "none by itself.",
)


def _first(found: Sequence[Mapping[str, Any]], one: Mapping[str, Any]) -> Mapping[str, Any]:
    """The entry an entry is compared with."""
    return next(e for e in found if e["trait"] == one["trait"] and e["value"] == one["against"])


def _say_recall(
    one: Mapping[str, Any], first: Mapping[str, Any], chance: tuple[str, str], compared: int
) -> tuple[str, str]:
    low, high = one["intervals"]["recall_gap"]
    gap = f"{100 * one['recall_gap']:+.0f}"
    return (
        f"{_named(one, 0)}: ในผู้ที่ออกกลางคัน มีชื่ออยู่ในรายชื่อ {one['recall']:.0%} เทียบกับ {first['recall']:.0%} "
        f"ของ{_value(first, 0)} ({gap} จุด ช่วงเชื่อมั่น 95% {100 * low:+.0f} ถึง {100 * high:+.0f}) "
        f"{chance[0].format(compared)}",
        f"{_named(one, 1)}: of those who left, {one['recall']:.0%} were on the lists, against {first['recall']:.0%} of "
        f"{_value(first, 1)} ({gap} points, 95 % interval {100 * low:+.0f} to {100 * high:+.0f}): "
        f"{chance[1].format(compared)}.",
    )


def _say_alarms(
    one: Mapping[str, Any], first: Mapping[str, Any], chance: tuple[str, str], compared: int
) -> tuple[str, str]:
    low, high = one["intervals"]["false_alarm_ratio"]
    own, other, ratio = one["false_positive_rate"], first["false_positive_rate"], one["false_alarm_ratio"]
    return (
        f"{_named(one, 0)}: ในผู้ที่ไม่ได้ออก มีชื่ออยู่ในรายชื่อ {own:.1%} เทียบกับ {other:.1%} ของ{_value(first, 0)} "
        f"({ratio:.2f} เท่า ช่วงเชื่อมั่น 95% {low:.2f}–{high:.2f}) {chance[0].format(compared)}",
        f"{_named(one, 1)}: of those who stayed, {own:.1%} were on the lists, against {other:.1%} of "
        f"{_value(first, 1)} ({ratio:.2f} times, 95 % interval {low:.2f}–{high:.2f}): {chance[1].format(compared)}.",
    )


def _say_level(one: Mapping[str, Any]) -> tuple[str, str]:
    ratio, (low, high) = one["observed_expected"], one["intervals"]["observed_expected"]
    return (
        f"{_named(one, 0)}: ออกจริงเป็น {ratio:.2f} เท่าของที่คาดไว้ (ช่วงเชื่อมั่น 95% {low:.2f}–{high:.2f})",
        f"{_named(one, 1)}: {ratio:.2f} times as many left as foreseen (95 % interval {low:.2f}–{high:.2f}).",
    )


def _named(one: Mapping[str, Any], language: int) -> str:
    return f"{_trait_name(one)[language]}, {_value(one, language)}"


def _trait_name(one: Mapping[str, Any]) -> tuple[str, str]:
    return TRAITS.get(one["trait"], (one["trait"],) * 2)


def _value(one: Mapping[str, Any], language: int) -> str:
    """A value in words; words of a list stand as the list has them."""
    return _JOINED.join(VALUES.get(part, (part, part))[language] for part in one["value"].split(_JOINED))
