"""A scored run, published: who is on each school's list on a date, and why. `raksa score`.

register → features → risk → list sized to capacity → reasons of the listed → runs/<as-of>-<id>/ → current.json

The list of a day before the one people see is kept beside it: looking back changes nobody's page.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from features.build import build
from features.cohort import known_before
from features.readiness import cannot_score
from models.catalogue import learned_from
from models.evaluate import capacity, listed
from models.panel import horizon
from models.reasons import reasons
from models.risk import Risk, load
from models.watch import drift, drift_sentences, refuse
from raksa.calendar import academic_year
from raksa.errors import RaksaError
from raksa.people import open_people
from raksa.school_settings import in_force
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import RUN
from raksa.thai import search_key

# Settings that change what a run says; those of the server, of mails and of sign-in do not.
_SHAPES_A_RUN = {
    "year_start", "terms", "school_weekdays", "horizon", "outcome", "panel_days", "census_days", "results_known_days",
    "seed", "capacity_share", "capacity_least", "readiness_share",
}  # fmt: skip


def publish(
    store: Store,
    settings: Settings,
    as_of: date,
    created_at: str,
    progress: Callable[[str], None] | None = None,
    *,
    show_earlier: bool = False,
) -> str:
    """Score everyone on a list on the date, keep the run and point readers at it; returns the run's id.

    Readers see the whole run or the one before it, never a part. A run of a day before the one they see is kept and
    not pointed at, unless `show_earlier`. Raises RaksaError without a trained model, when
    nobody is on a list on that date, or when a scoring would be nonsense (`models.watch.refuse`).
    """
    say = progress or (lambda _: None)
    folder = store.model_folder()
    risk = load(folder)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    if warning := hindsight(card, as_of, settings):
        say(warning)
    say(f"features as of {as_of}")
    rows = build(store, settings, as_of)
    if rows.empty:
        raise RaksaError(
            f"No learner is on any list known before {as_of}; the lists of before stand. Choose another date."
        )
    now = rows.assign(as_of=pd.Timestamp(as_of))
    watched = json.loads(watch.read_text(encoding="utf-8")) if (watch := folder / "watch.json").is_file() else None
    if watched is not None:
        refuse(watched, now, settings)
    say("risks, lists and reasons")
    before = run_before(store, as_of)
    own = own_capacities(settings, rows["school_id"])
    score = score_table(risk, rows, settings, own).assign(sex=sex_of(store, rows, as_of))
    score["newly_listed"] = newly_listed(score, before)
    why = reasons(risk, rows[score["listed"].to_numpy()], as_of, settings, among=rows)
    tables = {
        "score": score,
        "reason": why,
        "signal": signals(rows, before),
        "roster": roster(store, rows, as_of),
        "school": schools(store, rows, score, risk, settings, own),
    }
    snapshots = store.current().snapshots
    chosen = settings.model_dump_json(include=_SHAPES_A_RUN)
    digest = hashlib.sha256("\n".join([folder.name, chosen, *snapshots, *_said(own)]).encode()).hexdigest()[:8]
    run = f"{as_of}-{digest}"
    about = {
        "id": run,
        "as_of": as_of,
        "before": before.name if before else None,
        "horizon": horizon(as_of, settings),
        "model": folder.name,
        "created_at": created_at,
        "snapshots": snapshots,
        "counts": _counts(score) | promised(risk, rows, score, pd.Series("", index=rows.index)).loc[""].to_dict(),
        "curves": risk.curves.drawn,
        "watch": _watch(watched, now.assign(cannot_score=score["cannot_score"], risk=score["risk"])),
        "figures": card["judged"],
        "rules": card["rules"],
    }
    with store.writing():
        with store.publishing("runs", run) as target:
            _write(target / "scores.duckdb", tables)
            text = json.dumps(about, ensure_ascii=False, indent=1, default=str)
            (target / "run.json").write_text(text, encoding="utf-8")
        seen = store.current().run
        if show_earlier or not seen or not (store.home / "runs" / seen).is_dir() or seen[:10] <= run[:10]:
            store.point(run=run)
        else:
            say(f"kept as run {run}; people still see run {seen}, of a later day: --publish would show them this one")
    return run


def hindsight(card: Mapping[str, Any], as_of: date, settings: Settings) -> str | None:
    """What to know of a list whose children's outcome its model has learned from; None where it has not."""
    year = academic_year(as_of, settings)
    if year not in learned_from(card):
        return None
    return (
        f"WARNING: model {card['id']} has learned what came of academic year {year}: how well its lists of that year "
        "do is no test of it (`raksa train --judge-only` is one)"
    )


def own_capacities(settings: Settings, schools: pd.Series) -> dict[str, float]:
    """School -> how many learners it has said it can see to; without those that have set nothing (their share of the
    roll holds). A home without a people database has asked nobody yet."""
    if not settings.database_url and not (settings.home / "raksa.db").is_file():
        return {}
    people = open_people(settings)
    try:
        of = in_force(people)
        said = {school: of(school).capacity for school in sorted(schools.unique())}
    finally:
        people.dispose()
    return {school: value for school, value in said.items() if value is not None}


def _said(own: Mapping[str, float]) -> list[str]:
    return [f"{school}={value:g}" for school, value in sorted(own.items())]


def score_table(risk: Risk, rows: pd.DataFrame, settings: Settings, own: Mapping[str, float]) -> pd.DataFrame:
    """Rows of raksa.tables.SCORE, lists as long as schools can see to (`own`: what they have set themselves). Who
    cannot be scored has no risk and no rank, and the reason why."""
    why_not = cannot_score(rows, settings)
    scored = why_not.isna().to_numpy()
    chance = np.where(scored, risk.predict(rows), np.nan)
    score = rows[["learner_id", "area_id", "school_id", "grade", "room"]].assign(risk=chance, cannot_score=why_not)
    score["listed"] = listed(rows["school_id"], chance, settings, rows["learner_id"], own)
    order = score.sort_values(["risk", "learner_id"], ascending=[False, True], na_position="last")
    rank = order.groupby("school_id").cumcount() + 1
    score["rank"] = rank.sort_index().where(scored).astype("Int32")
    return score


def run_before(store: Store, as_of: date) -> Path | None:
    """Folder of the latest run published for an earlier day that holds what is compared with it; None without one."""
    for folder in sorted((store.home / "runs").glob("*-*"), reverse=True):
        if folder.name[:10] < as_of.isoformat() and (folder / "run.json").is_file():
            with duckdb.connect(str(folder / "scores.duckdb"), read_only=True) as con:
                if con.execute("select 1 from information_schema.tables where table_name = 'signal'").fetchone():
                    return folder
    return None


def _read(run: Path, query: str) -> pd.DataFrame:
    with duckdb.connect(str(run / "scores.duckdb"), read_only=True) as con:
        found: pd.DataFrame = con.execute(query).df()
    return found.set_index("learner_id")


def sex_of(store: Store, rows: pd.DataFrame, as_of: date) -> pd.Series:
    """Sex as the last list known before the date has it, (rows,); for counts, never for a feature."""
    known = known_before(store.read("learner"), as_of, "known_on").to_pandas().sort_values("known_on")
    return rows["learner_id"].map(known.groupby("learner_id")["sex"].last())


def newly_listed(score: pd.DataFrame, before: Path | None) -> pd.Series:
    """Whether each is listed now and was not by the run of before, (rows,) boolean; missing where there was none."""
    if before is None:
        return pd.Series(pd.NA, index=score.index, dtype="boolean")
    was = _read(before, "select learner_id from score where listed").index
    return (score["listed"] & ~score["learner_id"].isin(was)).astype("boolean")


# Column of raksa.tables.SIGNAL -> the feature it is taken from.
_SIGNALS = {
    "away_in_row": "current_absence",
    "away_28d": "absent_days_28d",
    "absent_28d": "unexcused_days_28d",
    "recorded_28d": "recorded_days_28d",
    "recorded_share_28d": "recorded_share_28d",
    "days_to_line": "days_to_line",
    "open_results": "open_results",
}


def signals(rows: pd.DataFrame, before: Path | None) -> pd.DataFrame:
    """Rows of raksa.tables.SIGNAL."""
    out = rows[["learner_id"]].assign(**{name: rows[feature] for name, feature in _SIGNALS.items()})
    out["attended_share"] = 1 - rows["absent_rate_year"]
    out["last_mark_on"] = rows["last_mark"].dt.date
    then = ["away_in_row", "absent_28d", "attended_share"]
    was = (
        pd.DataFrame(columns=then)
        if before is None
        else _read(before, f"select learner_id, {', '.join(then)} from signal")
    )
    out = out.join(was.add_suffix("_before"), on="learner_id")
    for column in RUN["signal"].columns:
        if column.type == pa.int16():
            out[column.name] = out[column.name].astype("float64").round().astype("Int16")
    return out[list(RUN["signal"].schema.names)]


def roster(store: Store, rows: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Rows of raksa.tables.ROSTER: the latest name, number and contact known before the date, each from the last list
    that says it."""
    names = known_before(store.read("identity"), as_of, "known_on").to_pandas().sort_values("known_on")
    names = names.groupby("learner_id").last()
    lists = known_before(store.read("enrolment"), as_of, "listed_on").to_pandas().sort_values("listed_on")
    place = lists.drop_duplicates("learner_id", keep="last").set_index("learner_id")[["student_number", "roll_number"]]
    mine = rows[["learner_id", "area_id", "school_id"]]
    out: pd.DataFrame = mine.join(names, on="learner_id").join(place, on="learner_id")
    written = out["prefix"].fillna("") + out["first_name"].fillna("") + out["last_name"].fillna("")
    out["name_key"] = written.map(search_key)
    out["roll_number"] = out["roll_number"].astype("Int16")
    return out[list(RUN["roster"].schema.names)]


def promised(risk: Risk, rows: pd.DataFrame, score: pd.DataFrame, lists: pd.Series) -> pd.DataFrame:
    """One row for each of `lists` (rows,): how many of its listed and of its scored who are not listed would leave, as
    90 % intervals: on_list_low, on_list_high, off_list_low, off_list_high (int32, 0 where there is nobody)."""
    out = pd.DataFrame(index=pd.Index(sorted(lists.unique())))
    known = score["risk"].notna()
    for name, at in (("on_list", score["listed"] & known), ("off_list", ~score["listed"] & known)):
        found = risk.hits(rows[at], score.loc[at, "risk"].to_numpy(), lists[at].to_numpy())
        for end in ("low", "high"):
            out[f"{name}_{end}"] = found[end].reindex(out.index, fill_value=0).astype("int32")
    return out


def schools(
    store: Store, rows: pd.DataFrame, score: pd.DataFrame, risk: Risk, settings: Settings, own: Mapping[str, float]
) -> pd.DataFrame:
    """Rows of raksa.tables.RUN_SCHOOL: what each school's list promises and what it will miss."""
    known = store.read("school").to_pandas()[["school_id", "name", "area_id", "area_name", "latitude", "longitude"]]
    on, off = score["risk"].where(score["listed"]), score["risk"].where(~score["listed"])
    by = score.assign(on=on, off=off, last_mark=rows["last_mark"], missing=score["risk"].isna()).groupby("school_id")
    out = by.agg(
        learners=("learner_id", "size"),
        not_scored=("missing", "sum"),
        listed=("listed", "sum"),
        expected_on_list=("on", "sum"),
        expected_off_list=("off", "sum"),
        last_mark_on=("last_mark", "max"),
    ).reset_index()
    out["capacity"] = capacity(out["learners"].to_numpy(), settings, out["school_id"].map(own).to_numpy(dtype=float))
    out["last_mark_on"] = out["last_mark_on"].dt.date
    spread = pd.Series(risk.levels.spread(rows["main_school_id"]), index=rows.index)
    out["spread"] = out["school_id"].map(spread.groupby(rows["school_id"]).first())
    out = out.join(promised(risk, rows, score, rows["school_id"]), on="school_id")
    found: pd.DataFrame = known.merge(out, on="school_id")
    return found[list(RUN["school"].schema.names)]


def _watch(watched: dict[str, Any] | None, rows: pd.DataFrame) -> dict[str, Any] | None:
    """What is spread otherwise than in the years learned from (`models.watch.drift`), and the same in words (th, en);
    None for a model that kept nothing to compare with."""
    if watched is None:
        return None
    found = drift(watched, rows)
    return {"moved": [asdict(one) for one in found if one.moved], "sentences": drift_sentences(found)}


def _counts(score: pd.DataFrame) -> dict[str, Any]:
    return {
        "learners": len(score),
        "scored": int(score["risk"].notna().sum()),
        "listed": int(score["listed"].sum()),
        "schools": int(score["school_id"].nunique()),
        "expected_on_list": float(score["risk"].where(score["listed"]).sum()),
        "expected_off_list": float(score["risk"].where(~score["listed"]).sum()),
        "not_scored": {str(k): int(n) for k, n in score["cannot_score"].value_counts().items()},
    }


def _write(file: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Tables of a run into one DuckDB file, laid out by area and school, as they are read."""
    with duckdb.connect(str(file)) as con:
        for name, frame in tables.items():
            spec = RUN[name]
            arrow = pa.Table.from_pandas(frame[spec.schema.names], schema=spec.schema, preserve_index=False)
            con.register("incoming", arrow)
            by = [c for c in ("area_id", "school_id", "rank", "learner_id", "position") if c in spec.schema.names]
            con.execute(f"create table {name} as from incoming order by {', '.join(by)}")
            con.unregister("incoming")
