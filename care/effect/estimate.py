"""What a comparison found: a difference with its interval, what was compared, on what assumptions, and a verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

LEVEL = 0.95
# Below these an interval rests on too little to be believed, however narrow it is.
LEAST_SCHOOLS, LEAST_LEFT = 10, 10
Verdict = Literal["less leaving", "more leaving", "cannot tell yet"]


class Said(NamedTuple):
    """One sentence in Thai and in English."""

    th: str
    en: str


@dataclass(frozen=True)
class Check:
    """One test of an assumption. `holds`: True nothing found against it, which is no proof; False something found,
    which takes the answer back; None not made, or only to read."""

    name: str
    said: Said
    holds: bool | None


@dataclass(frozen=True)
class Estimate:
    """One comparison.

    effect, low, high: share who left with, minus share without, −1 to 1, below 0 = fewer left; NaN = not measured,
    low and high may be infinite (any effect fits). without: share who left in the comparison; level: of the interval;
    n children and clusters (schools) it rests on. helped and others name the two sides. too_few: why the numbers do not
    carry an answer, None if they do. sensitivity: what would have to be so to overturn it, None where it does not
    arise.
    """

    design: str
    effect: float
    low: float
    high: float
    without: float
    n: int
    clusters: int
    helped: Said
    others: Said
    compared: Said
    assumptions: tuple[Said, ...]
    checks: tuple[Check, ...] = ()
    too_few: Said | None = None
    sensitivity: Said | None = None
    level: float = LEVEL
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """ "cannot tell yet" whenever the interval holds 0, is not known, rests on too few, or a check speaks against
        it: where an assumption does not hold, the interval is not about the help."""
        if self.too_few is not None or self.against is not None or not (self.low > 0 or self.high < 0):
            return "cannot tell yet"
        return "less leaving" if self.high < 0 else "more leaving"

    @property
    def against(self) -> Said | None:
        """The first check that found something against the assumptions; None: none did."""
        for check in self.checks:
            if check.holds is False:
                th, en = check.said
                return Said(
                    f"มีข้อค้านต่อการเปรียบเทียบนี้ ({th})", f"A check speaks against this comparison ({en.rstrip('.')})."
                )
        return None

    def says(self) -> Said:
        """The verdict in a sentence, with its interval in children of 100."""
        if self.verdict != "cannot tell yet":
            fewer = self.verdict == "less leaving"
            size, low, high = (f"{100 * each:.1f}" for each in _ascending(self.effect, self.low, self.high))
            th, en = ("น้อยกว่า", "fewer") if fewer else ("มากกว่า", "more")
            return Said(
                f"{self.helped.th} ออกกลางคัน{th} {self.others.th} {size} คนใน 100 คน "
                f"(ช่วงเชื่อมั่น {self.level:.0%}: {low} ถึง {high})",
                f"{en.capitalize()} children left among {self.helped.en} than among {self.others.en}: "
                f"{size} {en} of 100 ({self.level:.0%} interval {low} to {high}).",
            )
        why = self.too_few or self.against
        if not np.isfinite([self.low, self.high]).all():
            th, en = why or Said("ข้อมูลนี้เข้ากันได้กับผลทุกขนาด", "What is known would fit an effect of any size.")
        else:
            th, en = why or Said(
                "ข้อมูลนี้เข้ากันได้แม้กับการไม่มีความต่างเลย", "What is known would also fit no difference at all."
            )
            between = [_children(self.low), _children(self.high)]
            th += f" ช่วงเชื่อมั่น {self.level:.0%}: ตั้งแต่{between[0].th} ถึง{between[1].th} ใน 100 คน"
            en += (
                f" Between {between[0].en} and {between[1].en} of 100 left among {self.helped.en} than among "
                f"{self.others.en} ({self.level:.0%} interval)."
            )
        return Said(f"ยังบอกไม่ได้ {th}", f"Cannot tell yet. {en}")

    def as_json(self) -> dict[str, Any]:
        """Everything, for programs; what is not known is None, an endless side of an interval "-inf" or "inf"."""
        held = asdict(self) | {"verdict": self.verdict, "says": self.says()}
        return {name: _plain(value) for name, value in held.items()}


def too_few(schools: int, left: float) -> Said | None:
    """Why so many schools, and children who left, do not carry an answer; None if they do."""
    if schools < LEAST_SCHOOLS:
        return Said(
            f"เปรียบเทียบได้เพียง {schools} โรงเรียน ต้องมีอย่างน้อย {LEAST_SCHOOLS} โรงเรียน",
            f"Only {schools} of the schools could be compared; {LEAST_SCHOOLS} are the least.",
        )
    if left < LEAST_LEFT:
        return Said(
            f"เด็กที่เปรียบเทียบออกกลางคันรวม {left:.0f} คน ต้องมีอย่างน้อย {LEAST_LEFT} คนจึงจะเปรียบเทียบได้",
            f"Of the children compared {left:.0f} left; {LEAST_LEFT} are the least that can be compared.",
        )
    return None


def holds_zero(name: str, said: Said, low: float, high: float) -> Check:
    """A check that passes when 0 lies in the interval; the interval is added to its words, in children of 100."""
    known = bool(np.isfinite([low, high]).all())
    th, en = (
        (f"{100 * low:+.1f} ถึง {100 * high:+.1f} ใน 100", f"{100 * low:+.1f} to {100 * high:+.1f} of 100")
        if known
        else ("ตรวจไม่ได้ เพราะจำนวนน้อยเกินไป", "could not be checked: too few")
    )
    return Check(name, Said(f"{said.th}: {th}", f"{said.en}: {en}"), bool(low <= 0 <= high) if known else None)


def within(columns: np.ndarray, weight: np.ndarray, school: np.ndarray) -> np.ndarray:
    """Columns (rows, k) less their weighted mean in the row's school (codes 0…): every school beside itself. A
    regression on them is the one with a level for each school."""
    sums = np.stack([np.bincount(school, weight * of) for of in columns.T], axis=1)
    return np.asarray(columns - (sums / np.bincount(school, weight)[:, None])[school])


def _children(share: float) -> Said:
    size = f"{100 * abs(share):.1f}"
    return Said(f"น้อยกว่า {size} คน", f"{size} fewer") if share < 0 else Said(f"มากกว่า {size} คน", f"{size} more")


def _ascending(effect: float, low: float, high: float) -> tuple[float, float, float]:
    near, far = sorted((abs(low), abs(high)))
    return abs(effect), near, far


def _plain(value: Any) -> Any:
    if isinstance(value, Said):
        return value._asdict()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else f"{value:g}"
    return value
