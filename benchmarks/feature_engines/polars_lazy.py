"""The same signals by Polars, partition by partition on its streaming engine. The counting is Polars' own."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.feature_engines import from_counts
from benchmarks.feature_engines.signals import AS_OF, CLASS, FIRST, NEEDED, STOP, WINDOWS, YEAR

_KINDS = {"unexcused": "A", "sick": "S", "leave": "L", "late": "T", "unsaid": "-"}
_LONG_AGO = 12


def attendance(pl: Any, file: Path) -> Any:
    """A row per learner, from rows sorted by learner and day."""
    away = pl.col("mark").is_in(["A", "S", "L"])
    whole = pl.scan_parquet(file).with_columns(
        position=(pl.col("day") - FIRST).dt.total_days().cast(pl.Int16), mark=pl.col("mark").cast(pl.String)
    )
    planned = whole.group_by("learner_id").agg(planned=pl.len())
    rows = whole.filter(pl.col("position") < STOP).with_columns(
        away=away, recorded=pl.col("mark") != "-", weekday=(FIRST.weekday() + pl.col("position")) % 7,
        week=((STOP - 1 - pl.col("position")) // 7).clip(upper_bound=_LONG_AGO),
    )  # fmt: skip
    same, after = (pl.col("learner_id") == pl.col("learner_id").shift(by) for by in (1, -1))
    position = pl.col("position")
    earlier = pl.when(same.fill_null(False)).then(position.shift(1)).otherwise(-1)
    later = pl.when(after.fill_null(False)).then(position.shift(-1)).otherwise(STOP)
    back, on = (pl.when(pl.col("weekday") == day).then(3).otherwise(1) for day in (0, 4))
    rows = rows.with_columns(holiday=(position - earlier > back) & (position - back >= 0) | (later - position > on))
    edge, term = pl.col("weekday").is_in([0, 4]), position.is_between(*WINDOWS["term"], closed="left")
    flags = {"edge": edge, "holiday": pl.col("holiday")}
    weekly = rows.group_by("learner_id", "week").agg(
        **{kind: (pl.col("mark") == letter).sum().cast(pl.Int32) for kind, letter in _KINDS.items()},
        open=pl.len().cast(pl.Int32),
        **{f"{kind}_term": ((pl.col("mark") == letter) & term).sum() for kind, letter in _KINDS.items()},
        open_term=term.sum(),
        **{f"recorded_{name}": (flag & pl.col("recorded")).sum() for name, flag in flags.items()},
        **{f"absent_{name}": (flag & pl.col("away")).sum() for name, flag in flags.items()},
    )  # fmt: skip
    sums = []
    for window, (first, stop) in WINDOWS.items():
        least, most = (STOP - stop) // 7, (STOP - first) // 7 if window != "year" else _LONG_AGO + 1
        there = pl.col("week").is_between(least, most, closed="left")
        for kind in (*_KINDS, "open"):
            sums.append(
                (pl.col(f"{kind}_term").sum() if window == "term" else pl.col(kind).filter(there).sum()).alias(
                    f"{kind}_{window}"
                )
            )
    sums += [pl.col(f"{kind}_{name}").sum() for kind in ("recorded", "absent") for name in ("edge", "holiday")]
    marked = rows.filter("recorded").select("learner_id", "away", run=(~pl.col("away")).cum_sum())
    runs = marked.filter("away").group_by("learner_id", "run").agg(days=pl.len())
    runs = runs.join(marked.group_by("learner_id").agg(last=pl.col("run").max()), on="learner_id")
    days = pl.col("days")
    lengths = runs.group_by("learner_id").agg(
        longest=days.max(), runs_3=(days >= 3).sum(), runs_5=(days >= 5).sum(),
        current=days.filter(pl.col("run") == pl.col("last")).sum(),
    )  # fmt: skip
    counted, lengths, planned = pl.collect_all(
        [weekly.group_by("learner_id").agg(sums), lengths, planned], engine="streaming"
    )
    held = planned.join(counted, on="learner_id", how="left").join(lengths, on="learner_id", how="left")
    counts = {name: held[name].fill_null(0).to_numpy() for name in held.columns if name != "learner_id"}
    counts = {name: values.astype(np.int64) for name, values in counts.items()}
    for window in WINDOWS:
        counts[f"recorded_{window}"] = counts[f"open_{window}"] - counts[f"unsaid_{window}"]
    return pl.DataFrame({"learner_id": held["learner_id"], **from_counts.attendance(counts)}).fill_nan(None)


def grades(pl: Any, files: str) -> Any:
    """A row per learner, from result rows."""
    work, known = ["learner_id", "academic_year", "term", "subject", "part"], pl.col("known_on")
    stated = (
        pl.when(pl.col("grade").is_in(["ร", "มส", "ผ", "มผ"])).then(None).otherwise(pl.col("grade")).cast(pl.Float64)
    )
    rows = pl.scan_parquet(files, hive_partitioning=False).filter(known < AS_OF)
    rows = rows.with_columns(point=stated.fill_null(pl.col("percent").cast(pl.Float64) / 25)).select(
        *work, "learning_area", "credits", "grade", "known_on", "point"
    )
    done = (
        rows.filter(pl.col("point").is_not_null())
        .group_by(work)
        .agg(known.max(), *(pl.col(name).max_by("known_on") for name in ("point", "learning_area", "credits")))
    )
    point, new = pl.col("point"), known == known.max()
    weight = pl.when(pl.col("credits") == 0).then(None).otherwise(pl.col("credits")).fill_null(1).cast(pl.Float64)
    graded = done.group_by("learner_id").agg(
        grade_average=(weight * point).sum() / weight.sum(), grade_latest=point.filter(new).mean(),
        grade_earlier=point.filter(~new).mean(), grade_spread=point.std(ddof=0), graded=pl.len(),
    )  # fmt: skip
    still, mine = pl.col("grade").is_in(["0", "ร", "มส"]), pl.col("academic_year") == YEAR
    latest = rows.group_by(work).agg(known.max(), pl.col("grade").max_by("known_on"))
    whole = latest.group_by("learner_id").agg(
        open_results=still.sum(), opened=known.filter(still).min(), results_known=mine.sum(),
        open_share=still.filter(mine).mean(),
    )  # fmt: skip
    lowest = (
        done.filter(pl.col("learning_area").is_not_null()).group_by("learner_id", "learning_area").agg(point.mean())
    )
    lowest = lowest.group_by("learner_id").agg(grade_lowest_area=pl.col("point").min())
    found = (
        whole.join(graded, on="learner_id", how="left")
        .join(lowest, on="learner_id", how="left")
        .with_columns(
            grade_change=pl.col("grade_latest") - pl.col("grade_earlier"),
            days_open=(pl.lit(AS_OF) - pl.col("opened")).dt.total_days(),
            grade_spread=pl.when(pl.col("graded") > 1).then(pl.col("grade_spread")),
        )
    )
    return found.drop("grade_earlier", "graded", "opened").collect(engine="streaming")


def run(register: Path, task: str, out: Path) -> None:
    """Signals of the task ("all" or "attendance"): `<bucket>-learner.parquet`, and `context.parquet` of all."""
    pl = importlib.import_module("polars")
    parts = []
    for file in sorted((register / "days").iterdir()):
        found = attendance(pl, file)
        if task == "all":
            table = register / "store" / "register"
            lists = pl.scan_parquet(f"{table}/enrolment/*/bucket={file.stem}/*.parquet", hive_partitioning=False)
            lists = (
                lists.filter(pl.col("listed_on") < AS_OF)
                .group_by("learner_id")
                .agg(pl.col(CLASS).sort_by("listed_on").last())
            )
            results = grades(pl, f"{table}/result/*/bucket={file.stem}/*.parquet")
            found = (
                lists.collect(engine="streaming")
                .join(found, on="learner_id")
                .join(results, on="learner_id", how="left")
            )
        found = found.with_columns(pl.col(pl.Float64).cast(pl.Float32))
        found.write_parquet(out / f"{file.stem}-learner.parquet")
        if task == "all":
            parts.append(found.select("learner_id", *CLASS, *NEEDED))
    if task == "all":
        away, still = pl.col("absent_rate_28d"), pl.col("open_share")

        def standing(column: str, by: list[str]) -> Any:
            return pl.col(column).rank().over(by) / pl.col(column).count().over(by)

        whole = pl.concat(parts).with_columns(
            class_absent_rate=away.mean().over(CLASS),
            class_open_share=still.mean().over(CLASS),
            absent_rank_school=standing("absent_rate_year", ["school_id"]),
            grade_vs_class=standing("grade_average", CLASS),
            grade_vs_school=standing("grade_average", ["school_id"]),
            grade_latest_vs_class=standing("grade_latest", CLASS),
        )
        whole = whole.with_columns(
            absent_vs_class=away - pl.col("class_absent_rate"), open_vs_class=still - pl.col("class_open_share")
        )
        whole.drop(*CLASS, *NEEDED).write_parquet(out / "context.parquet")
