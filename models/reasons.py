"""Why a child is on a list: exact TreeSHAP contributions, grouped into things a teacher can talk about, in words.

Contributions of one family (attendance, grades, home …) are added; the families that raised the risk most are said,
each by the fact in it that weighs most and is worth a visit. Facts only: nothing here says why a child is away, and no
word labels her. A family without such a fact is not said, however much it weighs.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.registry import BY_NAME, Feature
from models.risk import Risk

AT_MOST = 3
_POVERTY = (("ไม่ยากจน", "not poor"), ("ยากจน", "poor"), ("ยากจนพิเศษ", "extremely poor"))
_LIVES = (
    ("อยู่กับพ่อแม่", "Lives with both parents"),
    ("อยู่กับพ่อหรือแม่คนเดียว", "Lives with one parent"),
    ("อยู่กับญาติ", "Lives with relatives"),
    ("อยู่กับผู้อื่น สถาบัน หรืออยู่ลำพัง", "Lives with others, in an institution or alone"),
)
NO_SINGLE_FACT = (
    "ไม่มีข้อเท็จจริงเดียวที่เด่นชัด หลายเรื่องเล็ก ๆ รวมกัน ควรพูดคุยกับนักเรียน",
    "No single fact stands out; several small ones together. Worth a talk.",
)


def reasons(risk: Risk, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of raksa.tables.REASON, at most three a learner, position 1 weighing most.

    `rows` are feature rows of the listed; exact contributions cost 100 times a score, so explain only those.
    """
    columns = ["learner_id", "position", "family", "feature", "value", "contribution", "text_th", "text_en"]
    if rows.empty:
        return pd.DataFrame(columns=columns)
    shares = risk.contributions(rows)
    said: list[tuple[object, ...]] = []
    for (_, row), (_, share) in zip(rows.iterrows(), shares.iterrows(), strict=True):
        families: dict[str, float] = {}
        for name in risk.features:
            families[BY_NAME[name].family] = families.get(BY_NAME[name].family, 0.0) + float(share[name])
        position = 0
        for family, weight in sorted(families.items(), key=lambda item: -item[1]):
            if weight <= 0 or position == AT_MOST:
                break
            fact = _fact(family, row, share, risk.features)
            if fact is not None:
                position += 1
                thai, english = sentences(fact, row)
                value = float(row[fact.name])
                said.append((row["learner_id"], position, family, fact.name, value, weight, thai, english))
        if not position:
            said.append((row["learner_id"], 1, None, None, np.nan, np.nan, *NO_SINGLE_FACT))
    return pd.DataFrame(said, columns=columns)


def _fact(family: str, row: pd.Series, share: pd.Series, used: tuple[str, ...]) -> Feature | None:
    """The feature of the family that weighs most among those worth saying, or None."""
    worth = [BY_NAME[n] for n in used if BY_NAME[n].family == family and share[n] > 0 and worth_saying(BY_NAME[n], row)]
    return max(worth, key=lambda f: float(share[f.name]), default=None)


def worth_saying(feature: Feature, row: pd.Series) -> bool:
    """Whether the value is a fact worth a visit: known, and at or beyond the registry's `say_from`."""
    if feature.say_from is None or np.isnan(value := row[feature.name]):
        return False
    return bool(value <= feature.say_from if feature.direction < 0 else value >= feature.say_from)


def sentences(feature: Feature, row: pd.Series) -> tuple[str, str]:
    """The fact in Thai and in English, with the learner's own figures."""
    facts = {name: row[name] for name in row.index if isinstance(row[name], (int, float, np.floating))}
    poverty = _POVERTY[int(np.nan_to_num(row["poverty_class"]))]
    lives = _LIVES[int(np.nan_to_num(row["away_from_parents"]))]
    facts |= {
        "poverty_word_th": poverty[0],
        "poverty_word_en": poverty[1],
        "lives_word_th": lives[0],
        "lives_word_en": lives[1],
        "grade_drop": -row["grade_change"],
        "open_percent": 100 * row["open_share"],
    }
    return feature.say_th.format(**facts), feature.say_en.format(**facts)
