"""The panel a model learns from: learner × as-of date over past years, features before the date, outcome after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pandas as pd

from features.build import build_many
from models.outcome import asked, attended_until, outcome
from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store


@dataclass(frozen=True)
class AsOf:
    """One slice of the panel: what was known before `as_of`, what became of the learners up to `by`."""

    as_of: date
    by: date


def closed_years(store: Store, settings: Settings) -> list[int]:
    """Academic years whose outcome is known, ascending: their lists are there, and so is the census after them."""
    years = store.years("enrolment")
    lists = store.read("enrolment", columns=["listed_on"])["listed_on"].to_pandas()
    newest = max(lists) if len(lists) else date.min
    return [y for y in years if horizon(calendar.first_day(y, settings), settings, y) <= newest]


def horizon(as_of: date, settings: Settings, academic_year: int | None = None) -> date:
    """The census day up to which leaving counts: the first one of its kind after the as-of date's academic year began
    anew. For 2 September 2024 and 06-10 that is 10 June 2025; for 1 June 2024 too, and not nine days later."""
    year = academic_year if academic_year is not None else calendar.academic_year(as_of, settings)
    return calendar.next_census(calendar.first_day(year + 1, settings), settings, settings.horizon)


def slices(years: list[int], settings: Settings) -> list[AsOf]:
    """As-of dates of the given academic years, as the settings name their days."""
    found = []
    for year in years:
        start = calendar.first_day(year, settings)
        for month_day in settings.panel_days:
            month, day = map(int, month_day.split("-"))
            as_of = date(start.year, month, day)
            as_of = as_of if as_of >= start else date(start.year + 1, month, day)
            found.append(AsOf(as_of, horizon(as_of, settings)))
    return found


def panel(
    store: Store, settings: Settings, asofs: list[AsOf], progress: Callable[[str], None] | None = None
) -> pd.DataFrame:
    """One row per learner and as-of date: the features, the place, as_of, academic_year, left, kind, left_on, evidence,
    and attended_on, the last day a learner who left was marked present after the date.

    Children on the books but not in class had left before the date and are not in the panel. Rows whose outcome is
    unknown are kept (left is NaN) so that they can be counted; nobody learns from them.
    """
    parts = []
    if progress:
        progress(f"features as of {len(asofs)} dates")
    found = build_many(store, settings, [each.as_of for each in asofs])
    for each in asofs:
        if progress:
            progress(f"outcome {each.as_of} → {each.by}")
        rows = found.pop(each.as_of)
        rows = rows[~rows["floating"]].reset_index(drop=True)
        became = outcome(store, settings, rows, each.as_of, each.by)
        gone = became.loc[became["left"] == 1, "learner_id"]
        until = attended_until(store, settings, gone, each.as_of, each.by)
        became["attended_on"] = until.reindex(became.pop("learner_id")).to_numpy()
        became["left"] = asked(became, settings.outcome)
        parts.append(pd.concat([rows.assign(as_of=pd.Timestamp(each.as_of)), became], axis=1))
    return pd.concat(parts, ignore_index=True)
