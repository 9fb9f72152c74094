"""The same signals by pandas, partition by partition: sizes by week and mark, runs by a running sum of sorted rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.feature_engines import from_counts
from benchmarks.feature_engines.signals import AS_OF, CLASS, FIRST, NEEDED, STOP, WINDOWS, YEAR

MARKS = {"unexcused": "A", "sick": "S", "leave": "L", "late": "T", "unsaid": "-"}
_LONG_AGO = 12  # the windows are whole weeks, twelve at the most


def attendance(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per learner, from rows of learner_id, day (datetime), mark, sorted by learner and day."""
    planned = rows.groupby("learner_id").size()
    position = (rows["day"] - pd.Timestamp(FIRST)).dt.days.astype("int16")
    known = position < STOP
    rows, position = rows[known].reset_index(drop=True), position[known].reset_index(drop=True)
    learner, mark = rows["learner_id"], rows["mark"].astype("category")
    weekday = (FIRST.weekday() + position) % 7
    week = ((STOP - 1 - position) // 7).clip(upper=_LONG_AGO)
    sizes = rows.groupby([learner, week.rename("week"), mark], observed=True).size().unstack("mark", fill_value=0)
    letters = ["P", "V", *MARKS.values()]
    sizes = sizes.reindex(columns=letters, fill_value=0)
    counts: dict[str, Any] = {"planned": planned.to_numpy()}

    def add(window: str, part: pd.DataFrame) -> None:
        whole = part.groupby("learner_id").sum().reindex(planned.index, fill_value=0)
        held = {kind: whole[letter].to_numpy() for kind, letter in MARKS.items()}
        opened = whole.sum(axis=1).to_numpy()
        for kind, values in (held | {"open": opened, "recorded": opened - held["unsaid"]}).items():
            counts[f"{kind}_{window}"] = values

    ago = sizes.index.get_level_values("week")
    for window, (first, stop) in WINDOWS.items():
        if window == "term":
            there = (position >= first) & (position < stop)
            part = rows[there].groupby(["learner_id", mark[there]], observed=True).size().unstack("mark", fill_value=0)
            add(window, part.reindex(columns=letters, fill_value=0))
        else:
            weeks = (ago >= (STOP - stop) // 7) & ((ago < (STOP - first) // 7) | (window == "year"))
            add(window, sizes[weeks])

    recorded = mark != "-"
    away = mark.isin(["A", "S", "L"])
    same, after = learner == learner.shift(), learner == learner.shift(-1)
    earlier, later = position.where(same).sub(position.shift()), position.shift(-1).where(after).sub(position)
    back, on = weekday.eq(0) * 2 + 1, weekday.eq(4) * 2 + 1
    holiday = ((earlier > back) & same) | ((later > on) & after)
    holiday |= (~same & (position >= back)) | (~after & (position + on < STOP))
    for name, flag in (("edge", weekday.isin([0, 4])), ("holiday", holiday)):
        for kind, of in (("recorded", recorded), ("absent", away)):
            counted = (flag & of).groupby(learner).sum()
            counts[f"{kind}_{name}"] = counted.reindex(planned.index, fill_value=0).to_numpy()

    marked = pd.DataFrame({"learner_id": learner[recorded], "away": away[recorded]})
    number = (
        (marked["away"] != marked["away"].shift()) | (marked["learner_id"] != marked["learner_id"].shift())
    ).cumsum()
    runs = marked.groupby([marked["learner_id"], number.rename("run")])["away"].agg(["first", "size"]).reset_index()
    last = runs.groupby("learner_id").tail(1).set_index("learner_id")
    current = last["size"].where(last["first"], 0)
    runs = runs[runs["first"]]
    by = runs.groupby("learner_id")["size"]
    for name, values in (
        ("longest", by.max()), ("current", current), ("runs_3", (runs["size"] >= 3).groupby(runs["learner_id"]).sum()),
        ("runs_5", (runs["size"] >= 5).groupby(runs["learner_id"]).sum()),
    ):  # fmt: skip
        counts[name] = values.reindex(planned.index, fill_value=0).to_numpy()
    return pd.DataFrame(from_counts.attendance(counts), index=planned.index)


def grades(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per learner, from result rows."""
    rows = rows[rows["known_on"] < pd.Timestamp(AS_OF)].sort_values("known_on", kind="stable")
    rows["point"] = pd.to_numeric(rows["grade"], errors="coerce").fillna(rows["percent"] / 25)
    work = ["learner_id", "academic_year", "term", "subject", "part"]
    latest = rows.drop_duplicates(work, keep="last")
    graded = rows[rows["point"].notna()].drop_duplicates(work, keep="last")
    weight = graded["credits"].replace(0, np.nan).fillna(1)
    by = graded.groupby("learner_id")
    out = pd.DataFrame(index=pd.Index(np.sort(rows["learner_id"].unique()), name="learner_id"))
    points = (weight * graded["point"]).groupby(graded["learner_id"]).sum()
    out["grade_average"] = points / weight.groupby(graded["learner_id"]).sum()
    new = graded["known_on"] == by["known_on"].transform("max")
    out["grade_latest"] = graded[new].groupby("learner_id")["point"].mean()
    out["grade_change"] = out["grade_latest"] - graded[~new].groupby("learner_id")["point"].mean()
    out["grade_spread"] = by["point"].std(ddof=0).where(by["point"].size() > 1)
    out["grade_lowest_area"] = (
        graded.groupby(["learner_id", "learning_area"])["point"].mean().groupby("learner_id").min()
    )
    still = latest[latest["grade"].isin(["0", "ร", "มส"])]
    out["open_results"] = still.groupby("learner_id").size().reindex(out.index, fill_value=0)
    out["days_open"] = (pd.Timestamp(AS_OF) - still.groupby("learner_id")["known_on"].min()).dt.days
    mine = latest[latest["academic_year"] == YEAR].groupby("learner_id").size()
    open_now = still[still["academic_year"] == YEAR].groupby("learner_id").size().reindex(mine.index, fill_value=0)
    out["open_share"], out["results_known"] = open_now / mine, mine
    return out


def context(found: pd.DataFrame) -> pd.DataFrame:
    """Beside class and school."""
    room, house = found.groupby(CLASS), found.groupby("school_id")
    found["class_absent_rate"] = room["absent_rate_28d"].transform("mean")
    found["absent_vs_class"] = found["absent_rate_28d"] - found["class_absent_rate"]
    found["class_open_share"] = room["open_share"].transform("mean")
    found["open_vs_class"] = found["open_share"] - found["class_open_share"]
    found["absent_rank_school"] = house["absent_rate_year"].rank(pct=True)
    found["grade_vs_class"] = room["grade_average"].rank(pct=True)
    found["grade_vs_school"] = house["grade_average"].rank(pct=True)
    found["grade_latest_vs_class"] = room["grade_latest"].rank(pct=True)
    return found


def _read(files: list[Path], columns: list[str]) -> pd.DataFrame:
    held = pd.concat([pd.read_parquet(file, columns=columns, partitioning=None) for file in files], ignore_index=True)
    for column in {"day", "known_on", "listed_on"} & set(columns):
        held[column] = pd.to_datetime(held[column])
    return held


def run(register: Path, task: str, out: Path) -> None:
    """Signals of the task ("all" or "attendance"): `<bucket>-learner.parquet`, and `context.parquet` of all."""
    parts = []
    for file in sorted((register / "days").iterdir()):
        found = attendance(_days(file))
        if task == "all":
            table = register / "store" / "register"
            marks = sorted((table / "result").glob(f"*/bucket={file.stem}/*.parquet"))
            found = found.join(grades(_read(marks, ["learner_id", "academic_year", "term", "subject", "part",
                               "learning_area", "credits", "percent", "grade", "known_on"])))  # fmt: skip
            lists = _read(
                sorted((table / "enrolment").glob(f"*/bucket={file.stem}/*.parquet")),
                ["learner_id", "listed_on", *CLASS],
            )
            lists = lists[lists["listed_on"] < pd.Timestamp(AS_OF)].sort_values("listed_on", kind="stable")
            found = lists.drop_duplicates("learner_id", keep="last").set_index("learner_id")[CLASS].join(found)
        numbers = {name: "float32" for name in found.columns if found[name].dtype == "float64"}
        found = found.astype(numbers).reset_index()
        found.to_parquet(out / f"{file.stem}-learner.parquet")
        if task == "all":
            parts.append(found[["learner_id", *CLASS, *NEEDED]])
    if task == "all":
        context(pd.concat(parts, ignore_index=True)).drop(columns=[*CLASS, *NEEDED]).to_parquet(out / "context.parquet")


def _days(file: Path) -> pd.DataFrame:
    held = pq.ParquetFile(file, read_dictionary=["mark"]).read()
    found: pd.DataFrame = held.to_pandas(date_as_object=False)
    return found
