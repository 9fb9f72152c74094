"""The Open University Learning Analytics Dataset through Raksa's own register, features, outcome and risk code.

    python -m benchmarks.oulad [--quick] [--json FILE]

The data (CC BY 4.0; Kuzilek, Hlosta, Zdrahal 2017) is exported to flat files such as a student information system
would give, and those are read by `register.ingest` through the mappings in benchmarks/mappings/: nothing goes round the
house.

    presentation (2013B …)   → term of an academic year, beginning on 1 February or 1 October
    module                   → school; its branch in a region is the school a student sits in
    region                   → service area
    student in a module      → learner (one enrolment each; a student of two modules is two)
    activity of a day        → attendance mark, where the data set's slice has it; elsewhere there is none, and says so
    assessment               → a piece of work: ร from the day after it was due, handed in, marked 14 days after that
    deprivation band         → poverty class and wealth percentile
    day of leaving           → exit

Cohort: registered and not withdrawn by day t, in which everything is known before day t + 1. A model for each t learns
from the presentations of 2013 and is judged on those of 2014.

Fail or withdrawn (the question others publish on): learned from 2013B, 2013J and 2014B, judged on 2014J, day 56. Asked
of everyone, as they ask it, it counts learners who had already withdrawn: a register that hears of leaving only after
the day stands for that, in which they have stopped handing in. Asked of those still registered it is harder.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from features.build import build
from features.registry import MODEL_FEATURES
from models.evaluate import METRICS, at_top, figures, intervals
from models.outcome import outcome
from models.pooling import Levels
from models.risk import fit
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store
from register.ingest import ingest
from register.report import report_tables

DAYS = (30, 60, 90, 120)
# The data set gives days from the start of a presentation, and its months: B begins in February, J in October.
STARTS = {"2013B": date(2013, 2, 1), "2013J": date(2013, 10, 1), "2014B": date(2014, 2, 1), "2014J": date(2014, 10, 1)}
TRAIN, TEST = ("2013B", "2013J"), ("2014B", "2014J")
SCHOOLS_DAY = 60  # the day whose figures are also shown by module and region
PUBLIC_DAY, PUBLIC_TRAIN, PUBLIC_TEST = 56, ("2013B", "2013J", "2014B"), ("2014J",)
# What a plain first attempt on these tables reached for "withdraws after day t", without activity.
PLAIN = {
    30: {"auc": 0.671, "ap": 0.325, "ece": 0.033},
    60: {"auc": 0.684, "ap": 0.291, "ece": 0.021},
    90: {"auc": 0.706, "ap": 0.256, "ece": 0.015},
    120: {"auc": 0.727, "ap": 0.227, "ece": 0.007},
}
# Public models of fail or withdrawn at week 8, trained to 2014B and judged on 2014J; then a plain first attempt's.
PUBLIC = {
    "fail_or_withdrawn_everyone": "0.800–0.808 published, 0.856 plain",
    "fail_or_withdrawn_still_registered": "0.773 plain",
}
# Plain rules as scores, highest first: the best is chosen on 2013, by recall of its top 10 %.
RULES: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "work missing or a mark below 40": lambda r: ((r["open_results"] > 0) | (r["grade_latest"] < 1.6)).astype(float),
    "pieces of work missing": lambda r: r["open_results"].fillna(0),
    "share of work missing": lambda r: r["open_share"].fillna(0),
    "lowest latest mark": lambda r: -r["grade_latest"].fillna(4),
    "most missing, then lowest mark": lambda r: r["open_results"].fillna(0) * 5 - r["grade_average"].fillna(4),
    "begun before, then most credits": lambda r: r["attempts_before"].fillna(0) * 1000 + r["credits"].fillna(0),
}
_MAPPINGS = Path(__file__).with_name("mappings")

_BASE = """
create table enrolment as
select i.*, r.date_registration::int as registered, r.date_unregistration::int as unregistered,
    c.module_presentation_length::int as length,
    make_date(left(code_presentation, 4)::int, if(right(code_presentation, 1) = 'B', 2, 10), 1) as start,
    code_module || ' ' || region as school
from studentInfo i
join studentRegistration r using (code_module, code_presentation, id_student)
join courses c using (code_module, code_presentation)
where r.date_registration is not null
"""
_STUDENT = "id_student, code_module, code_presentation, school"
# One flat file each, in the shape a student information system would export.
EXPORTS = {
    "schools": "select distinct school, code_module as main_school, region, code_module || ' in ' || region as name "
    "from enrolment order by all",
    "enrolments": f"""select {_STUDENT}, year(start) + 543 - (month(start) < 8)::int as academic_year,
        if(month(start) = 2, 2, 1) as term, start + registered as registered_on, start as starts_on, gender,
        num_of_prev_attempts, highest_education, studied_credits from enrolment order by all""",
    "deprivation": f"""select {_STUDENT}, start + registered as registered_on, imd_band,
        regexp_extract(imd_band, '^(\\d+)', 1)::int + 5 as percentile
        from enrolment where imd_band is not null order by all""",
    "exits": f"""select {_STUDENT}, case when unregistered is not null then start + unregistered
            when final_result <> 'Withdrawn' then start + length end as left_on,
        if(unregistered is not null, 'Withdrawn', final_result) as result from enrolment order by all""",
    "work": f"""with piece as (
            select {_STUDENT}, start, year(start) + 543 - (month(start) < 8)::int as academic_year,
                if(month(start) = 2, 2, 1) as term, id_assessment, assessment_type, a.weight, a.date::int as due,
                s.date_submitted::int as came, s.score
            from enrolment join assessments a using (code_module, code_presentation)
            left join studentAssessment s using (id_assessment, id_student)
            where a.assessment_type <> 'Exam' and a.date is not null)
        select * exclude (start, due, came, score), start + due + 1 as known_on, 'not handed in' as state,
            null as score, null as days_late from piece where came is null or came > due
        union all select * exclude (start, due, came, score), start + came + 1, 'handed in', null, came - due
            from piece where came is not null
        union all select * exclude (start, due, came, score), start + came + 14, 'marked', score, came - due
            from piece where came is not null and score is not null order by all""",
    # A row per learner and day of every presentation the slice covers, whether or not she was active.
    "activity": f"""with covered as (
            select code_module, code_presentation, unnest(days) as day
            from (select code_module, code_presentation, range(0, max(date)::int + 1) as days
                  from studentVle_daily_slice group by code_module, code_presentation))
        select {_STUDENT}, start + day::int as day, if(v.id_student is null, 'none', 'active') as state
        from enrolment join covered using (code_module, code_presentation)
        left join (select id_student, code_module, code_presentation, date::int as day from studentVle_daily_slice) v
            using (id_student, code_module, code_presentation, day) order by all""",
}
# What a register would hold that hears of leaving only after day 56, and in which failing is leaving too.
TOLD_LATE = EXPORTS | {
    "exits": f"""select {_STUDENT}, start + greatest(coalesce(unregistered, length), {PUBLIC_DAY + 1}) as left_on,
        if(unregistered is not null or final_result in ('Withdrawn', 'Fail'), 'Withdrawn', final_result) as result
        from enrolment order by all"""
}
# The year of the Open University's calendar that no cohort's first 120 days cross.
SETTINGS: dict[str, Any] = {
    "year_start": "08-01",
    "terms": ({"number": 1, "first_day": "08-01", "last_day": "07-31"},),
    "school_weekdays": (0, 1, 2, 3, 4, 5, 6),
    "buckets": 4,
}


@dataclass(frozen=True)
class Slice:
    """The panel of one day t: features before day t + 1 of every presentation, with both outcomes."""

    day: int
    rows: pd.DataFrame


def data_folder() -> Path:
    """Where the tables are. Raises RaksaError saying how to name another place."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("RAKSA_REAL_DATA", beside)) / "oulad"
    if not (folder / "studentInfo.parquet").is_file():
        raise RaksaError(f"No OULAD tables in {folder}. Set RAKSA_REAL_DATA to the folder that holds oulad/.")
    return folder


def export(data: Path, folder: Path, exports: Mapping[str, str]) -> list[tuple[Path, Path]]:
    """Write the flat files; pairs of file and the mapping that reads it, in the order of import."""
    with duckdb.connect() as con:
        for table in ("courses", "assessments", "studentInfo", "studentRegistration", "studentAssessment",
                      "studentVle_daily_slice"):  # fmt: skip
            con.execute(f"create view {table} as from '{data / table}.parquet'")
        con.execute(_BASE)
        for name, query in exports.items():
            con.execute(f"copy ({query}) to '{folder / name}.csv' (header, nullstr '')")
    return [(folder / f"{name}.csv", _MAPPINGS / f"oulad_{name}.toml") for name in exports]


def register(data: Path, home: Path, exports: Mapping[str, str] = EXPORTS) -> tuple[Store, Settings]:
    """A register of the data set, read through the mappings."""
    settings = Settings(home=home, **SETTINGS)
    store = Store.create(home, settings.buckets, id_key="oulad")
    flat = home / "flat"
    flat.mkdir()
    for file, mapping in export(data, flat, exports):
        report = ingest(store, settings, [file], mapping=mapping, now=datetime(2026, 1, 1, tzinfo=UTC))
        row = report_tables(report.files)[0]
        counted = f"{row['rows']:>9,} rows  {row['kept']:>9,} kept  {row['refused']:>4} refused"
        print(f"  {file.name:16} {counted}  {row['reasons']}")
        if report.snapshot is None:
            raise RaksaError(f"{file.name} was not read: {report.files[0].refused_whole}")
    return store, settings


def slice_at(store: Store, settings: Settings, day: int) -> Slice:
    """Everyone registered and not withdrawn by the day, of each presentation, with features and outcomes."""
    parts = []
    for presentation, start in STARTS.items():
        as_of = start + timedelta(days=day + 1)
        rows = build(store, settings, as_of)
        rows = rows[rows["started_on"] == pd.Timestamp(start)].reset_index(drop=True)
        # A presentation lasts at most 269 days; withdrawals are recorded up to 444 days after its start.
        later = outcome(store, settings, rows, as_of, start + timedelta(days=500))["left"]
        soon = outcome(store, settings, rows, as_of, start + timedelta(days=day + 30))["left"]
        parts.append(rows.assign(presentation=presentation, withdraws_later=later, withdraws_within_30=soon))
    return Slice(day, pd.concat(parts, ignore_index=True))


def judge(rows: pd.DataFrame, repeats: int, learn: Sequence[str] = TRAIN, test: Sequence[str] = TEST) -> dict[str, Any]:
    """Learn from the presentations `learn`, judge on `test`: figures with bootstrap intervals over learners, a plain
    rule beside them. `rows` carry `left`, NaN where not known."""
    train = rows[rows["presentation"].isin(learn)]
    held = rows[rows["presentation"].isin(test) & rows["left"].notna()]
    left, chance = held["left"].to_numpy(), fit(train, MODEL_FEATURES).predict(held)
    size = int(len(held) * 0.10)
    best = best_rule(rows[rows["presentation"].isin(TRAIN) & rows["left"].notna()])
    return {
        **figures(left, chance),
        "intervals": intervals(left, chance, held["learner_id"].to_numpy(), repeats=repeats),
        "rule": {"name": best, "size": size, "recall": at_top(left, RULES[best](held).to_numpy(), size)[1]},
        "foreseen_over_seen": float(chance.sum() / left.sum()),
        "with_activity": {
            "train": float(train["absent_rate_year"].notna().mean()),
            "test": float(held["absent_rate_year"].notna().mean()),
        },
        "censored": int(rows["left"].isna().sum()),
    }


def best_rule(rows: pd.DataFrame) -> str:
    """Which of RULES finds most of those who left with a list of 10 %."""
    left, size = rows["left"].to_numpy(), int(len(rows) * 0.10)
    return max(RULES, key=lambda name: at_top(left, RULES[name](rows).to_numpy(), size)[1])


def observed_over_expected(
    rows: pd.DataFrame, learn: Sequence[str] = TRAIN, test: Sequence[str] = TEST
) -> pd.DataFrame:
    """A row for each module and each region: learners, left, and observed over expected three ways.

    `none`: a model to which all schools are one; `rates`: the schools' drawn rates as a feature; `levels`: the shift of
    the calibrated log-odds too, as the product has it.
    """
    train = rows[rows["presentation"].isin(learn)]
    held = rows[rows["presentation"].isin(test) & rows["left"].notna()]
    risk = fit(train, MODEL_FEATURES)
    ways = {
        "none": fit(train.assign(main_school_id="all"), MODEL_FEATURES).predict(held.assign(main_school_id="all")),
        "rates": replace(risk, levels=Levels()).predict(held),
        "levels": risk.predict(held),
    }
    found = []
    for kind in ("main_school_id", "area_id"):
        by = held.assign(learners=1, **ways).groupby(kind)[["learners", "left", *ways]].sum()
        found.append(by.assign(**{way: by["left"] / by[way] for way in ways}).rename_axis("where").reset_index())
    return pd.concat(found, ignore_index=True)


def split_at_random(rows: pd.DataFrame) -> float:
    """AUC when a random half of the learners of all years judges what the other half taught: an easier question."""
    known = rows[rows["left"].notna()].sort_values("learner_id")
    half = np.random.default_rng(0).permutation(len(known)) < len(known) // 2
    held = known[~half]
    return figures(held["left"].to_numpy(), fit(known[half], MODEL_FEATURES).predict(held))["auc"]


def public(home: Path, still: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of "fail or withdrawn" on day 56, of everyone and of those still registered (`still`, that day's rows),
    with their outcome as `left`."""
    everyone = slice_at(*register(data_folder(), home, TOLD_LATE), PUBLIC_DAY).rows
    everyone = everyone.assign(left=everyone["withdraws_later"])
    became = everyone.set_index("learner_id")["left"]
    return {
        "fail_or_withdrawn_everyone": everyone,
        "fail_or_withdrawn_still_registered": still.assign(left=still["learner_id"].map(became)),
    }


def show(results: Mapping[str, Mapping[str, Any]]) -> None:
    """The tables a person reads."""
    for question, by_day in results.items():
        table = Table(title=question.replace("_", " "), title_justify="left", box=None)
        for heading in ("day", "n", "base", *METRICS, "rule at 10 %: recall", "random − next year", "activity"):
            table.add_column(heading, justify="right")
        for day, f in by_day.items():
            cells = [f"{f[m]:.3f} ({f['intervals'][m][0]:.3f}–{f['intervals'][m][1]:.3f})" for m in METRICS]
            plain = PLAIN.get(int(day), {}) if question == "withdraws_later" else {}
            gap = f"{f['random_split'] - f['auc']:+.3f}" if "random_split" in f else ""
            table.add_row(
                day, f"{f['n']:,}", f"{f['base']:.3f}", *cells, f"{f['rule']['name']}: {f['rule']['recall']:.3f}", gap,
                f"{f['with_activity']['train']:.0%} / {f['with_activity']['test']:.0%}",
            )  # fmt: skip
            if plain:
                table.add_row("", "", "plain", *(f"{plain[m]:.3f}" if m in plain else "" for m in METRICS), style="dim")
        Console(width=220).print(table)
        if question in PUBLIC:
            print(f"AUC elsewhere: {PUBLIC[question]}")


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--quick", action="store_true", help="day 30 only, few bootstrap repeats")
    options.add_argument("--json", type=Path, help="write the figures to this file")
    chosen = options.parse_args()
    days, repeats = ((30,), 20) if chosen.quick else (DAYS, 200)
    started = time.perf_counter()
    print(
        "Raksa on OULAD · " + " · ".join(f"{p} {version(p)}" for p in ("lightgbm", "scikit-learn", "pandas", "duckdb"))
    )
    results: dict[str, dict[str, Any]] = {"withdraws_later": {}, "withdraws_within_30": {}}
    schools: dict[str, pd.DataFrame] = {}
    with tempfile.TemporaryDirectory() as folder:
        store, settings = register(data_folder(), Path(folder))
        print(f"register: {time.perf_counter() - started:.1f} s")
        for day in days:
            rows = slice_at(store, settings, day).rows
            for question in results:
                results[question][str(day)] = judge(rows.assign(left=rows[question]), repeats)
            asked = rows.assign(left=rows["withdraws_later"])
            results["withdraws_later"][str(day)]["random_split"] = split_at_random(asked)
            if day == SCHOOLS_DAY:
                schools[f"withdraws later, day {day}"] = observed_over_expected(asked)
        late = Path(folder) / "told late"
        for question, rows in public(late, slice_at(store, settings, PUBLIC_DAY).rows).items():
            results[question] = {str(PUBLIC_DAY): judge(rows, repeats, PUBLIC_TRAIN, PUBLIC_TEST)}
            schools[f"{question.replace('_', ' ')}, day {PUBLIC_DAY}"] = observed_over_expected(
                rows, PUBLIC_TRAIN, PUBLIC_TEST
            )
    show(results)
    for title, by in schools.items():
        print(f"observed over expected: {title}\n{by.round(2).to_string(index=False)}\n")
    print("Withdraws: learned from 2013B and 2013J, judged on 2014B and 2014J, still registered on the day.")
    print("Intervals: 95 %, bootstrap over learners. Random: AUC on a random half of all, learned from the other half.")
    print("Activity exists for AAA 2013J and 2014J, BBB 2013B and 2013J only; elsewhere it is missing, not zero.")
    print(f"whole run: {time.perf_counter() - started:.1f} s")
    if chosen.json:
        keys = ("n", "base", "auc", "ap", "p10", "r10", "brier", "ece")
        plain = {q: {d: {k: _plain(f[k]) for k in keys} for d, f in by.items()} for q, by in results.items()}
        chosen.json.write_text(json.dumps(plain, indent=1), encoding="utf-8")


def _plain(value: float) -> float | int | None:
    return None if np.isnan(value) else value


if __name__ == "__main__":
    try:
        main()
    except RaksaError as wrong:
        raise SystemExit(f"benchmarks.oulad: {wrong}") from None
