"""The rates and the mean grade that featuretools can express, by deep feature synthesis with a cutoff time.

It runs in an environment of its own (`python featuretools_dfs.py REGISTER AS_OF OUT`) and imports nothing of Raksa:
featuretools needs pandas 2. A rate in a window is the share of a learner's recorded days that carry a mark; each
window is a synthesis of its own. Runs, trends, windows beside each other and what stands open cannot be said in it.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import featuretools as ft
import pandas as pd
import pyarrow.parquet as pq

WINDOWS = {"14d": "14 days", "28d": "28 days", "56d": "56 days", "84d": "84 days", "year": None}
MARKS = {"absent": "ASL", "unexcused": "A", "sick": "S", "leave": "L", "late": "T"}


def main(register: Path, as_of: pd.Timestamp, out: Path) -> None:
    parts = [pq.read_table(file).to_pandas() for file in sorted((register / "days").glob("*.parquet"))]
    days = pd.concat(parts, ignore_index=True)
    days["day"], mark = pd.to_datetime(days["day"]), days.pop("mark").astype(str)
    for name, letters in MARKS.items():
        days[name] = mark.isin(list(letters))
    days = days[(mark != "-").to_numpy()].reset_index(drop=True).rename_axis("row").reset_index()

    files = sorted((register / "store" / "register" / "result").rglob("*.parquet"))
    columns = ["learner_id", "known_on", "grade", "percent"]
    results = pd.concat([pq.ParquetFile(file).read(columns).to_pandas() for file in files], ignore_index=True)
    stated = pd.to_numeric(results["grade"], errors="coerce")
    results["point"] = stated.fillna(results["percent"].where(results["grade"].isna()) / 25)
    results["known_on"] = pd.to_datetime(results["known_on"])
    results = results[["learner_id", "known_on", "point"]].rename_axis("row").reset_index()

    learners = pd.DataFrame({"learner_id": days["learner_id"].unique()})
    held = ft.EntitySet("register")
    held.add_dataframe(dataframe_name="learners", dataframe=learners, index="learner_id")
    held.add_dataframe(dataframe_name="days", dataframe=days, index="row", time_index="day")
    held.add_dataframe(dataframe_name="results", dataframe=results, index="row", time_index="known_on")
    for child in ("days", "results"):
        held.add_relationship("learners", "learner_id", child, "learner_id")
    cutoff = learners.assign(time=as_of)
    found = []
    for window, span in WINDOWS.items():
        rates, _ = ft.dfs(
            entityset=held,
            target_dataframe_name="learners",
            cutoff_time=cutoff,
            training_window=span,
            include_cutoff_time=False,
            agg_primitives=["percent_true", "mean"] if span is None else ["percent_true"],
            trans_primitives=[],
            max_depth=1,
        )
        names = {f"PERCENT_TRUE(days.{name})": f"{name}_rate_{window}" for name in MARKS}
        names["MEAN(results.point)"] = "mean_grade"
        found.append(rates.rename(columns=names)[[new for old, new in names.items() if old in rates]])
    pd.concat(found, axis=1).astype("float32").reset_index().to_parquet(out / "rates.parquet")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), pd.Timestamp(sys.argv[2]), Path(sys.argv[3]))
