"""Every feature once more, by plain SQL over one row per learner and day: slow, obvious, of no common descent.

The SQL is written from the meanings in `features/registry.py` and the rules of the register, not from the code that it
checks. `SQL` names a query for each feature; each gives rows (learner_id, value), and whoever has no row is not known.
A query may read the features above it by name.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from raksa import calendar
from raksa.settings import Settings
from raksa.store import Store
from raksa.tables import GRADE_LEVEL, NO_SCHOOL, SIGNALS

WHO_2007 = Path("features/who_2007.csv")

# Relations that the features read. `as_of()` is the date, `this_year()` its academic year, `opens(year)` a year's first
# day; `term` and `planned` (the school days of the year's calendar) come from raksa.calendar.
RELATIONS = """
create table known_list as select *, coalesce(starts_on, opens(academic_year)) as started_on from enrolment
    where listed_on < as_of();
-- Of a fact told again counts what was said last before the date; what a later telling leaves empty stands.
create macro said(value, day) as last(value order by day) filter (value is not null);
create table known_exit as
    select learner_id, school_id, said(cause, known_on) as cause, coalesce(left_on, max(known_on)) as day
    from "exit" where known_on < as_of() group by learner_id, school_id, left_on;
create table known_grant as
    select learner_id, said(until_day, known_on) as until_day, said(attendance_percent, known_on) as attendance_percent
    from "grant" where from_day < as_of() and known_on < as_of() group by learner_id, from_day;
create table measured as
    select learner_id, measured_on, said(weight_kg, known_on)::double as weight,
        said(height_cm, known_on)::double as height
    from growth where measured_on < as_of() and known_on < as_of() group by learner_id, measured_on;
create table person as
    select learner_id, said(birth_date, known_on) as birth_date, said(sex, known_on) as sex
    from learner where known_on < as_of() group by learner_id;
create table who as
    select * from known_list as listed where academic_year = this_year() and started_on < as_of()
    qualify row_number() over (partition by learner_id order by listed_on desc,
        case status when 'enrolled' then 0 when 'floating' then 1 else 2 end, school_id desc) = 1;
delete from who where status not in ('enrolled', 'floating') or exists (
    from known_exit as gone where gone.learner_id = who.learner_id and gone.day >= who.listed_on and gone.day < as_of()
        and (gone.school_id = who.school_id or gone.cause <> 'moved_school'));
create table classed as select learner_id, school_id,
    dense_rank() over (order by school_id, grade, room, started_on) as class from who;

create table unfolded as
    select learner_id, academic_year, position, opens(academic_year) + position::int as day, school_id,
        marks[position + 1] as mark, mark not in ('-', '.') as recorded
    from roll, range(366) as days(position) where opens(academic_year) + position::int < as_of();
-- A day belongs to the school that recorded the learner on it or last before it; at first to the one that did first.
create table mark as
    with daily as (
        select learner_id, academic_year, position, min(school_id) filter (recorded) as school_id
        from unfolded group by learner_id, academic_year, position),
    owned as (
        select learner_id, academic_year, position, coalesce(
            last_value(school_id ignore nulls) over (walk rows between unbounded preceding and current row),
            first_value(school_id ignore nulls) over (walk rows between current row and unbounded following)
        ) as school_id
        from daily window walk as (partition by learner_id, academic_year order by position))
    select *, mark in ('A', 'S', 'L') as away, mark <> '.' as school_day,
        mark = 'A' as unexcused, mark = 'S' as sick, mark = 'L' as leave, mark = 'T' as late
    from unfolded join owned using (learner_id, academic_year, position, school_id);
create view seen as from mark where academic_year = this_year() and recorded;
create view seen_last_year as from mark where academic_year = this_year() - 1 and recorded;
create table run as
    with counted as (
        select *, count(*) filter (not away) over (partition by learner_id order by day) as came from seen)
    select learner_id, came, count(*) filter (away) as days from counted group by learner_id, came;

create table piece as
    select *, grade in ('0', 'ร', 'มส') is true as is_open,
        case when part = 'midterm' or grade in ('ร', 'มส', 'ผ', 'มผ') then null
            else coalesce(grade::double, percent / 25) end as point
    from result where known_on < as_of() and academic_year between this_year() - 2 and this_year();
create table latest as from piece qualify row_number() over (
    partition by learner_id, academic_year, term, subject, part order by known_on desc, school_id desc) = 1;
create table graded as from piece where point is not null qualify row_number() over (
    partition by learner_id, academic_year, term, subject, part order by known_on desc, school_id desc) = 1;
create view mine as from latest where academic_year = this_year();

create view screened as from household where surveyed_on < as_of() and known_on < as_of();
create view granted as from known_grant where until_day is null or until_day >= as_of();
create table reference as
    select *, lead(months) over step as to_months, lead(l) over step as to_l, lead(m) over step as to_m,
        lead(s) over step as to_s
    from who_2007 window step as (partition by measure, sex order by months);
"""

SQL: dict[str, str] = {}


def _days(window: str) -> str:
    return "true" if window == "year" else f"day >= as_of() - {window.removesuffix('d')}"


def _last_said(value: str) -> str:
    return f"""select learner_id, last(said order by surveyed_on, known_on)
        from (select *, {value} as said from screened) where said is not null group by learner_id"""


def _standing(feature: str, among: str) -> str:
    """Share of the group at or below, counting half of those level: the middle of the ranks of a tie."""
    return f"""with known as (select learner_id, {among} as among, value::float as value
            from classed join {feature} using (learner_id) where value is not null)
        select learner_id, ((select count(*) from known as other where other.among = known.among
                and other.value < known.value) + ((select count(*) from known as other where other.among = known.among
                and other.value = known.value) + 1) / 2) / (select count(*) from known as other
                where other.among = known.among) from known"""


def _z(measure: str, value: str, limit: int) -> str:
    """Standard deviations above the median, Cole's LMS; what WHO's own program takes for an error is not known."""
    return f"""with aged as (
            select learner_id, sex, (measured_on - birth_date) / 30.4375 as months, {value} as value
            from measured join person using (learner_id) where weight is not null and height is not null
            qualify row_number() over (partition by learner_id order by measured_on desc) = 1),
        placed as (select aged.*, (aged.months - r.months) / (r.to_months - r.months) as way, r.*
            from aged join reference as r on r.measure = '{measure}' and r.sex = aged.sex
                and aged.months >= r.months and (aged.months < r.to_months
                or (aged.months = r.to_months and r.to_months = 228))),
        scored as (select learner_id, ((value / (m + way * (to_m - m))) ** (l + way * (to_l - l)) - 1)
            / ((l + way * (to_l - l)) * (s + way * (to_s - s))) as z from placed)
        select learner_id, z from scored where abs(z) <= {limit}"""


# ---------------------------------------------------------------------------------------------------- attendance
for _kind, _windows in (
    ("absent", ("14d", "28d", "56d", "84d", "year")), ("unexcused", ("28d", "84d", "year")), ("sick", ("28d", "year")),
    ("leave", ("28d", "year")), ("late", ("28d", "84d", "year")),
):  # fmt: skip
    _column = "away" if _kind == "absent" else _kind
    for _window in _windows:
        SQL[f"{_kind}_rate_{_window}"] = (
            f"select learner_id, avg({_column}::int) from seen where {_days(_window)} group by learner_id"
        )
for _window in ("14d", "28d", "84d", "year"):
    for _kind in ("recorded", "absent", "unexcused", "late", "sick"):
        _column = "away" if _kind == "absent" else _kind
        SQL[f"{_kind}_days_{_window}"] = (
            f"select learner_id, count(*) filter ({_column}) from seen where {_days(_window)} group by learner_id"
        )
_BEFORE = "day >= as_of() - 56 and day < as_of() - 28"
_NEXT_TO_HOLIDAY = """(select learner_id, day, lag(not school_day) over walk or lead(not school_day) over walk as beside
    from mark where academic_year = this_year() and isodow(day) <= 5
    window walk as (partition by learner_id order by day))"""
SQL |= {
    "absent_days_before": f"select learner_id, count(*) filter (away) from seen where {_BEFORE} group by learner_id",
    "absent_change_28d": f"""select learner_id, avg(away::int) filter (day >= as_of() - 28)
        - avg(away::int) filter ({_BEFORE}) from seen group by learner_id""",
    "late_change_28d": f"""select learner_id, avg(late::int) filter (day >= as_of() - 28)
        - avg(late::int) filter ({_BEFORE}) from seen group by learner_id""",
    "longest_absence": "select learner_id, max(days) from run group by learner_id",
    "current_absence": "select learner_id, arg_max(days, came) from run group by learner_id",
    "runs_3": "select learner_id, count(*) filter (days >= 3) from run group by learner_id",
    "runs_5": "select learner_id, count(*) filter (days >= 5) from run group by learner_id",
    # 80 % of the school days of the year as the learner's school has kept and will keep it must be attended.
    "days_to_line": """select learner_id, (count(*) filter (school_day)
            + (select count(*) from planned where day >= as_of())) // 5 - count(*) filter (away)
        from mark where academic_year = this_year() group by learner_id having count(*) filter (recorded) > 0""",
    # Each recorded day a point at its week: a week weighs the days that were recorded in it.
    "absent_trend": """select learner_id, regr_slope(away::int, -week)
        from (select *, (as_of() - day - 1) // 7 as week from seen) where week < 8 group by learner_id
        having count(distinct week) > 1""",
    "absent_edge": """select learner_id, avg(away::int) filter (isodow(day) in (1, 5))
        - avg(away::int) filter (isodow(day) not in (1, 5)) from seen group by learner_id""",
    "absent_holiday": f"""select learner_id, avg(away::int) filter (beside is true)
        - avg(away::int) filter (beside is not true)
        from seen left join {_NEXT_TO_HOLIDAY} using (learner_id, day) group by learner_id""",
    # The term before, as many days into it as the date is into its own.
    "absent_change_term": """with own as (from term where first_day < as_of() and as_of() <= last_day),
        earlier as (select term.academic_year, term.first_day + (as_of() - own.first_day)::int as stop from term, own
            where term.first_day < own.first_day order by term.first_day desc limit 1),
        once as (select learner_id, avg(away::int) as share from mark join earlier using (academic_year)
            where recorded and day >= stop - 28 and day < stop group by learner_id)
        select learner_id, value - share from absent_rate_28d join once using (learner_id)""",
    "absent_change_year": """with once as (select learner_id, avg(away::int) as share from seen_last_year
            where position >= as_of() - opens(this_year()) - 28 and position < as_of() - opens(this_year())
            group by learner_id)
        select learner_id, value - share from absent_rate_28d join once using (learner_id)""",
    "absent_rate_last_year": "select learner_id, avg(away::int) from seen_last_year group by learner_id",
    "recorded_share_28d": """select learner_id, count(*) filter (recorded) / count(*) from mark
        where academic_year = this_year() and school_day and day >= as_of() - 28
            and learner_id in (select learner_id from seen) group by learner_id""",
    "recorded_share_year": """select learner_id, count(*) filter (recorded) / count(*) from mark
        where academic_year = this_year() and school_day
            and learner_id in (select learner_id from seen) group by learner_id""",
    "absent_alone_28d": """with there as (select * from seen join classed using (learner_id) where day >= as_of() - 28),
        came as (select class, day, avg((not away)::int) as share from there group by class, day)
        select learner_id, coalesce(sum(share) filter (away), 0) from there join came using (class, day)
        group by learner_id""",
    "class_absent_rate": """select learner_id, avg(value) over (partition by class)
        from classed left join absent_rate_28d using (learner_id)""",
    "absent_vs_class": """select learner_id, a.value - c.value from absent_rate_28d as a
        join class_absent_rate as c using (learner_id)""",
    "absent_rank_school": _standing("absent_rate_year", "school_id"),
}
# -------------------------------------------------------------------------------------------------------- grades
SQL |= {
    # A grade average weighs by credit; what has no credits weighs as one.
    "grade_average": """select learner_id, sum(point * weight) / sum(weight)
        from (select *, coalesce(nullif(credits, 0), 1) as weight from graded) group by learner_id""",
    "grade_latest": """select learner_id, avg(point) from graded
        where known_on = (select max(known_on) from graded as other where other.learner_id = graded.learner_id)
        group by learner_id""",
    "grade_change": """select learner_id, any_value(latest.value) - avg(point)
        from graded join grade_latest as latest using (learner_id)
        where known_on < (select max(known_on) from graded as other where other.learner_id = graded.learner_id)
        group by learner_id""",
    "grade_lowest_area": """select learner_id, min(average) from (select learner_id, avg(point) as average from graded
        where learning_area is not null group by learner_id, learning_area) group by learner_id""",
    "grade_spread": "select learner_id, stddev_pop(point) from graded group by learner_id having count(*) > 1",
    "midterm_percent": """select learner_id, avg(percent) from mine where part = 'midterm' and percent is not null
        group by learner_id""",
    "open_results": "select learner_id, count(*) filter (is_open) from latest group by learner_id",
    "days_open": "select learner_id, as_of() - min(known_on) from latest where is_open group by learner_id",
    "credits_behind": """select learner_id, coalesce(sum(credits) filter (is_open), 0) from latest
        where part = 'final' and credits is not null group by learner_id""",
    "open_share": "select learner_id, avg(is_open::int) from mine group by learner_id",
    "open_latest": """select learner_id, bool_or(is_open)::int from mine
        where known_on = (select max(known_on) from mine as other where other.learner_id = mine.learner_id)
        group by learner_id""",
    "work_days_late": "select learner_id, avg(days_late) from mine where days_late is not null group by learner_id",
    "days_since_result": """select learner_id, as_of() - max(known_on) from piece
        where grade is null or grade not in ('ร', 'มส') group by learner_id""",
    "work_done": "select learner_id, count(*) filter (not is_open) from mine group by learner_id",
    "work_ahead": """select learner_id, count(*) filter (known_on - floor(days_late)::int > as_of()) from mine
        group by learner_id""",
    "credits_done": "select learner_id, coalesce(sum(credits) filter (not is_open), 0) from mine group by learner_id",
    "results_known": "select learner_id, count(*) from mine group by learner_id",
    "lowest_attended_percent": "select learner_id, min(attended_percent) from mine group by learner_id",
    "grade_vs_class": _standing("grade_average", "class"),
    "grade_vs_school": _standing("grade_average", "school_id"),
    "grade_latest_vs_class": _standing("grade_latest", "class"),
    "late_vs_class": _standing("work_days_late", "class"),
    "class_open_share": """select learner_id, avg(value) over (partition by class)
        from classed left join open_share using (learner_id)""",
    "open_vs_class": """select learner_id, o.value - c.value from open_share as o
        join class_open_share as c using (learner_id)""",
}
# ---------------------------------------------------------------------------------------------- home and growth
SQL |= {
    "poverty_class": _last_said("""case poverty_class when 'not_poor' then 0 when 'poor' then 1
        when 'extremely_poor' then 2 end"""),
    "away_from_parents": _last_said("""case when lives_with = 'both_parents' then 0
        when lives_with = 'one_parent' then 1 when lives_with = 'relatives' then 2
        when lives_with is not null then 3 end"""),
    **{name: _last_said(name) for name in ("income_per_head", "wealth_percentile", "dependants", "housing_lacks",
                                           "belongings", "distance_km", "travel_minutes")},
    "survey_age": "select learner_id, as_of() - max(surveyed_on) from screened group by learner_id",
    # Named by a list that began and was known before the date: holds a grant, or held one.
    "grant_held": """select learner_id, (learner_id in (select learner_id from granted))::int from known_grant
        group by learner_id""",
    "grant_attendance": "select learner_id, max(attendance_percent) from granted group by learner_id",
    "grant_margin": """select learner_id, (1 - away.value) * 100 - asked.value
        from absent_rate_year as away join grant_attendance as asked using (learner_id)""",
    "height_for_age": _z("height", "height", 6),
    "bmi_for_age": _z("bmi", "weight / (height / 100) ** 2", 5),
    "height_gain": """with span as (select learner_id, max(measured_on) - min(measured_on) as days,
            arg_max(height, measured_on) - arg_min(height, measured_on) as cm
        from measured where height is not null and measured_on >= as_of() - 730 group by learner_id)
        select learner_id, cm / (days / 365.25) as gain from span
        where days >= 365.25 / 3 and gain between -20 and 40""",
}  # fmt: skip
# ------------------------------------------------------------------------------------------ age, moves and school
_THREE_YEARS = "known_list where academic_year between this_year() - 2 and this_year()"
SQL |= {
    "grade_level": "select learner_id, level from who join grade_level_of using (grade)",
    # Usual: ป.1 in the year of the seventh birthday, so half a year past the sixth on the year's first day.
    "over_age": """select learner_id, (opens(this_year()) - birth_date) / 365.25 - (5.5 + value) as years
        from grade_level join person using (learner_id) where years between -5 and 15""",
    "attempts_before": "select learner_id, attempts_before from who",
    "isced_completed": "select learner_id, isced_completed from who",
    "credits": "select learner_id, credits from who",
    "days_into_year": "select learner_id, as_of() - started_on from who",
    "entered_late": "select learner_id, entered_on - started_on from who",
    "repeated_grade": """with last_year as (select learner_id, last(level order by listed_on, school_id) as level
            from known_list join grade_level_of using (grade) where academic_year = this_year() - 1 group by learner_id)
        select learner_id, (value <= level)::int from grade_level join last_year using (learner_id)
        where value is not null""",
    "moves": f"select learner_id, count(distinct school_id) - 1 from {_THREE_YEARS} group by learner_id",
    "agency_changes": f"""select learner_id, count(distinct agency) - 1
        from (from {_THREE_YEARS}) join school using (school_id) where agency is not null group by learner_id""",
    "school_size": "select learner_id, count(*) over (partition by school_id) from who",
    "school_left_last_year": """with listed as (select distinct school_id, learner_id from known_list
            where academic_year = this_year() - 1),
        gone as (select distinct school_id, learner_id from known_exit
            where day >= opens(this_year() - 1) and day < opens(this_year()) and day < as_of()
            and cause in ('not_found', 'withdrew', 'past_compulsory_age')),
        share as (select school_id, avg((gone.learner_id is not null)::int) as value
            from listed left join gone using (school_id, learner_id) group by school_id)
        select learner_id, value from who join share using (school_id)""",
    "school_season": """with school_marks as (
            select who.school_id, away, position, as_of() - opens(this_year()) as now
            from seen_last_year join who using (learner_id)),
        share as (select school_id, avg(away::int) filter (position >= now and position < now + 28) - avg(away::int)
            as value from school_marks group by school_id)
        select learner_id, value from who join share using (school_id)""",
}


def oracle(store: Store, settings: Settings, as_of: date) -> pd.DataFrame:
    """One row per learner of the cohort, sorted by learner, with every feature of `SQL` as a column (float64)."""
    year = calendar.academic_year(as_of, settings)
    terms = pd.DataFrame(
        [(y, *calendar.term_days(y, t.number, settings)) for y in (year - 1, year) for t in settings.terms],
        columns=["academic_year", "first_day", "last_day"],
    )
    first = calendar.first_day(year, settings)
    page = bytes(calendar.blank_page(year, settings)).decode()
    given = {name: store.read(name) for name in SIGNALS} | {
        "term": pa.Table.from_pandas(terms),
        "planned": pa.table({"day": [first + timedelta(days=n) for n, mark in enumerate(page) if mark != NO_SCHOOL]}),
        "grade_level_of": pa.table({"grade": list(GRADE_LEVEL), "level": list(GRADE_LEVEL.values())}),
    }  # fmt: skip
    with duckdb.connect(config={"threads": 1}) as database:
        for name, rows in given.items():
            database.register(name, rows)
        database.execute(f"create macro as_of() as date '{as_of}'")
        database.execute(f"create macro this_year() as {year}")
        database.execute(f"create macro opens(year) as make_date(year - 543, {first.month}, {first.day})")
        database.execute(f"create table who_2007 as from '{WHO_2007}'")
        database.execute(RELATIONS)
        learners = database.execute("select learner_id from who order by learner_id").df()["learner_id"]
        found = {"learner_id": learners.to_numpy()}
        for feature, query in SQL.items():
            database.execute(f'create table "{feature}" as select * from ({query}) as held(learner_id, value)')
            values = database.execute(f'select learner_id, value::double as value from "{feature}"').df()
            assert values["learner_id"].is_unique, feature
            found[feature] = values.set_index("learner_id")["value"].reindex(learners).to_numpy(np.float64)
    return pd.DataFrame(found)
