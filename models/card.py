"""A model's card as a page people can read: what it is for, how good it was in a year it had not seen, and where not.

    html(card)                   Thai, one self-contained page: no script, nothing loaded from elsewhere, prints on A4
    html(card, "en")             the same in English

The words stand in card.html beside this file, Thai and English side by side; what is counted or judged stands here.
A key the card does not have leaves its part of the page out.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, FileSystemLoader, Template, Undefined
from markupsafe import Markup

from features.registry import BY_NAME, FAMILIES
from models.audit import TRAITS, VALUES, sentences
from raksa import __version__, thai

Font = tuple[int, bytes]  # weight and woff2
SMALLEST_CELL = 5  # a count below it could point at a child (docs/access.md)

NAMES = {
    "model": ("แบบจำลอง", "the model"),
    "champion": ("แบบจำลองที่ใช้อยู่ก่อน", "the model in use before"),
    "absence_10": ("ไม่มาเรียนตั้งแต่ 10% ของวันเรียน", "away on 10 % of days or more"),
    "abc_flags": ("นับสัญญาณเตือน (ABC)", "count of warning signs (ABC)"),
    "best_rule": ("กฎข้อเดียวที่ดีที่สุด", "the best single rule"),
    "logistic": ("สมการโลจิสติก", "logistic regression"),
    "school_only": ("เลือกโรงเรียนแทนเลือกเด็ก", "choosing schools, not children"),
    "demographics": ("อายุ ชั้น และบ้านเท่านั้น", "age, grade and home alone"),
    "nominated": ("ครูเสนอชื่อเท่านั้น", "teachers' nominations alone"),
    "nominated_then_model": ("ครูเสนอชื่อก่อน แล้วจึงแบบจำลอง", "teachers' nominations, then the model"),
}
_WHY_NOT = {
    "floating": ("มีชื่อในทะเบียนแต่ไม่มาเรียน", "on the books, not in class"),
    "no_attendance": ("ไม่มีข้อมูลเช็คชื่อ", "no attendance sent"),
    "attendance_stopped": ("ข้อมูลเช็คชื่อขาดช่วง", "attendance stopped"),
    "not_modelled": ("ชั้นที่ยังไม่ประเมิน", "grades not modelled"),
}
_STAGES = {
    "primary": ("ประถมศึกษา", "primary"),
    "lower": ("มัธยมศึกษาตอนต้น", "lower secondary"),
    "upper": ("มัธยมศึกษาตอนปลายและ ปวช.", "upper secondary and vocational"),
}
_OUTCOMES = {
    "left": ("ไม่อยู่ในบัญชีของโรงเรียนใด ทุกสังกัด ในวันสำมะโนถัดไป คือ {} ของปีการศึกษาถัดไป",
             "on no school's list, of any agency, on the next census day, {} of the next academic year"),
    "in_year": ("ออกระหว่างปี ก่อนวันสำมะโน {} ของปีการศึกษาถัดไป",
                "gone during the year, before the census day {} of the next academic year"),
    "not_arrived": ("เรียนจบปีแล้วแต่ไม่อยู่ในบัญชีของโรงเรียนใดในวันสำมะโน {} ของปีการศึกษาถัดไป",
                    "finished the year and on no school's list on the census day, {} of the next academic year"),
}  # fmt: skip
_MEASURES = {
    "precision": ("ผู้ที่ออกจริงในรายชื่อ", "leavers on the lists"),
    "ap": ("ความแม่นยำเฉลี่ย", "average precision"),
    "auc": ("การจัดลำดับ (AUC)", "order (AUC)"),
}


def html(
    card: Mapping[str, Any],
    language: str = "th",
    *,
    fonts: Sequence[Font] = (),
    checksums: Mapping[str, str] | None = None,
) -> str:
    """The card as one page, in Thai or English ("en").

    `fonts` (weight, woff2) are put into the page, for machines without a Thai font; without them the reader's own is
    used. `checksums` of the model's files are printed at the end. Leavers of a school, area or stage under 5 are shown
    as fewer than 5. Same card, same bytes.
    """
    at = 0 if language == "th" else 1
    judged = card.get("judged", {})
    own = judged.get("compared", {}).get("model", {})
    page = _page().render(
        card=card,
        judged=judged,
        own=own,
        compared=_in_order(judged.get("compared", {}), NAMES),
        language=language,
        t=lambda *pair: pair[at],
        as_day=lambda day: _day(day, language),
        as_year=lambda year: str(year) if at == 0 else f"{year} B.E. ({int(year) - 543})",
        left_means=_OUTCOMES[card.get("outcome", "left")][at].format(_day(card.get("horizon", "06-10"), language)),
        why_not=lambda code: _WHY_NOT.get(code, (code, code))[at],
        name=lambda key: _names(card)[key][at],
        families=[(family, FAMILIES.get(family, (family, family))[at]) for family in card.get("missing", {})],
        verdicts=[(kind, pair[at]) for kind, *pair in verdicts(card)],
        beside=_areas_beside(judged),
        of_20=of_20(own),
        curve=curve,
        stages=_hidden(
            (_STAGES.get(k, (k, k))[at], held) for k, held in _in_order(judged.get("by_stage", {}), _STAGES).items()
        ),
        areas=_hidden((each.get("name") or each["id"], each) for each in judged.get("by_area", ())),
        schools=_odd(judged.get("by_school", ())),
        audit=[(_of_group(row, at), row) for row in judged.get("audit", ()) if row["value"] is not None],
        audit_says=[pair[at] for pair in sentences(judged.get("audit", ()))],
        font=Markup("".join(map(_face, fonts))),
        checksums=checksums or {},
        version=__version__,
    )
    return page + "\n"


@lru_cache(maxsize=1)
def _page() -> Template:
    places = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    places.filters |= {
        "pct": percent,
        "num": number,
        "whole": lambda value: "–" if _unknown(value) else f"{value:,.0f}",
        "range": span,
        "range_2": lambda edges: span(edges, lambda edge: number(edge, 2)),
        "range_pct": lambda edges: span(edges, percent),
        "signed": lambda edges: span(edges, signed),
    }
    return places.get_template("card.html")


# ------------------------------------------------------------------------------------------------ what is said
def verdicts(card: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """For each measure, how the model stands to the best of the others: (better, same, worse or open; Thai; English).

    The best is the one with the highest figure. *better* and *worse* are said only when the paired 95 % interval of the
    difference leaves out zero; *open* where no interval is known and the model's figure is the higher.
    """
    compared = {
        name: {**held, **held.get("at_capacity", {})}
        for name, held in card.get("judged", {}).get("compared", {}).items()
    }
    names = _names(card)
    others = [name for name in compared if name not in ("model", "champion")]
    found = []
    for measure, (th, en) in _MEASURES.items():
        known = [name for name in others if not _unknown(compared[name].get(measure))]
        if not known or _unknown(compared.get("model", {}).get(measure)):
            continue
        best = max(known, key=lambda name: compared[name][measure])
        edges = compared[best].get("against_model", {}).get(measure)
        gap = compared["model"][measure] - compared[best][measure]
        kind = _kind(gap, edges)
        rule_th, rule_en = names[best]
        between = "" if _unknown(edges) else f" ({span(edges, signed)})"
        found.append(
            {
                "better": (kind, f"{th}: แบบจำลองดีกว่า “{rule_th}” ซึ่งดีที่สุดในบรรดาวิธีอื่น{between}",
                           f"{en}: the model does better than “{rule_en}”, the best of the others{between}"),
                "same": (kind, f"{th}: แยกไม่ออกว่าแบบจำลองดีกว่า “{rule_th}” หรือไม่{between}",
                         f"{en}: the model cannot be told apart from “{rule_en}”{between}"),
                "worse": (kind, f"{th}: แบบจำลองไม่ดีกว่า “{rule_th}” ควรใช้กฎนั้นแทน{between}",
                          f"{en}: the model is not better than “{rule_en}”; use that instead{between}"),
                "open": (kind, f"{th}: แบบจำลองสูงกว่า “{rule_th}” แต่ยังไม่ทราบช่วงความเชื่อมั่นของผลต่าง",
                         f"{en}: the model is above “{rule_en}”; the interval of the difference is not known"),
            }[kind]
        )  # fmt: skip
    return found


def _kind(gap: float, edges: Sequence[float] | None) -> str:
    if edges is None or _unknown(edges):
        return "open" if gap > 0 else "worse"
    return "better" if edges[0] > 0 else "worse" if edges[1] < 0 else "same"


def of_20(own: Mapping[str, Any]) -> dict[str, float]:
    """What lists promise, in children: of 20 listed, how many leave and stay; of 20 leavers, how many are on no list;
    of 20 chosen by chance, how many leave. Unknown figures are left out."""
    lists, base = own.get("at_capacity", {}), own.get("base")
    found: dict[str, float] = {}
    if not _unknown(lists.get("precision")):
        found |= {"leave": 20 * lists["precision"], "stay": 20 * (1 - lists["precision"])}
    if not _unknown(lists.get("recall")):
        found["missed"] = 20 * (1 - lists["recall"])
    if base is not None and not _unknown(base):
        found["chance"] = 20 * base
    return found


def _hidden(rows: Iterable[tuple[Any, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Rows with a name; leavers under 5 are not told, nor the next fewest if one row alone would be hidden, whom the
    total would give away."""
    found = [{**held, "name": name, "told": held.get("left", 0) >= SMALLEST_CELL} for name, held in rows]
    if sum(not row["told"] for row in found) == 1 and len(found) > 1:
        min((row for row in found if row["told"]), key=lambda row: row["left"])["told"] = False
    return found


def _odd(schools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Schools where more or fewer left than foreseen, beyond chance; how many were as foreseen, how many too small."""
    rows = _hidden((each.get("name") or each.get("id"), each) for each in schools)
    told = [row for row in rows if row["told"] and not _unknown([row.get("low"), row.get("high")])]
    odd = [row for row in told if not row["low"] <= 1 <= row["high"]]
    return {
        "all": len(rows),
        "as_foreseen": len(told) - len(odd),
        "too_small": len(rows) - len(told),
        "rows": sorted(odd, key=lambda row: -abs(math.log(row["ratio"]))),
    }


def _areas_beside(judged: Mapping[str, Any]) -> dict[str, list[str]]:
    """Areas where the model's lists held fewer of those who left than the best rule's, and where they held more."""
    rows = judged.get("beside_best_rule", ())
    return {kind: [str(row.get("name") or row["id"]) for row in rows if row.get(kind)] for kind in ("worse", "better")}


def _of_group(row: Mapping[str, Any], at: int) -> str:
    """An audited trait and value in words."""
    trait = TRAITS.get(row["trait"], (row["trait"],) * 2)[at]
    values = [VALUES.get(part, (part, part))[at] for part in str(row["value"]).split(" + ")]
    return f"{trait}: {' + '.join(values)}"


def _in_order(held: Mapping[str, Any], order: Mapping[str, Any]) -> dict[str, Any]:
    """The same in this order, what is not in it last; card.json has its keys sorted."""
    return {key: held[key] for key in [*(k for k in order if k in held), *(k for k in held if k not in order)]}


def _names(card: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Names of the contestants; of a rule without one its words. The best rule says which one it is: a fact
    of the registry, or flags."""
    judged, rules = card.get("judged", {}), card.get("rules", {})
    found = {key: NAMES.get(key, (rules.get(key, key),) * 2) for key in judged.get("compared", {})}
    rule = str(judged.get("best_rule", ""))
    own = (BY_NAME[rule].label_th, BY_NAME[rule].label_en) if rule in BY_NAME else NAMES.get(rule)
    if own and "best_rule" in found:
        found["best_rule"] = f"{NAMES['best_rule'][0]}: {own[0]}", f"{NAMES['best_rule'][1]}: {own[1]}"
    return found


# ------------------------------------------------------------------------------------------------ numbers and days
def _unknown(value: Any) -> bool:
    """Whether a number, or one of several, is not known: absent, None or NaN."""
    if isinstance(value, (list, tuple)):
        return not value or any(map(_unknown, value))
    return value is None or isinstance(value, Undefined) or value != value


def number(value: Any, digits: int = 3) -> str:
    """A figure; – where it is undefined."""
    return "–" if _unknown(value) else f"{value:.{digits}f}"


def percent(value: Any) -> str:
    """A share in per cent, one digit below ten; – where it is undefined.

    >>> percent(0.0209), percent(0.351), percent(None)
    ('2.1 %', '35 %', '–')
    """
    if _unknown(value):
        return "–"
    return f"{100 * value:.1f} %" if 100 * value < 9.95 else f"{100 * value:.0f} %"


def signed(value: float) -> str:
    """A difference with its sign.

    >>> signed(0.02), signed(-0.01)
    ('+0.020', '−0.010')
    """
    return f"{value:+.3f}".replace("-", "−")


def span(edges: Any, one: Any = number) -> str:
    """Two edges of an interval; – where they are not known."""
    return "–" if _unknown(edges) else f"{one(edges[0])} – {one(edges[1])}"


def _day(day: str, language: str) -> str:
    """2025-08-03 as a date, 06-10 as a day of the year."""
    if len(day) > 5:
        return thai.format_date(date.fromisoformat(day), language)
    return thai.format_date(date.fromisoformat(f"2024-{day}"), language).rpartition(" ")[0]


def _face(font: Font) -> str:
    weight, woff2 = font
    held = base64.b64encode(woff2).decode()
    return (
        f'@font-face {{ font-family: "Raksa"; font-weight: {weight}; src: url(data:font/woff2;base64,{held}) '
        'format("woff2") }\n'
    )


# ------------------------------------------------------------------------------------------------ the picture
_SIDE, _LEFT, _TOP = 300, 52, 12
_TICKS = (0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1)


def curve(groups: Sequence[Mapping[str, float]], dates: int, alt: str) -> Markup:
    """Foreseen (across) against seen (up) share of groups of rising risk, as SVG with figures only: words above and
    below Thai lines stand in the page.

    Both axes are of the square root, so that shares near zero do not lie on each other. The upright line is Wilson's
    95 % interval; a learner stands in the rows once a date, so a group counts as n / dates learners.
    """
    groups = [g for g in groups if g.get("n") and not _unknown([g["foreseen"], g["seen"]])]
    if not groups:
        return Markup()
    most = max(max(g["foreseen"], _wilson(g, dates)[1]) for g in groups)
    top = next((tick for tick in _TICKS if tick >= most), 1)

    def along(share: float) -> float:
        return _SIDE * math.sqrt(min(share, top) / top)

    def x(share: float) -> str:
        return f"{_LEFT + along(share):.1f}"

    def y(share: float) -> str:
        return f"{_TOP + _SIDE - along(share):.1f}"

    ticks, last = [], -math.inf
    for tick in _TICKS:
        if tick <= top and along(tick) - last >= 34:
            ticks.append(tick)
            last = along(tick)
    parts = [f'<line class="same" x1="{x(0)}" y1="{y(0)}" x2="{x(top)}" y2="{y(top)}"/>']
    for tick in ticks:
        said = f"{100 * tick:g}%"
        parts.append(f'<line class="grid" x1="{x(0)}" y1="{y(tick)}" x2="{x(top)}" y2="{y(tick)}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y(tick)}" dy="4" text-anchor="end">{said}</text>')
        parts.append(f'<text x="{x(tick)}" y="{_TOP + _SIDE + 20}" text-anchor="middle">{said}</text>')
    for g in groups:
        low, high = _wilson(g, dates)
        parts.append(
            f'<line class="span" x1="{x(g["foreseen"])}" y1="{y(low)}" x2="{x(g["foreseen"])}" y2="{y(high)}"/>'
        )
        parts.append(f'<circle cx="{x(g["foreseen"])}" cy="{y(g["seen"])}" r="4.5"/>')
    box = f"0 0 {_LEFT + _SIDE + 24} {_TOP + _SIDE + 30}"
    return Markup('<svg class="curve" viewBox="{}" role="img" aria-label="{}">{}</svg>').format(
        box,
        alt,
        Markup("".join(parts)),
    )


def _wilson(group: Mapping[str, float], dates: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927)."""
    n, seen, z = max(group["n"] / max(dates, 1), 1), group["seen"], 1.96
    middle = (seen + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(seen * (1 - seen) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)
