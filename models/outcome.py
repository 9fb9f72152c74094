"""What became of each learner: the only file that may look past the as-of date.

Left by a day `by` (the next 10 June unless another is asked for) means: on a school's list on the as-of date, and on no
school's list, of any agency, at the census of that day. One column says which of the two kinds it was: gone *during the
year*, or *not arrived* at the next year's census after the last list of the old one.

    evidence, the first that applies                                                   left
    enrolled (or on leave) on a list at the census of `by`, or taken off one later     0
    died, moved abroad                                                                 0
    graduated from a last grade (ม.6, ปวช.3, a course without grades)                  0
    left for a leaving cause by `by`, the day known, or listed as having left          1
    on the books but not in class (3.1.8) on a list up to `by`                         1
    moved school and not seen again; left on an unknown day; cause unknown             unknown
    own school sent a list for the census of `by`, the learner is not on it            1
    no list                                                                            unknown

Unknown is censored: NaN, never zero. A leaver who is listed again at the census came back and counts as 0.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store, page_matrix
from raksa.tables import LATE, LEAVING_CAUSES, PRESENT

# Lists of one census arrive over some weeks (colleges report in July); a later list is the next census.
_CENSUS_DAYS = 75
_LAST_GRADES = ("ม.6", "ปวช.3")


def outcome(
    store: Store, settings: Settings, cohort: pd.DataFrame, as_of: date, by: date, bucket: int | None = None
) -> pd.DataFrame:
    """One row per learner of the cohort, in its order; with `bucket` the cohort is of that bucket alone.

    Columns: left (float: 1 left, 0 did not, NaN unknown), kind (in_year, not_arrived or None), left_on (last day known
    on a list; NaT if not left or not known), evidence (which line of the table decided).
    """
    columns = ["learner_id", "school_id", "listed_on", "status"]
    lists = store.read("enrolment", bucket=bucket, columns=columns).to_pandas()
    lists["listed_on"] = pd.to_datetime(lists["listed_on"])
    lists = lists[lists["listed_on"] >= pd.Timestamp(as_of)]
    columns = ["learner_id", "school_id", "left_on", "cause", "known_on"]
    exits = store.read("exit", bucket=bucket, columns=columns).to_pandas()
    # Told again with another cause, an exit is what was told last.
    exits = exits.drop_duplicates(["learner_id", "school_id", "left_on"], keep="last")
    exits["left_on"] = pd.to_datetime(exits["left_on"])
    exits = exits[exits["left_on"].isna() | (exits["left_on"] >= pd.Timestamp(as_of))]

    end, learners = pd.Timestamp(by), cohort["learner_id"]
    at_census = lists[(lists["listed_on"] >= end) & (lists["listed_on"] <= end + timedelta(days=_CENSUS_DAYS))]
    up_to = exits[exits["left_on"] <= end]

    def has(found: pd.Series) -> np.ndarray:
        return learners.isin(found).to_numpy()

    up_to_census = lists[lists["listed_on"] <= end + timedelta(days=_CENSUS_DAYS)]

    def listed_as(*status: str) -> np.ndarray:
        return has(up_to_census.loc[up_to_census["status"].isin(status), "learner_id"])

    # A leave of absence (พักการเรียน) ends in a return more often than not; it is no leaving.
    seen = has(at_census.loc[at_census["status"].isin(["enrolled", "leave_of_absence"]), "learner_id"])
    later = has(exits.loc[exits["left_on"] > end, "learner_id"])
    ended = has(up_to.loc[up_to["cause"].isin(["died", "moved_abroad"]), "learner_id"]) | listed_as("died")
    last_grade = cohort["grade"].isin(_LAST_GRADES).to_numpy() | cohort["grade"].isna().to_numpy()
    graduated = (has(up_to.loc[up_to["cause"] == "graduated", "learner_id"]) | listed_as("graduated")) & last_grade
    withdrew = has(up_to.loc[up_to["cause"].isin(LEAVING_CAUSES), "learner_id"]) | listed_as("left")
    floating = listed_as("floating")
    lost = up_to.loc[up_to["cause"].isin(["moved_school", "unknown"]), "learner_id"]
    untold = has(lost) | listed_as("moved") | has(exits.loc[exits["left_on"].isna(), "learner_id"])
    listing_schools = at_census["school_id"].unique() if bucket is None else _listing(store, by)
    missed = cohort["school_id"].isin(listing_schools).to_numpy()

    evidence = np.select(
        [seen | later, ended, graduated, withdrew, floating, untold, missed],
        ["seen", "died_or_abroad", "graduated", "left", "floating", "not_traced", "not_listed"],
        default="no_list",
    )
    left = np.select(
        [
            np.isin(evidence, ["seen", "died_or_abroad", "graduated"]),
            np.isin(evidence, ["left", "floating", "not_listed"]),
        ],
        [0.0, 1.0],
        default=np.nan,
    )
    in_year = up_to.loc[up_to["cause"].isin(LEAVING_CAUSES)].groupby("learner_id")["left_on"].min()
    last_list = lists[lists["listed_on"] < end].groupby("learner_id")["listed_on"].max()
    left_on = in_year.reindex(learners).where(evidence == "left", last_list.reindex(learners).to_numpy())
    left_on = left_on.where(left == 1)
    # On the list that closes the old year and not on the next: the summer gap. All else happened during the year.
    closed = has(lists.loc[_closing(lists["listed_on"], by, settings), "learner_id"])
    not_arrived = (evidence == "not_listed") & closed
    return pd.DataFrame(
        {
            "learner_id": learners.to_numpy(),
            "left": left,
            "kind": pd.Series(not_arrived).map({True: "not_arrived", False: "in_year"}).where(left == 1),
            "left_on": left_on.to_numpy(),
            "evidence": evidence,
        }
    )


def _listing(store: Store, by: date) -> np.ndarray:
    """Schools that sent a list for the census of `by`, whoever is on it."""
    lists = store.read("enrolment", columns=["school_id", "listed_on"])
    day = lists["listed_on"]
    end = pa.scalar(by + timedelta(days=_CENSUS_DAYS), pa.date32())
    of_census = pc.and_(pc.greater_equal(day, pa.scalar(by, pa.date32())), pc.less_equal(day, end))
    return np.asarray(pc.unique(lists["school_id"].filter(of_census)).to_numpy(zero_copy_only=False))


def _closing(listed_on: pd.Series, by: date, settings: Settings) -> pd.Series:
    """Whether a list is the old year's last: dated in the weeks between the last census before `by` and `by` itself."""
    before = max(
        date(year, *map(int, day.split("-")))
        for year in (by.year - 1, by.year)
        for day in settings.census_days
        if date(year, *map(int, day.split("-"))) < by
    )
    return (listed_on >= pd.Timestamp(before)) & (listed_on < pd.Timestamp(by))


def asked(became: pd.DataFrame, question: str) -> pd.Series:
    """`left` for one of three questions (setting `outcome`), float, NaN where it is not known or does not arise.

    left          gone by the census, either way
    in_year       gone during the year; who stayed the year but did not arrive at the next level is 0
    not_arrived   did not arrive at the next level; for who had gone during the year the question does not arise
    """
    if question == "in_year":
        return became["left"].where(became["kind"] != "not_arrived", 0.0)
    if question == "not_arrived":
        return became["left"].where(became["kind"] != "in_year")
    return became["left"]


def attended_until(store: Store, settings: Settings, learners: pd.Series, as_of: date, by: date) -> pd.Series:
    """The last day in [as_of, by) each learner was marked present or late at any school (datetime, by learner id).

    Who has no such mark is not in it. For lead times only: it looks past the as-of date.
    """
    last = pd.Series(pd.NaT, index=pd.Index([], dtype=np.int64), dtype="datetime64[ns]")
    for year in range(calendar.academic_year(as_of, settings), calendar.academic_year(by, settings) + 1):
        roll = store.read("roll", years=[year], columns=["learner_id", "marks"])
        roll = roll.filter(pc.is_in(roll["learner_id"], pa.array(learners.unique(), pa.int64())))
        if not roll.num_rows:
            continue
        marks = page_matrix(roll["marks"])
        there = (marks == ord(PRESENT)) | (marks == ord(LATE))
        day = there.shape[1] - 1 - there[:, ::-1].argmax(axis=1)
        days = pd.Timestamp(calendar.first_day(year, settings)) + pd.to_timedelta(day, unit="D")
        found = pd.Series(days, index=roll["learner_id"].to_numpy())[there.any(axis=1)]
        last = pd.concat([last, found])
    last = last[(last >= pd.Timestamp(as_of)) & (last < pd.Timestamp(by))]
    return last.groupby(level=0).max()
