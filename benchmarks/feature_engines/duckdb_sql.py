"""The same signals by SQL in DuckDB, over row-per-day and row-per-result Parquet, partition by partition.

The fastest of the forms tried: no window function over days. A learner's days of each mark become a bit string, and a
window is a mask and a bit count. What tells a run of days away is how many days present came before it.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.feature_engines.signals import (
    AS_OF,
    CLASS,
    DAYS,
    FIRST,
    LINE,
    RATES,
    STOP,
    WEEKS,
    WINDOWS,
    YEAR,
)

_YEAR_DAYS = 366
_KINDS = {"unexcused": "A", "sick": "S", "leave": "L", "late": "T", "unsaid": "-"}
_DAY = f"(day - date '{FIRST}')"


def _bits(ones: set[int]) -> str:
    return "'" + "".join("01"[day in ones] for day in range(_YEAR_DAYS)) + "'::bit"


def _weekdays(*which: int) -> set[int]:
    return {day for day in range(_YEAR_DAYS) if (FIRST.weekday() + day) % 7 in which}


def _marks() -> str:
    empty = _bits(set())
    mine = ", ".join(f"coalesce(any_value(d) filter (mark = '{m}'), {empty}) as {k}" for k, m in _KINDS.items())
    before = _bits(set(range(STOP)))
    # Next to a closed weekday: the weekday before or after it; Monday's is Friday, three days off.
    return f"""
      create or replace temp table marks as
      with each as (
        select learner_id, mark, bitstring_agg({_DAY}, 0, {_YEAR_DAYS - 1}) as d from day group by all),
      whole as (select learner_id, {mine}, bit_or(d) as planned from each group by all),
      known as (select learner_id, planned, planned & {before} as open, unsaid & {before} as unsaid,
                unexcused & {before} as unexcused, sick & {before} as sick, leave & {before} as leave,
                late & {before} as late from whole),
      closing as (select *, open & ~unsaid as recorded, unexcused | sick | leave as absent,
                  {_bits(_weekdays(0, 1, 2, 3, 4) & set(range(STOP)))} & ~open as closed from known)
      select *, recorded & ~absent as present, {_bits(_weekdays(0, 4))} as edge,
        ({_bits(_weekdays(1, 2, 3, 4))} & (closed >> 1)) | ({_bits(_weekdays(0))} & (closed >> 3))
        | ({_bits(_weekdays(0, 1, 2, 3))} & (closed << 1)) | ({_bits(_weekdays(4))} & (closed << 3)) as holiday
      from closing"""


_RUNS = f"""
  create or replace temp table runs as
  with run as (
    select learner_id, bit_count(present & lt) as present_before, count(*) as days
    from day join before using (day) join marks using (learner_id)
    where mark in ('A', 'S', 'L') and day < date '{AS_OF}' group by all)
  select learner_id, max(days) as longest, count(*) filter (days >= 3) as runs_3, count(*) filter (days >= 5) as runs_5,
         coalesce(max(days) filter (present_before = bit_count(present)), 0) as current
  from run join marks using (learner_id) group by learner_id"""


def _attendance() -> str:
    mask = {window: _bits(set(range(*span))) for window, span in WINDOWS.items()}
    kinds = ("recorded", "open", "absent", "unexcused", "sick", "leave", "late")
    counts = [f"bit_count({kind} & {mask[w]}) as {kind}_{w}" for kind in kinds for w in WINDOWS]
    counts += [
        f"bit_count({kind} & {of}) as {kind}_{of}" for kind in ("recorded", "absent") for of in ("edge", "holiday")
    ]

    def rate(kind: str, window: str) -> str:
        return f"({kind}_{window} / nullif(recorded_{window}, 0))"

    out = [f"{rate(kind, w)} as {kind}_rate_{w}" for kind, windows in RATES.items() for w in windows]
    out += [f"{kind}_{w} as {kind}_days_{w}" for kind, w in DAYS]
    runs = {"longest_absence": "longest", "current_absence": "current", "runs_3": "runs_3", "runs_5": "runs_5"}
    out += [f"if(recorded_year > 0, coalesce({source}, 0), null) as {name}" for name, source in runs.items()]
    out += [
        f"if(recorded_year > 0, floor({1 - LINE} * planned_days + 1e-9) - absent_year, null) as days_to_line",
        f"{rate('absent', '28d')} - {rate('absent', 'before')} as absent_change_28d",
        f"{rate('late', '28d')} - {rate('late', 'before')} as late_change_28d",
        f"{rate('absent', '28d')} - {rate('absent', 'term')} as absent_change_term",
        "recorded_28d / nullif(open_28d, 0) as recorded_share_28d",
        "recorded_year / nullif(open_year, 0) as recorded_share_year",
    ]
    for name in ("edge", "holiday"):
        rest = f"(absent_year - absent_{name}) / nullif(recorded_year - recorded_{name}, 0)"
        out.append(f"absent_{name} / nullif(recorded_{name}, 0) - {rest} as absent_{name}")

    def total(kind: str, power: int) -> str:
        return "(" + " + ".join(f"{(-k) ** power} * {kind}_week_{k}" for k in WEEKS) + ")"

    w, wx, wxx = (total("recorded", power) for power in (0, 1, 2))
    slope = f"({total('absent', 1)} * {w} - {wx} * {total('absent', 0)}) / nullif({wxx} * {w} - {wx} * {wx}, 0)"
    return f"""with counted as (select learner_id, bit_count(planned) as planned_days, {", ".join(counts)} from marks)
      select learner_id, {", ".join(out)}, {slope} as absent_trend
      from counted left join runs using (learner_id)"""


_GRADES = f"""
  with stated as (
    select *, coalesce(case when grade not in ('ร', 'มส', 'ผ', 'มผ') then grade end::double, percent / 25) as point
    from result where known_on < date '{AS_OF}'),
  work as materialized (
    select learner_id, academic_year, max(known_on) as known_on, arg_max(grade, known_on) in ('0', 'ร', 'มส') as open,
      arg_max(point, known_on) as point, arg_max(known_on, known_on) filter (point is not null) as point_known,
      arg_max(learning_area, known_on) filter (point is not null) as area,
      coalesce(nullif(arg_max(credits, known_on) filter (point is not null), 0), 1) as weight
    from stated group by learner_id, academic_year, term, subject, part),
  newest as (
    select learner_id, point_known, sum(point) as points, count(point) as n, sum(weight * point) as weighed,
      sum(weight) as weights, sum(point * point) as squares
    from work where point is not null group by all),
  average as (
    select learner_id, sum(weighed) / sum(weights) as grade_average, arg_max(points / n, point_known) as grade_latest,
      grade_latest - (sum(points) - arg_max(points, point_known)) / nullif(sum(n) - arg_max(n, point_known), 0)
        as grade_change,
      if(sum(n) > 1, sqrt(greatest(sum(squares) / sum(n) - (sum(points) / sum(n)) ** 2, 0)), null) as grade_spread
    from newest group by learner_id),
  lowest as (
    select learner_id, min(mean) as grade_lowest_area from (
      select learner_id, area, avg(point) as mean from work where point is not null and area is not null group by all)
    group by learner_id),
  still as (
    select learner_id, count(*) filter (open) as open_results,
      date '{AS_OF}' - min(known_on) filter (open) as days_open,
      nullif(count(*) filter (academic_year = {YEAR}), 0) as results_known,
      count(*) filter (open and academic_year = {YEAR}) / results_known as open_share
    from work group by learner_id)
  select * from still left join average using (learner_id) left join lowest using (learner_id)"""


_LISTS = f"""
  select learner_id, arg_max(school_id, listed_on) as school_id, arg_max(grade, listed_on) as grade,
    arg_max(room, listed_on) as room
  from enrolment where listed_on < date '{AS_OF}' and academic_year = {YEAR} group by learner_id"""


def _standing(value: str, by: str) -> str:
    """Share of the group's known values that are no larger, ties in the middle."""
    over = f"over (partition by {by}, {value} is null order by {value})"
    whole = f"count(*) over (partition by {by}, {value} is null)"
    return f"if({value} is null, null, (rank() {over} / {whole} + cume_dist() {over}) / 2)"


def run(register: Path, task: str, out: Path) -> None:
    """Signals of the task ("all" or "attendance"): `<bucket>-learner.parquet`, and `context.parquet` of all."""
    con = duckdb.connect()
    con.execute(f"set memory_limit = '4GB'; set temp_directory = '{out}'; set preserve_insertion_order = false")
    before = f"(repeat('1', i::int) || repeat('0', {_YEAR_DAYS} - i::int))::bit"
    con.execute(
        f"create table before as select date '{FIRST}' + i::int as day, {before} as lt from range({_YEAR_DAYS}) r(i)"
    )
    table, own = register / "store" / "register", ", ".join(CLASS)
    for at, file in enumerate(sorted((register / "days").iterdir())):
        con.execute(f"create or replace view day as from read_parquet('{file}')")
        con.execute(_marks())
        con.execute(_RUNS)
        found = _attendance()
        if task == "all":
            for name in ("result", "enrolment"):
                parts = f"{table}/{name}/*/bucket={file.stem}/*.parquet"
                con.execute(f"create or replace view {name} as from read_parquet('{parts}', hive_partitioning = false)")
            found = f"""
              select {own}, d.*, g.* exclude (learner_id) from ({_LISTS}) e
              join ({found}) d using (learner_id) left join ({_GRADES}) g using (learner_id)"""
        con.execute(f"create or replace temp table found as {found}")
        con.execute(f"copy found to '{out}/{file.stem}-learner.parquet'")
        if task == "all":
            needed = (
                f"select learner_id, {own}, absent_rate_28d, absent_rate_year, open_share, grade_average, grade_latest"
            )
            con.execute(
                f"{'insert into' if at else 'create temp table'} learner {'' if at else 'as'} {needed} from found"
            )
    if task == "all":
        con.execute(f"""copy (
          select learner_id, avg(absent_rate_28d) over c as class_absent_rate,
            absent_rate_28d - class_absent_rate as absent_vs_class, avg(open_share) over c as class_open_share,
            open_share - class_open_share as open_vs_class,
            {_standing("absent_rate_year", "school_id")} as absent_rank_school,
            {_standing("grade_average", own)} as grade_vs_class,
            {_standing("grade_average", "school_id")} as grade_vs_school,
            {_standing("grade_latest", own)} as grade_latest_vs_class
          from learner window c as (partition by {own})) to '{out}/context.parquet'""")


def scan_rows(register: Path, task: str, out: Path) -> None:
    """The floor of row-per-day marks: every column read and folded once."""
    _scan(f"select sum(learner_id::hugeint), max(day), max(mark), count(*) from '{register}/days/*.parquet'")


def scan_pages(register: Path, task: str, out: Path) -> None:
    """The floor of roll pages."""
    _scan(f"select sum(learner_id::hugeint), max(marks) from '{register}/store/register/roll/*/*/*.parquet'")


def _scan(query: str) -> None:
    duckdb.connect().sql(query).to_arrow_table()
