"""What the page Model shows, from the card of the published model: plain functions, about nobody in particular.

The comparison of ways to choose stands in `dashboard.roster.figures`; here are the rest of the card, the catalogue and
what the run says of data that moved since the model was trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import altair as alt
from scipy.stats import binomtest

from care.since import about
from dashboard.language import N_, speak
from models import card as cards
from models import catalogue
from models.audit import TRAITS, VALUES, sentences
from raksa.settings import Settings
from raksa.store import Store
from raksa.thai import format_date

_INK, _TEXT = "#0b6b61", "#1c2b29"
_STAGES = {
    "primary": N_("Primary"),
    "lower": N_("Lower secondary"),
    "upper": N_("Upper secondary and vocational"),
}
_STATES = {"published": N_("published"), "earlier": N_("published before"), "challenger": N_("challenger")}
# Settings that decide what is foreseen and how long the lists are; the rest is where and how the page is served.
_SETTINGS = {
    "horizon": N_("Census day up to which leaving is foreseen (month-day)"),
    "panel_days": N_("Days of each past year the model learns from (month-day)"),
    "capacity_share": N_("Children a school can see to, as a share of its roll, where it has set no number"),
    "capacity_least": N_("Children any school can see to"),
    "readiness_share": N_("Share of the last four weeks that must be recorded for an estimate"),
    "seed": N_("Seed of everything drawn at random"),
}


def told_apart(card: Mapping[str, Any], language: str = "th") -> list[str]:
    """Sentences that keep two models apart: the one people see, and the one whose figures are shown."""
    say, judged, learned = speak(language), card.get("judged", {}), card.get("learned", {})
    found = []
    if judged.get("year"):
        found.append(
            say(N_("The figures are those of a model that had learned from {years} and was judged on {year}, a year it "
                   "had not seen."),
                years=_years([*judged.get("trained_on", ()), *judged.get("calibrated_on", ())]), year=judged["year"])
        )  # fmt: skip
    if learned.get("trained_on"):
        found.append(
            say(N_("The lists come from the published model, made the same way; it also knows the newest year: it "
                   "learned from {years}. How good it is, only the coming year will show."),
                years=_years([*learned["trained_on"], *learned.get("calibrated_on_years", ())]))
        )  # fmt: skip
    return found


def _years(years: Sequence[int]) -> str:
    return ", ".join(str(year) for year in sorted(set(years)))


def verdicts(card: Mapping[str, Any], language: str = "th") -> list[str]:
    """For each measure, how the model stands to the best of the other ways."""
    return [pair[("th", "en").index(language)] for _kind, *pair in cards.verdicts(card)]


@dataclass(frozen=True)
class Point:
    """A group of children with like estimates: share foreseen and share seen (0 to 1), its 95 % interval (Wilson 1927),
    and how many learners are in it, each counted once for all dates together."""

    foreseen: float
    seen: float
    low: float
    high: float
    learners: int


def calibration(card: Mapping[str, Any], language: str = "th") -> list[tuple[str, list[Point]]]:
    """For each stage of school: did as many leave as foreseen? A stage without figures is left out."""
    judged = card.get("judged", {})
    dates = max(len(judged.get("as_of", ())), 1)
    held = judged.get("by_stage", {})
    return [
        (speak(language)(_STAGES.get(stage, stage)), [_point(group, dates) for group in held[stage]["calibration"]])
        for stage in [*(s for s in _STAGES if s in held), *(s for s in held if s not in _STAGES)]
        if held[stage].get("calibration")
    ]


def _point(group: Mapping[str, float], dates: int) -> Point:
    learners = max(round(group["n"] / dates), 1)
    return Point(
        group["foreseen"], group["seen"], *_wilson(min(round(group["seen"] * learners), learners), learners), learners
    )


@lru_cache(maxsize=1024)  # half a millisecond each, and a page shows thirty
def _wilson(left: int, learners: int) -> tuple[float, float]:
    between = binomtest(left, learners).proportion_ci(0.95, method="wilson")
    return float(between.low), float(between.high)


@lru_cache(maxsize=32)  # Altair checks each chart against its whole grammar, which costs as much as the rest of a page
def calibration_chart(points: tuple[Point, ...]) -> dict[str, Any]:
    """Vega-Lite's description of a picture of `calibration`: a mark and an interval for each group, in per cent."""
    rows: list[dict[str, Any]] = [
        {"across": 100 * one.foreseen, "up": 100 * one.seen, "low": 100 * one.low, "high": 100 * one.high}
        for one in points
    ]
    top = max(max(row["across"], row["high"]) for row in rows)
    scale = alt.Scale(type="sqrt", domain=[0, top])
    axis = alt.Axis(labelColor=_TEXT, values=[0, 1, 2, 5, 10, 20, 30, 50, 75, 100])
    same = alt.Chart(alt.InlineData(values=[{"across": 0, "up": 0}, {"across": top, "up": top}]))
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=alt.X("across:Q", title=None, scale=scale, axis=axis))
    spans = base.mark_rule(color=_INK, strokeWidth=2).encode(
        y=alt.Y("low:Q", title=None, scale=scale, axis=axis), y2="high:Q"
    )
    marks = base.mark_point(shape="diamond", size=70, filled=True, color=_INK, opacity=1).encode(
        y=alt.Y("up:Q", title=None, scale=scale, axis=axis)
    )
    slanted = same.mark_line(color="#8a9a97", strokeDash=[4, 4]).encode(
        x=alt.X("across:Q", title=None, scale=scale), y=alt.Y("up:Q", title=None, scale=scale)
    )
    chart: dict[str, Any] = (slanted + spans + marks).properties(height=320).to_dict()
    return chart


@dataclass(frozen=True)
class Group:
    """An audited group: of its leavers, the share that was on the lists, with its 95 % interval; `why_not` says why
    nothing can be said of it, and then there are no figures."""

    name: str
    learners: int
    found: str = ""
    expected: str = ""
    why_not: str = ""


def groups(card: Mapping[str, Any], language: str = "th") -> list[Group]:
    """The audit, trait by trait. A group too small to speak of stands with that and without figures."""
    at = ("th", "en").index(language)
    out = []
    for row in card.get("judged", {}).get("audit", ()):
        if row.get("value") is None:
            continue
        values = " + ".join(VALUES.get(part, (part, part))[at] for part in str(row["value"]).split(" + "))
        name = f"{TRAITS.get(row['trait'], (row['trait'],) * 2)[at]}: {values}"
        if not row.get("enough"):
            why = (row.get("why_not") or ("", ""))[at]
            out.append(Group(name, row["learners"], why_not=why or speak(language)(N_("too small to speak of"))))
            continue
        between = row.get("intervals", {})
        found = f"{cards.percent(row.get('recall'))} ({cards.span(between.get('recall'), cards.percent)})"
        ratio = f"{cards.number(row.get('observed_expected'), 2)} ({_two(between.get('observed_expected'))})"
        out.append(Group(name, row["learners"], found, ratio))
    return out


def _two(edges: Any) -> str:
    return cards.span(edges, lambda edge: cards.number(edge, 2))


def audit_says(card: Mapping[str, Any], language: str = "th") -> list[str]:
    """What the audit comes to, in sentences; what differs beyond chance first."""
    return [pair[("th", "en").index(language)] for pair in sentences(card.get("judged", {}).get("audit", ()))]


def moved(store: Store, run: str, language: str = "th") -> list[str] | None:
    """What of the run's data is spread otherwise than in the years learned from; None where nothing was kept to compare
    with."""
    watched = about(store, run).get("watch")
    return None if watched is None else [pair[("th", "en").index(language)] for pair in watched["sentences"]]


@dataclass(frozen=True)
class Model:
    """One model of the catalogue, in words."""

    id: str
    state: str
    made: str
    years: str
    figures: str


def models(store: Store, language: str = "th") -> list[Model]:
    """The published model first, then the newest; figures are those each was judged with."""
    say = speak(language)
    return [
        Model(
            id=one.id,
            state=say(_STATES.get(one.state, one.state)),
            made=format_date(one.made.date(), language),
            years=_years(one.years) or "–",
            figures=_figures(one, say),
        )
        for one in catalogue.models(store)
    ]


def _figures(one: catalogue.Entry, say: Any) -> str:
    if not one.judged_on:
        return "–"
    right, found = (cards.percent(one.figures.get(name)) for name in ("precision", "recall"))
    return str(say(N_("judged on {year}: right on the lists {right}, found by the lists {found}"),
                   year=one.judged_on, right=right, found=found))  # fmt: skip


def chosen(settings: Settings, language: str = "th") -> list[tuple[str, str]]:
    """The settings that decide what is foreseen, and their values."""
    say = speak(language)
    values = ((words, getattr(settings, name)) for name, words in _SETTINGS.items())
    return [(say(words), ", ".join(value) if isinstance(value, tuple) else f"{value}") for words, value in values]


def as_page(store: Store, model: str, language: str = "th") -> str:
    """The model's card as a page of its own: no script, nothing loaded from elsewhere. Raises RaksaError if there is no
    such model."""
    return _as_page(store.home, model, language)


@lru_cache(maxsize=8)  # a model never changes
def _as_page(home: Path, model: str, language: str) -> str:
    store, folder = Store(home), files("dashboard") / "static" / "fonts"
    fonts = [
        (weight, (folder / f"noto-sans-thai-looped-{script}-{weight}-normal.woff2").read_bytes())
        for weight in (400, 600)
        for script in ("latin", "thai")
    ]
    sums = catalogue.checksums(store, model)
    return cards.html(catalogue.card_of(store, model), language, fonts=fonts, checksums=sums)
