"""Where every learner of the register is on a day, and which children of the civil register are on no school's list.

    whereabouts(store, settings, as_of)              one row per learner: state, school now and before, since, evidence
    out_of_school(store, settings, as_of, "compulsory")   population − every enrolment, by ตำบล, with its definition

Only what was known strictly before the date counts. What each school last said of a learner (a list, an exit, a
follow-up) makes her *place* there; of her places the one that still stands and was listed last is where she is. A place
stands no longer when the school's newest whole list lacks her, or when the year's lists are due and none has come.

    evidence, the first that applies                                                     state
    died           an exit, list or follow-up says so                                    died
    two_lists      enrolled on the newest lists of two schools of one census             enrolled, transferred
    found          followed up by the school and found there                             enrolled, transferred
    went_on        on a list; came this year, having finished อ.3, ป.6 or ม.3 elsewhere     transferred
    moved          on a list; came this year from another school                         transferred
    listed         on the newest list of her school                                      enrolled
    in_class       on no list, but marked as there on a later day                        enrolled, transferred
    on_leave       on a list as on leave (พักการเรียน)                                      leave_of_absence
    floating       on the books, not in class (3.1.8)                                    floating
    abroad         taken off a list: left the country                                    abroad
    finished       finished ม.6, ปวช.3 or a course without grades                           graduated
    stops          finished, and the school says: works, or does not go on               graduated
    goes_on        finished a school; the next school's list is not due yet              graduated
    told_only      finished; goes, says the school, where no list is read from here      graduated
    not_arrived    finished a school; the next year's lists are due, she is on none      not_seen
    moved_unseen   taken off a list as moved, not yet seen anywhere                      transferred, without a school
    not_found, withdrew, past_age, cause_unknown    taken off a list for that cause      struck_off
    sought         followed up, and not found or not reached                             not_seen
    not_on_list    her school sent a newer list, she is not on it                        not_seen
    no_list        the year's lists are due, her school sent none                        not_seen
    never_listed   in the civil register, on no list ever                                never_listed

A later list outweighs an earlier exit: who is listed again came back. Nobody who is unseen counts as well: `settled` is
true only where no one need look for her.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xlsxwriter

from raksa import calendar, thai
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store, page_matrix
from raksa.tables import GRADE_LEVEL
from register.quality import (
    ATTENDED,
    CENSUS_DAYS,
    exits_before,
    known_before,
    last_day_with,
    lists_before,
    on_the_books,
    on_two_lists,
    told_of,
    whole_lists,
)


@dataclass(frozen=True)
class Evidence:
    """What an evidence code means: the state, whether no one need look for the child, and a sentence."""

    state: str
    settled: bool
    th: str
    en: str


# The state of two_lists, found and in_class is "transferred" where the child came from another school this year.
EVIDENCE = {
    "died": Evidence("died", True, "เสียชีวิต", "died"),
    "two_lists": Evidence("enrolled", True, "อยู่ในบัญชีสองโรงเรียน", "on the lists of two schools"),
    "found": Evidence("enrolled", True, "โรงเรียนติดตามแล้วพบว่าเรียนอยู่", "the school followed her up and found her"),
    "went_on": Evidence("transferred", True, "เรียนต่อที่ใหม่ปีนี้", "went on to another school this year"),
    "moved": Evidence("transferred", True, "ย้ายมาปีนี้", "came from another school this year"),
    "listed": Evidence("enrolled", True, "อยู่ในบัญชีล่าสุด", "on the newest list"),
    "in_class": Evidence("enrolled", True, "ไม่อยู่ในบัญชี แต่มีเช็คชื่อว่ามา", "on no list, but marked as there"),
    "on_leave": Evidence("leave_of_absence", True, "พักการเรียน", "on leave"),
    "floating": Evidence("floating", False, "แขวนลอย อยู่ในบัญชีแต่ไม่มาเรียน", "on the books, not in class"),
    "abroad": Evidence("abroad", True, "ไปต่างประเทศ", "left the country"),
    "finished": Evidence("graduated", True, "จบชั้นสูงสุด", "finished the last grade"),
    "stops": Evidence("graduated", False, "จบแล้ว โรงเรียนแจ้งว่าไม่เรียนต่อ", "finished; does not go on, says the school"),
    "goes_on": Evidence("graduated", True, "จบแล้ว รอบัญชีของที่เรียนใหม่", "finished; the next list is not due yet"),
    "told_only": Evidence("graduated", False, "จบแล้ว โรงเรียนแจ้งว่าเรียนต่อที่อื่น ไม่มีบัญชีให้ตรวจ",
                          "finished; goes on, says the school, where no list is read"),
    "not_arrived": Evidence("not_seen", False, "จบแล้ว ไม่พบในบัญชีปีต่อมา", "finished; on no list of the next year"),
    "moved_unseen": Evidence("transferred", False, "แจ้งย้ายแล้ว ยังไม่พบที่ใด", "moved, not yet seen anywhere"),
    "not_found": Evidence("struck_off", False, "จำหน่าย: ขาดเรียนนาน ไม่พบตัว", "struck off: long absent, not found"),
    "withdrew": Evidence("struck_off", False, "จำหน่าย: ลาออก", "struck off: withdrew"),
    "past_age": Evidence("struck_off", False, "จำหน่าย: พ้นเกณฑ์อายุ", "struck off: past compulsory age"),
    "cause_unknown": Evidence("struck_off", False, "จำหน่าย: ไม่ระบุสาเหตุ", "struck off: cause not stated"),
    "sought": Evidence("not_seen", False, "ติดตามแล้วไม่พบหรือติดต่อไม่ได้", "followed up; not found or not reached"),
    "not_on_list": Evidence("not_seen", False, "ไม่อยู่ในบัญชีล่าสุดของโรงเรียน", "not on the school's newest list"),
    "no_list": Evidence("not_seen", False, "โรงเรียนไม่ได้ส่งบัญชีของปีนี้", "the school sent no list this year"),
    "never_listed": Evidence("never_listed", False, "ไม่เคยอยู่ในบัญชีใด", "never on any list"),
}  # fmt: skip
STATES = tuple(dict.fromkeys(e.state for e in EVIDENCE.values()))
COLUMNS = [
    "learner_id", "state", "evidence", "settled", "area_id", "school_id", "school_before", "agency_now",
    "agency_before", "since", "grade", "last_listed_on", "last_seen_on",
]  # fmt: skip

_FROM_LIST = {
    "enrolled": "listed", "floating": "floating", "leave_of_absence": "on_leave", "graduated": "finished",
    "left": "withdrew", "moved": "moved_unseen", "died": "died",
}  # fmt: skip
_FROM_EXIT = {
    "graduated": "finished", "moved_school": "moved_unseen", "moved_abroad": "abroad", "died": "died",
    "not_found": "not_found", "withdrew": "withdrew", "past_compulsory_age": "past_age", "unknown": "cause_unknown",
}  # fmt: skip
# What a follow-up found; "other" tells nothing of where the child is.
_FROM_FOLLOW_UP = {
    "found": "found", "not_found": "sought", "unreachable": "sought", "graduated": "finished",
    "moved": "moved_unseen", "died": "died",
}  # fmt: skip
_HERE = ("listed", "found", "on_leave", "floating")
_LAST_GRADES = ("ม.6", "ปวช.3")
_CHANGE_AFTER = ("อ.3", "ป.6", "ม.3")
_STOPS = ("works", "not_continuing")
_NOT_READ = ("higher", "non_formal", "other_study")  # those who go there are on no list that comes to a service area


def whereabouts(store: Store, settings: Settings, as_of: date) -> pd.DataFrame:
    """One row per learner known before the date, sorted by learner_id.

    state, evidence (codes of EVIDENCE), settled (no one need look for her); area_id (of the present school, else of the
    last); school_id (None where she is at none, or none is known) and school_before (the last other school; for who is
    at none, the last), agency_now and agency_before (สังกัด, also where OVEC's college follows a school); since (first
    day of the state as far as known); grade (on her last list); last_listed_on (last day on any list); last_seen_on
    (last day marked as there: present, late or at an activity; a list is no sight of her). Missing = not known.
    """
    lists = lists_before(store, as_of)
    exits = exits_before(store, as_of)
    events = _events(lists, exits, store, as_of)
    population = known_before(store.read("population", columns=["learner_id", "listed_on"]), as_of, "listed_on")
    roll = _attended(store, settings, as_of)
    places = _places(events, lists, settings, as_of)
    found = _judge(_chosen(places, lists), _destinations(store, as_of), settings, as_of)
    found = _in_class(found, roll, settings, as_of)
    found = _since(found, lists, events)
    found = _moves(found, lists, settings, as_of)
    twice = on_the_books(lists, exits)
    twice = twice.loc[on_two_lists(twice), "learner_id"]
    at_two = found["learner_id"].isin(twice) & found["evidence"].isin(["listed", "moved", "went_on"])
    found.loc[at_two, "evidence"] = "two_lists"

    found = pd.concat([found, _never_listed(population.to_pandas(), found)], ignore_index=True)
    found["settled"] = found["evidence"].map({code: e.settled for code, e in EVIDENCE.items()}).astype(bool)
    found["last_listed_on"] = told_of(found["learner_id"], lists.groupby("learner_id")["listed_on"].max())
    found["last_seen_on"] = told_of(found["learner_id"], roll.groupby("learner_id")["day"].max())
    schools = store.read("school", columns=["school_id", "area_id", "agency"]).to_pandas().set_index("school_id")
    found["agency_now"] = told_of(found["school_id"], schools["agency"])
    found["agency_before"] = told_of(found["school_before"], schools["agency"])
    last = found["school_id"].where(found["school_id"].notna(), found["school_before"])
    found["area_id"] = told_of(last, schools["area_id"])
    for column in ("area_id", "school_id", "school_before", "agency_now", "agency_before", "grade"):
        held = found[column].astype(object)
        found[column] = held.where(held.notna(), None)
    return found[COLUMNS].sort_values("learner_id", ignore_index=True)


def flows(where: pd.DataFrame) -> pd.DataFrame:
    """Counts of `whereabouts` for officers: area_id, school_id, state, evidence, settled, learners.

    A learner counts at her present school, and where she has none at her last. "moved_unseen" and the other unseen have
    rows of their own, `settled` false; who was never listed has no school. Small counts are not hidden: for people who
    may see the learners.
    """
    at = where["school_id"].where(where["school_id"].notna(), where["school_before"])
    by = ["area_id", "school_id", "state", "evidence", "settled"]
    counted = where.assign(school_id=at).groupby(by, dropna=False).size().rename("learners").reset_index()
    order = {code: n for n, code in enumerate(EVIDENCE)}
    return counted.sort_values(
        ["area_id", "school_id", "evidence"], key=lambda c: c.map(order) if c.name == "evidence" else c,
        ignore_index=True,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ places
def _events(lists: pd.DataFrame, exits: pd.DataFrame, store: Store, as_of: date) -> pd.DataFrame:
    """All that schools said of a learner: learner_id, school_id, day, evidence; what outweighs a list of the same day
    stands after it."""
    followed = known_before(store.read("follow_up"), as_of, "known_on").to_pandas()
    parts = [
        (lists["learner_id"], lists["school_id"], lists["listed_on"], lists["status"].map(_FROM_LIST)),
        (exits["learner_id"], exits["school_id"], exits["day"], exits["cause"].map(_FROM_EXIT)),
        (followed["learner_id"], followed["school_id"], pd.to_datetime(followed["known_on"]),
         followed["finding"].map(_FROM_FOLLOW_UP)),
    ]  # fmt: skip
    names = ["learner_id", "school_id", "day", "evidence"]
    frames = [pd.DataFrame(dict(zip(names, columns, strict=True))).assign(order=n) for n, columns in enumerate(parts)]
    every = pd.concat(frames, ignore_index=True).dropna(subset=["evidence"])
    every["day"] = pd.to_datetime(every["day"])
    return every.sort_values(["learner_id", "school_id", "day", "order"], ignore_index=True)


def _places(events: pd.DataFrame, lists: pd.DataFrame, settings: Settings, as_of: date) -> pd.DataFrame:
    """One row per learner and school: the last thing said of her there, or that its newer list lacks her."""
    places = events.drop_duplicates(["learner_id", "school_id"], keep="last").drop(columns="order")
    last = lists.drop_duplicates(["learner_id", "school_id"], keep="last")
    places = places.merge(
        last[["learner_id", "school_id", "grade", "academic_year"]], on=["learner_id", "school_id"], how="left"
    )
    whole = whole_lists(lists).rename(columns={"listed_on": "next_list"})
    places = pd.merge_asof(
        places.sort_values("day"), whole.sort_values("next_list"), left_on="day", right_on="next_list", by="school_id",
        direction="forward", allow_exact_matches=False,
    )  # fmt: skip
    here = places["evidence"].isin(_HERE)
    lacks = here & places["next_list"].notna()
    year = calendar.academic_year(as_of, settings)
    begin = pd.Timestamp(calendar.first_day(year, settings))
    stale = here & ~lacks & (places["day"] < begin) & (as_of > _lists_due(year, settings))
    places.loc[lacks, "evidence"] = "not_on_list"
    places.loc[stale, "evidence"] = "no_list"
    places["since"] = places["day"].mask(lacks, places["next_list"]).mask(stale, begin)
    return places


def _lists_due(year: int, settings: Settings) -> date:
    """Day by which the lists of a year's first census have come."""
    return calendar.next_census(calendar.first_day(year, settings) - timedelta(days=1), settings) + timedelta(
        days=CENSUS_DAYS
    )


def _chosen(places: pd.DataFrame, lists: pd.DataFrame) -> pd.DataFrame:
    """The place that says where each learner is: of those that stand, enrolled before on leave before floating, then
    the last listed; where none stands, the last thing said of her anywhere. Death ends all but a later list's."""
    enrolled = lists[lists["status"] == "enrolled"].drop_duplicates("learner_id", keep="last").set_index("learner_id")
    elsewhere = told_of(places["learner_id"], enrolled["school_id"]) != places["school_id"]
    later = told_of(places["learner_id"], enrolled["listed_on"]) > places["day"]
    # A school that has not sent its next list still has on it who is listed elsewhere by now.
    stands = places["evidence"].isin(_HERE) & ~(elsewhere & later)
    said = places["evidence"]
    rank = np.select([(said == "died") & ~later, ~stands, said == "floating", said == "on_leave"], [4, 0, 1, 2], 3)
    ordered = places.assign(rank=rank).sort_values(["learner_id", "rank", "since", "day", "school_id"])
    return ordered.drop_duplicates("learner_id", keep="last", ignore_index=True)


def _destinations(store: Store, as_of: date) -> pd.DataFrame:
    said = known_before(store.read("destination"), as_of, "known_on").to_pandas()
    said["known_on"] = pd.to_datetime(said["known_on"])
    said = said.sort_values("known_on").drop_duplicates(["learner_id", "school_id", "academic_year"], keep="last")
    found: pd.DataFrame = said[["learner_id", "school_id", "academic_year", "destination", "known_on"]]
    return found


def _judge(chosen: pd.DataFrame, said: pd.DataFrame, settings: Settings, as_of: date) -> pd.DataFrame:
    """Who finished a school: for good, on the way to the next, or did not arrive there.

    A school that says where a child of its last grade goes says that she finished, also where no exit was sent.
    """
    found = chosen.merge(said, on=["learner_id", "school_id", "academic_year"], how="left")
    told = found["destination"].notna() & found["evidence"].isin(["not_on_list", "no_list"])
    found["since"] = found["since"].mask(told, found["known_on"])
    left = told | (found["evidence"] == "finished")
    last = found["grade"].isin(_LAST_GRADES) | found["grade"].isna()
    # The year after the one in which she was last listed there; where no list did, after the day she finished.
    after = pd.Series([calendar.academic_year(d.date(), settings) for d in found["since"]], index=found.index)
    year = found["academic_year"].fillna(after).astype(int) + 1
    due = year.map({y: _lists_due(y, settings) for y in year.unique()})
    late = pd.Series([day < as_of for day in due], index=found.index, dtype=bool)
    goes = found["destination"]
    found["evidence"] = np.select(
        [left & last, left & goes.isin(_STOPS), left & late & goes.isin(_NOT_READ), left & late, left],
        ["finished", "stops", "told_only", "not_arrived", "goes_on"],
        default=found["evidence"],
    )
    return found.drop(columns=["destination", "known_on"])


def _attended(store: Store, settings: Settings, as_of: date) -> pd.DataFrame:
    """Last day before the date on which each roll page has its learner there: learner_id, school_id, academic_year,
    day, and `first`, the page's first such day; pages without one left out."""
    now = calendar.academic_year(as_of, settings)
    parts = []
    for year in (y for y in store.years("roll") if y <= now):
        roll = store.read("roll", years=[year], columns=["learner_id", "school_id", "marks"])
        pages = page_matrix(roll["marks"])
        last = last_day_with(pages, ATTENDED, calendar.position(as_of, settings) if year == now else pages.shape[1])
        begin = pd.Timestamp(calendar.first_day(year, settings))
        page = roll.select(["learner_id", "school_id"]).to_pandas()
        first = ATTENDED[pages].argmax(axis=1) if len(pages) else last
        for name, place in (("day", last), ("first", first)):
            page[name] = (begin + pd.to_timedelta(place, unit="D")).astype("datetime64[s]")
        parts.append(page.assign(academic_year=year)[last >= 0])
    names = {"learner_id": "int64", "school_id": "str", "day": "datetime64[s]", "first": "datetime64[s]",
             "academic_year": "int64"}  # fmt: skip
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in names.items()})
    return pd.concat(parts, ignore_index=True) if parts else empty


def _in_class(found: pd.DataFrame, roll: pd.DataFrame, settings: Settings, as_of: date) -> pd.DataFrame:
    """Who is not seen by lists but was marked as there this year, after the day on which they lost her; and who was
    marked and is on no list yet."""
    year = calendar.academic_year(as_of, settings)
    there = roll[roll["academic_year"] == year].sort_values(["learner_id", "day", "school_id"])
    there = there.drop_duplicates("learner_id", keep="last").set_index("learner_id")
    day, first = told_of(found["learner_id"], there["day"]), told_of(found["learner_id"], there["first"])
    back = ~found["evidence"].isin(["listed", "found", "died"]) & (day > found["since"])
    first = first.where(first > found["since"], found["since"] + timedelta(days=1))
    found["before_place"] = found["school_id"].where(back)
    found["school_id"] = found["school_id"].mask(back, told_of(found["learner_id"], there["school_id"]))
    found["since"] = found["since"].mask(back, first)
    found["evidence"] = found["evidence"].mask(back, "in_class")
    new = there[~there.index.isin(found["learner_id"])].reset_index()
    new = new.rename(columns={"first": "since"}).assign(evidence="in_class")
    return pd.concat([found, new], ignore_index=True) if len(new) else found


def _since(found: pd.DataFrame, lists: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """For who is on a list: the first list of the unbroken run of lists that say the same of her at this school."""
    status = {"listed": "enrolled", "on_leave": "leave_of_absence", "floating": "floating"}
    on = found[found["evidence"].isin(status)][["learner_id", "school_id"]]
    rows = lists.merge(on, on=["learner_id", "school_id"])
    closing = events[~events["evidence"].isin(_HERE)].groupby(["learner_id", "school_id"])["day"].max()
    rows = rows.merge(closing.rename("closed").reset_index(), on=["learner_id", "school_id"], how="left")
    rows = rows[~(rows["closed"] >= rows["listed_on"])]
    begins = rows["status"] != rows.groupby("learner_id")["status"].shift()
    first = rows[begins].groupby("learner_id")["listed_on"].last()
    found["since"] = told_of(found["learner_id"], first).where(found["evidence"].isin(status), found["since"])
    return found


def _moves(found: pd.DataFrame, lists: pd.DataFrame, settings: Settings, as_of: date) -> pd.DataFrame:
    """State and schools: where she was before, whether she came this year, and no school for who is at none."""
    now = found["evidence"].isin((*_HERE, "in_class"))
    other = lists[["learner_id", "school_id", "listed_on", "grade"]].merge(
        found[["learner_id", "school_id", "since"]], on="learner_id", suffixes=("", "_now")
    )
    other = other[(other["school_id"] != other["school_id_now"]) & (other["listed_on"] <= other["since"])]
    other = other.drop_duplicates("learner_id", keep="last").set_index("learner_id")
    before = told_of(found["learner_id"], other["school_id"])
    before = before.where(before.notna(), found["before_place"].where(found["before_place"] != found["school_id"]))
    found["school_before"] = before.where(now, found["school_id"])
    begin = pd.Timestamp(calendar.first_day(calendar.academic_year(as_of, settings), settings))
    came = found["evidence"].isin(["listed", "found", "in_class"]) & before.notna() & (found["since"] >= begin)
    grade_before = told_of(found["learner_id"], other["grade"])
    higher = found["grade"].map(GRADE_LEVEL) > grade_before.map(GRADE_LEVEL)
    went_on = grade_before.isin(_CHANGE_AFTER) & higher
    listed = came & (found["evidence"] == "listed")
    found["state"] = found["evidence"].map({code: e.state for code, e in EVIDENCE.items()}).mask(came, "transferred")
    found["evidence"] = found["evidence"].mask(listed, "moved").mask(listed & went_on, "went_on")
    found["school_id"] = found["school_id"].where(now)
    return found


def _never_listed(population: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Children of the civil register of whom no school ever said anything, since the first extract that has them."""
    alone = population[~population["learner_id"].isin(found["learner_id"])]
    first = pd.to_datetime(alone["listed_on"]).groupby(alone["learner_id"]).min().astype(found["since"].dtype)
    held = first.rename("since").reset_index().assign(state="never_listed", evidence="never_listed")
    return held.assign(school_id=None, school_before=None, grade=None)


# ------------------------------------------------------------------------------------------------ out of school
@dataclass(frozen=True)
class Definition:
    """One way of saying who is out of school. Different definitions give different numbers; none may be subtracted from
    another.

    from_age, until_age   the age reached in the calendar year in which the academic year began, the upper excluded
    seen                  "now": on a list that stands on the as-of date; "06-10": on a list of the last such census
    statuses              what a list must say of a child for her to count as enrolled
    grades                grades that count; None = any, also none
    not_agencies          agencies (สังกัด) whose lists do not count
    finished_level        years of school (ม.3 = 9, ม.6 = 12) after which nobody is expected at school
    """

    name: str
    title_th: str
    title_en: str
    from_age: int
    until_age: int
    seen: str
    statuses: tuple[str, ...]
    finished_level: int
    says_th: str
    says_en: str
    grades: tuple[str, ...] | None = None
    not_agencies: tuple[str, ...] = ()


_ALL_LISTED = ("enrolled", "leave_of_absence", "floating")
DEFINITIONS = {
    d.name: d
    for d in (
        Definition(
            "compulsory", "เด็กในเกณฑ์การศึกษาภาคบังคับที่ไม่พบในบัญชีใด", "Compulsory age, on no list",
            7, 16, "now", ("enrolled", "leave_of_absence"), 9,
            "เด็กในทะเบียนราษฎรที่ย่างเข้าปีที่ 7 จนถึงย่างเข้าปีที่ 16 นับตามปีปฏิทินของปีที่เปิดปีการศึกษา (อายุครบ 7 ถึง 15 ปีในปีนั้น) "
            "ที่ยังไม่จบ ม.3 และไม่อยู่ในบัญชีของสถานศึกษาใด ทุกสังกัด ณ วันที่ประเมิน และไม่มีเช็คชื่อว่ามาหลังจากนั้น "
            "เด็กที่พักการเรียนนับว่าอยู่ในระบบ เด็กแขวนลอยนับว่าไม่อยู่ (พ.ร.บ.การศึกษาภาคบังคับ พ.ศ. 2545)",
            "Children of the civil register from entering the 7th year until entering the 16th, counted by the "
            "calendar year in which the academic year began (7 to 15 reached in it), who have not passed ม.3 and are "
            "on no list of a school, of any agency, that stands on the as-of date, nor marked as there since; on leave "
            "counts as enrolled, on the books but not in class (3.1.8) does not (Compulsory Education Act 2545)",
        ),
        Definition(
            "moe_15_17", "ประชากร 15–17 ปีที่ไม่ได้เรียน ณ 10 มิ.ย. (ตัวชี้วัด ศธ.)", "15–17, not enrolled at 10 June (MOE)",
            15, 18, "06-10", _ALL_LISTED, 12,
            "ประชากรในทะเบียนราษฎรอายุ 15–17 ปี นับตามปีปฏิทิน ลบด้วยผู้เรียนในบัญชีของทุกสังกัด ณ 10 มิถุนายน "
            "(บัญชีลงวันที่ตั้งแต่ 10 มิ.ย. และไม่เกิน 75 วันหลังจากนั้น) ผู้ที่จบ ม.6 หรือ ปวช.3 แล้วไม่นับว่าอยู่นอกระบบ",
            "Population aged 15 to 17 of the civil register, by calendar year, less all who are on a list of any "
            "agency at 10 June (lists dated from 10 June, at most 75 days later); who has finished ม.6 or ปวช.3 is not "
            "counted as out of school",
        ),
        Definition(
            "oosc_3_18", "เด็กนอกระบบการศึกษา อายุ 3–18 ปี", "Out of school, aged 3 to 18",
            3, 18, "now", _ALL_LISTED, 12,
            "เด็กในทะเบียนราษฎรอายุตั้งแต่ 3 ปีจนถึงปีที่จะครบ 18 ปี นับตามปีปฏิทิน (พ.ศ. 2566 คือผู้เกิด พ.ศ. 2549–2563) "
            "ที่ไม่พบในบัญชีของสถานศึกษาใด ทุกสังกัด ณ วันที่ประเมิน และไม่มีเช็คชื่อว่ามาหลังจากนั้น เด็กแขวนลอยนับว่าพบในบัญชี",
            "Children of the civil register from 3 until the year in which they turn 18, by calendar year (for 2566: "
            "born 2549 to 2563), found on no school's list, of any agency, that stands on the as-of date, nor marked "
            "as there since; on the books but not in class counts as found",
        ),
        Definition(
            "uis_6_17", "อายุเรียนประถมและมัธยมที่ไม่ได้เรียนในระดับนั้น (UIS)", "Primary and secondary age, not in either (UIS)",
            7, 19, "06-10", ("enrolled", "leave_of_absence"), 12,
            "เด็กในทะเบียนราษฎรที่อายุครบ 7 ถึง 18 ปีในปีปฏิทินที่เปิดปีการศึกษา (อายุ 6–17 ปีเมื่อเปิดเรียน) "
            "ที่ไม่ได้เรียนชั้น ป.1–ม.6 หรือ ปวช. ณ 10 มิถุนายน ไม่นับการศึกษานอกระบบ (สกร.)",
            "Children of the civil register who turn 7 to 18 in the calendar year in which the academic year began "
            "(6 to 17 when it began) and are not enrolled in ป.1 to ม.6 or ปวช. at 10 June; non-formal education "
            "(สกร.) does not count",
            grades=tuple(g for g, level in GRADE_LEVEL.items() if level >= 1), not_agencies=("สกร.", "กศน."),
        ),
    )
}  # fmt: skip

PLACES = ("province", "district", "subdistrict")
GROUPS = ("enrolled", "finished", "out_of_school")
SMALLEST_CELL = 5  # a count below it could point at a child (DOMAIN 11)


@dataclass(frozen=True)
class OutOfSchool:
    """What `out_of_school` found under one definition.

    children    one row per child of the ages: learner_id, province, district, subdistrict, age, group (enrolled,
                finished, out_of_school), state, evidence, last_school, last_grade, last_listed_on, last_seen_on
    extracts    days of the civil register's extracts that were used
    unknown_age children of the extract whose birth date is not known: counted nowhere, so they are told here
    """

    definition: Definition
    as_of: date
    extracts: tuple[date, ...]
    unknown_age: int
    store: Store = field(repr=False)
    children: pd.DataFrame = field(repr=False)

    @property
    def missing(self) -> pd.DataFrame:
        """The children on no list, for those who may see them: rows of `children`."""
        return self.children[self.children["group"] == "out_of_school"].reset_index(drop=True)

    def counts(self, level: str = "subdistrict", hide_small: bool = True) -> pd.DataFrame:
        """One row per province, district or subdistrict: population = enrolled + finished + out_of_school, and share
        (out_of_school ÷ population, 0 to 1). `finished` are those nobody looks for: finished, died or abroad.

        With `hide_small` a number below 5 is missing (also 0), and so are as many others, along the row and among its
        neighbours, that it cannot be worked out; what is hidden in a district is hidden in its subdistricts.
        """
        whole = self._whole(level)
        if not hide_small:
            return whole
        hidden = pd.DataFrame(False, index=whole.index, columns=["population", *GROUPS])
        for n, above in enumerate(PLACES[: PLACES.index(level) + 1]):
            by = list(PLACES[: n + 1])
            upper = self._whole(above)
            mask = _hidden(upper[["population", *GROUPS]].to_numpy(), upper.groupby(by[:-1], dropna=False).ngroup()
                           if n else pd.Series(0, index=upper.index))  # fmt: skip
            held = upper[by].join(pd.DataFrame(mask, columns=hidden.columns))
            hidden |= whole[by].merge(held, on=by, how="left")[list(hidden.columns)].to_numpy(bool)
        shown = whole.copy()
        for column in hidden.columns:
            shown[column] = whole[column].astype(float).mask(hidden[column])
        shown["share"] = whole["share"].mask(hidden["out_of_school"] | hidden["population"])
        return shown

    def _whole(self, level: str) -> pd.DataFrame:
        by = list(PLACES[: PLACES.index(level) + 1])
        counted = self.children.groupby([*by, "group"], dropna=False).size().unstack(fill_value=0)
        counted = counted.reindex(columns=list(GROUPS), fill_value=0).reset_index()
        counted.insert(len(by), "population", counted[list(GROUPS)].sum(axis=1))
        counted["share"] = counted["out_of_school"] / counted["population"]
        counted.columns.name = None
        in_order = counted.sort_values(by, key=lambda names: names.map(_in_thai_order), na_position="last")
        return in_order.reset_index(drop=True)


def _in_thai_order(name: object) -> tuple[str, str]:
    return thai.sort_key(name) if isinstance(name, str) else ("\U0010ffff", "")


def _hidden(cells: np.ndarray, family: pd.Series) -> np.ndarray:
    """Which cells are hidden: below 5, and until nothing can be worked out others of the row and of the column among
    its siblings. Column 0 is the sum of the others; of these the first goes first, so that the last, for whose sake the
    table is made, stays where it can."""
    hidden: np.ndarray = cells < SMALLEST_CELL
    groups = [np.flatnonzero(family.to_numpy() == f) for f in family.unique()]
    while True:
        before = hidden.copy()
        hidden[hidden[:, 0]] = True  # the sum of what is shown beside it would be the hidden population
        for row in range(len(cells)):
            _widen(cells[row, 1:], hidden[row, 1:], np.arange(cells.shape[1] - 1))
        for rows in groups:
            for column in range(cells.shape[1]):
                part = hidden[rows, column]
                _widen(cells[rows, column], part, np.argsort(cells[rows, column], kind="stable"))
                hidden[rows, column] = part
        if (hidden == before).all():
            return hidden


def _widen(cells: np.ndarray, hidden: np.ndarray, order: np.ndarray) -> None:
    """Hide more of a sum's parts, in order, until none is hidden or two and five or more together. In place."""
    while hidden.any() and not hidden.all() and (hidden.sum() < 2 or cells[hidden].sum() < SMALLEST_CELL):
        hidden[order[~hidden[order]][0]] = True


def out_of_school(store: Store, settings: Settings, as_of: date, definition: str = "compulsory") -> OutOfSchool:
    """Children of the civil register's latest extract before the date who are on no school's list, by a definition.

    Each district's latest extract counts; a child on two counts where the later has her. Raises RaksaError for an
    unknown definition, and where no extract was known before the date.
    """
    if definition not in DEFINITIONS:
        near = difflib.get_close_matches(definition, DEFINITIONS, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise RaksaError(f"There is no definition {definition!r}: choose one of {', '.join(DEFINITIONS)}.{meant}")
    how = DEFINITIONS[definition]
    people = known_before(store.read("population"), as_of, "listed_on").to_pandas()
    if people.empty:
        raise RaksaError(
            f"No extract of the civil register is known before {as_of}, so nobody can be missing from a list; import "
            "one with `raksa ingest FILE`, or choose a later --as-of."
        )
    people["listed_on"] = pd.to_datetime(people["listed_on"])
    newest = people.groupby(["province", "district"], dropna=False)["listed_on"].transform("max")
    people = people[people["listed_on"] == newest].sort_values(["listed_on", "learner_id"])
    people = people.drop_duplicates("learner_id", keep="last", ignore_index=True)

    lists = lists_before(store, as_of)
    census = _census_of(how, lists, as_of)
    births = known_before(store.read("learner"), as_of, "known_on").to_pandas().dropna(subset=["birth_date"])
    births = births.sort_values("known_on").drop_duplicates("learner_id", keep="last").set_index("learner_id")
    born = pd.to_datetime(told_of(people["learner_id"], births["birth_date"]))
    year = calendar.academic_year(census or as_of, settings) - calendar.BUDDHIST_ERA
    people["age"] = year - born.dt.year
    unknown_age = int(born.isna().sum())
    people = people[(people["age"] >= how.from_age) & (people["age"] < how.until_age)].astype({"age": int})

    where = whereabouts(store, settings, as_of)
    found = people.merge(where, on="learner_id", how="left")
    enrolled = found["learner_id"].isin(_enrolled(how, where, lists, census, store))
    ended = found["state"].isin(["died", "abroad"]) | found["learner_id"].isin(_finished(how, lists, store, as_of))
    found["group"] = np.select([enrolled, ended], ["enrolled", "finished"], default="out_of_school")
    found["last_school"] = found["school_id"].where(found["school_id"].notna(), found["school_before"])
    columns = ["learner_id", *PLACES, "age", "group", "state", "evidence", "last_school", "grade", "last_listed_on",
               "last_seen_on"]  # fmt: skip
    children = found[columns].rename(columns={"grade": "last_grade"}).sort_values([*PLACES, "learner_id"])
    extracts = tuple(d.date() for d in sorted(people["listed_on"].unique()))
    return OutOfSchool(how, as_of, extracts, unknown_age, store, children.reset_index(drop=True))


def _census_of(how: Definition, lists: pd.DataFrame, as_of: date) -> date | None:
    """The last census day of the definition of which any list is known before the date; None for "now".

    On 12 June most lists of 10 June are still to come, and all before any has: then it is last year's.
    """
    if how.seen == "now":
        return None
    month, day = map(int, how.seen.split("-"))
    for year in range(as_of.year, as_of.year - 3, -1):
        census = date(year, month, day)
        if _at_census(lists, census).any():  # lists are those before the date, so the census is too
            return census
    return next(c for y in (as_of.year, as_of.year - 1) if (c := date(y, month, day)) < as_of)


def _at_census(lists: pd.DataFrame, census: date) -> pd.Series:
    end = census + timedelta(days=CENSUS_DAYS)
    return lists["listed_on"].between(pd.Timestamp(census), pd.Timestamp(end))


def _enrolled(
    how: Definition, where: pd.DataFrame, lists: pd.DataFrame, census: date | None, store: Store
) -> Iterable[int]:
    """Learners who count as enrolled: now, or on a list of the census."""
    if census is None:
        status = where["state"].replace("transferred", "enrolled").where(where["school_id"].notna())
        rows = where[["learner_id", "school_id", "grade"]].assign(status=status)
    else:
        rows = lists[_at_census(lists, census)]
    agencies = store.read("school", columns=["school_id", "agency"]).to_pandas().set_index("school_id")["agency"]
    rows = rows[rows["status"].isin(how.statuses) & ~rows["school_id"].map(agencies).isin(how.not_agencies)]
    if how.grades is not None:
        rows = rows[rows["grade"].isin(how.grades)]
    return set(rows["learner_id"])


def _finished(how: Definition, lists: pd.DataFrame, store: Store, as_of: date) -> Iterable[int]:
    """Learners who have passed the grade after which nobody is expected: listed in a higher one, or finished there."""
    rows = lists.assign(level=lists["grade"].map(GRADE_LEVEL))
    higher = rows.loc[rows["level"] > how.finished_level, "learner_id"]
    exits = exits_before(store, as_of)
    ends = [
        rows.loc[rows["status"] == "graduated", ["learner_id", "school_id", "listed_on"]].set_axis(_END, axis=1),
        exits.loc[exits["cause"] == "graduated", ["learner_id", "school_id", "day"]].set_axis(_END, axis=1),
        _destinations(store, as_of)[["learner_id", "school_id", "known_on"]].set_axis(_END, axis=1),
    ]
    done = pd.concat(ends).merge(rows, on=["learner_id", "school_id"])
    done = done[done["listed_on"] <= done["day"]].sort_values("listed_on").drop_duplicates(_END, keep="last")
    # A course without grades that was finished is no reason to look for the child.
    return {*higher, *done.loc[~(done["level"] < how.finished_level), "learner_id"]}


_END = ["learner_id", "school_id", "day"]


# ------------------------------------------------------------------------------------------------ for people
_PLACE_HEADS = {"province": "จังหวัด / province", "district": "อำเภอ / district", "subdistrict": "ตำบล / subdistrict"}
_COUNT_HEADS = ["ประชากร / population", "อยู่ในบัญชี / enrolled", "จบ เสียชีวิต หรือไปต่างประเทศ / finished, died or abroad",
                "ไม่พบในบัญชี / out of school", "ร้อยละ / %"]  # fmt: skip
_SHEETS = {"subdistrict": "ตำบล subdistrict", "district": "อำเภอ district", "province": "จังหวัด province"}
_CHILD_HEADS = [
    "ชื่อ-นามสกุล / name", "เลขประจำตัว / number", "อายุ / age", "ที่อยู่ / address", *_PLACE_HEADS.values(),
    "ผู้ปกครอง / guardian", "โทรศัพท์ / phone", "สถานะ / state", "เรียนล่าสุดที่ / last school", "ชั้นล่าสุด / last grade",
    "อยู่ในบัญชีครั้งล่าสุด / last listed", "มาเรียนวันล่าสุด / last seen",
]  # fmt: skip
HIDDEN = "ปกปิด / hidden"


def out_of_school_to_xlsx(found: OutOfSchool, path: Path, people: bool = False) -> None:
    """Counts as a workbook, the definition on every sheet: small numbers hidden.

    With `people`, for those who may see the children: numbers whole, and a sheet of the children with name, masked
    number, address and guardian from the identity table. The caller asks raksa.access and writes the audit log.
    """
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        for level, title in _SHEETS.items():
            by = PLACES[: PLACES.index(level) + 1]
            counts = found.counts(level, hide_small=not people)
            share = counts.pop("share") * 100
            lines = [
                [*row[: len(by)], *(HIDDEN if cell is None else cell for cell in row[len(by) :])]
                for row in _with_none(counts.assign(share=share.round(2)))
            ]
            _sheet(book, title, found, [*(_PLACE_HEADS[p] for p in by), *_COUNT_HEADS], lines, hides=not people)
        if people:
            _sheet(book, "เด็ก children", found, _CHILD_HEADS, _child_rows(found), hides=False)


def _with_none(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None))


def _sheet(
    book: xlsxwriter.Workbook, title: str, found: OutOfSchool, heads: list[str], lines: list[Any], hides: bool
) -> None:
    sheet, bold = book.add_worksheet(title), book.add_format({"bold": True})
    how = found.definition
    days = ", ".join(f"{thai.format_date(d)} / {thai.format_date(d, 'en')}" for d in found.extracts) or "–"
    above = [
        f"{how.title_th} / {how.title_en}",
        f"นิยาม: {how.says_th}",
        f"Definition ({how.name}): {how.says_en}.",
        f"ข้อมูลก่อนวันที่ / as known before: {thai.format_date(found.as_of)} / {thai.format_date(found.as_of, 'en')}",
        f"ทะเบียนราษฎร ณ / civil register as of: {days}",
        f"ไม่ทราบวันเกิด ไม่ได้นับ / birth date not known, not counted: {found.unknown_age:,}",
    ]
    if hides:
        above.append(
            "ตัวเลขต่ำกว่า 5 และตัวเลขที่ใช้คำนวณย้อนกลับได้ ปกปิดไว้ / numbers below 5, and those they could be worked out "
            "from, are hidden"
        )
    for n, text in enumerate(above):
        sheet.write_string(n, 0, text, bold if n == 0 else None)
    top = len(above) + 1
    sheet.set_column(0, len(heads) - 1, 22)
    for column, head in enumerate(heads):
        sheet.write_string(top, column, head, bold)
    for n, line in enumerate(lines, start=top + 1):
        for column, cell in enumerate(line):
            if isinstance(cell, str):
                sheet.write_string(n, column, cell[:32_767])
            elif cell is not None:
                sheet.write_number(n, column, cell)
    sheet.freeze_panes(top + 1, 0)


def _child_rows(found: OutOfSchool) -> list[list[Any]]:
    """The children out of school with what is needed to find them; what nobody knows is empty."""
    missing = found.missing
    identity = known_before(found.store.read("identity"), found.as_of, "known_on").to_pandas()
    identity = identity[identity["learner_id"].isin(missing["learner_id"])].sort_values(["learner_id", "known_on"])
    known = identity.groupby("learner_id").last().reindex(missing["learner_id"])  # of each column the last told
    schools = found.store.read("school", columns=["school_id", "name"]).to_pandas().set_index("school_id")["name"]
    told = known.astype(object).where(known.notna(), None).to_dict("records")
    rows = []
    for child, who in zip(missing.to_dict("records"), told, strict=True):
        name = f"{who['prefix'] or ''}{who['first_name'] or ''} {who['last_name'] or ''}".strip()
        guardian = " ".join(filter(None, (who["guardian_name"], who["guardian_relation"])))
        evidence = EVIDENCE[child["evidence"]]
        school = child["last_school"]
        rows.append([
            name, thai.mask(who["id_number"]) if who["id_number"] else "", child["age"], who["address"] or "",
            *(child[p] if isinstance(child[p], str) else "" for p in PLACES), guardian, who["phone"] or "",
            f"{evidence.th} / {evidence.en}",
            f"{schools.get(school, '')} ({school})" if isinstance(school, str) else "",
            child["last_grade"] or "", *(_day(child[d]) for d in ("last_listed_on", "last_seen_on")),
        ])  # fmt: skip
    return rows


def _day(day: Any) -> str:
    return thai.format_date(day) if pd.notna(day) else ""
