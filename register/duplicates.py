"""One child once: pairs of learners who may be one child, a person's decision, and the list of who stands on two lists.

    register ─► candidates (what may be one child, side by side) ─► a person decides ─► Store.read shows one child
    register ─► listed_twice (one child, two schools' lists) ─► the schools look and answer ─► table follow_up

Exact links (a citizen id whose check digit fits, a number with its birth date) are made when a file is read, in
register/identity.py. Here are the others: a mistyped id, a G-code that became a citizen id, a name written another way
by the next school. Each is weighed by a Fellegi–Sunter model (splink on DuckDB) and *suggested*; nothing is ever merged
but by a person, and a later decision takes an earlier one back. Why it is built like this: docs/decisions/0005.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import xlsxwriter

from raksa import calendar, thai
from raksa.errors import RaksaError
from raksa.settings import Settings
from raksa.store import Store, page_matrix
from raksa.tables import ACTIVITY, FINDINGS, IDENTITY_DECISION, LATE, PRESENT, SAME_CHILD
from register.linkage import COMPARED, FIELDS, FILLED, NO_PAIRS, load, weigh
from register.readers import read, read_path

SUGGESTED = 0.5
"""Pairs that are more probably one child than two are suggested; docs/duplicates.md says what that finds and misses."""


class _Apart(Store):
    """The register as agencies wrote it, no two learners read as one."""

    def merged(self) -> dict[int, int]:
        return {}


# ------------------------------------------------------------------------------------------------ pairs
def candidates(
    store: Store,
    settings: Settings,
    *,
    threshold: float = SUGGESTED,
    include_decided: bool = False,
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """One row per pair of learners who may be one child, the most probable first; learner_a < learner_b.

    Columns: probability; for each of FIELDS the value of either (`first_name_a`, `first_name_b`) and how they compare
    (`first_name`: agrees, close, differs, missing); `both_listed_on`, the last day two schools listed both, which
    speaks neither for nor against; and the latest decision of a person (decision, decided_by, decided_at, reason),
    empty where there is none. Schools come with the academic years seen there, ids masked.

    Pairs decided same or different come only with `include_decided`, weighed as if nothing had been decided. Never
    suggested, whatever the probability: learners whose first names differ (unless their ids are one slip apart); who
    stood on one school's list of one day, unless their first names are the same to the tone mark; whose first names are
    merely close and birth dates quite different: twins, brothers and sisters. Same register, same rows.
    """
    say = progress or (lambda _: None)
    source = _Apart(store.home) if include_decided else store
    say("reading names, birth dates and lists")
    with duckdb.connect(config={"threads": settings.jobs} if settings.jobs > 0 else {}) as con:
        load(con, source)
        (count,) = con.execute("select count(*) from record").fetchall()[0]
        if count < 2:
            return _evidence(con, NO_PAIRS, {})
        say(f"comparing {count:,} learners")
        pairs = weigh(con, count, settings.seed, threshold)
        decided = _decisions(store, merged=not include_decided)
        settled = {pair for pair, held in decided.items() if held["decision"] != "unknown"}
        if settled and not include_decided:
            names = zip(pairs["learner_a"].tolist(), pairs["learner_b"].tolist(), strict=True)
            pairs = pairs[[pair not in settled for pair in names]]
        return _evidence(con, pairs, decided)


# ------------------------------------------------------------------------------------------------ side by side
_DECISION = ("decision", "decided_by", "decided_at", "reason")
_SHOWN = """
with seen as (
    select learner_id, min(academic_year) as first, coalesce(any_value(name), school_id) || ' (' ||
        min(academic_year) || if(max(academic_year) > min(academic_year), '–' || max(academic_year), '') || ')' as said
    from listed left join school_rows using (school_id)
    where learner_id in (from asked_rows) group by learner_id, school_id),
place as (select learner_id, string_agg(said, ', ' order by first, said) as school from seen group by learner_id)
select learner_id, first_name, last_name, birth_date, sex, school, guardian_name as guardian, id, shown_id
from record left join place using (learner_id) where learner_id in (from asked_rows)
"""
_BOTH_LISTED = """
select learner_a, learner_b, max(a.listed_on) as both_listed_on from pair_rows
join listed a on a.learner_id = learner_a
join listed b on b.learner_id = learner_b and b.listed_on = a.listed_on and b.school_id <> a.school_id
group by learner_a, learner_b
"""


def _evidence(
    con: duckdb.DuckDBPyConnection, pairs: pd.DataFrame, decided: Mapping[tuple[int, int], Mapping[str, Any]]
) -> pd.DataFrame:
    """The pairs with everything a person needs to decide about them."""
    both = ["learner_a", "learner_b"]
    con.register("pair_rows", pairs)
    asked = pd.DataFrame({"learner_id": pd.unique(pairs[both].to_numpy().ravel())}, dtype="int64")
    con.register("asked_rows", asked)
    people = con.sql(_SHOWN).to_arrow_table().to_pandas().set_index("learner_id")
    together = con.sql(_BOTH_LISTED).to_arrow_table().to_pandas()
    a, b = (people.reindex(pairs[side]).reset_index(drop=True) for side in both)
    masked = {side: _masked(held) for side, held in (("a", a), ("b", b))}
    out = pairs[[*both, "probability"]].reset_index(drop=True)
    for field in FIELDS:
        filled = (a[field].notna() & b[field].notna()).to_numpy()
        words = [level.says for level in reversed(COMPARED[field][1])]
        said = [words[n] if n >= 0 else FILLED.get(field, "missing") if full else "missing"
                for n, full in zip(pairs[field], filled, strict=True)]  # fmt: skip
        out[f"{field}_a"] = masked["a"] if field == "id" else a[field]
        out[f"{field}_b"] = masked["b"] if field == "id" else b[field]
        out[field] = pd.Series(said, dtype="str")
    out["both_listed_on"] = out[both].merge(together, how="left", on=both)["both_listed_on"].astype(object)
    held = [decided.get(pair, {}) for pair in zip(out["learner_a"].tolist(), out["learner_b"].tolist(), strict=True)]
    for column in _DECISION:
        out[column] = pd.Series([one.get(column) for one in held], dtype="str")
    return out


def shown(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The pairs of `candidates` for a table on a screen: a pair a row, each field's two values in one cell with how
    they compare."""
    rows = []
    for row in frame.to_dict("records"):
        sides = {f: [_for_people(row[f"{f}_{side}"]) or "-" for side in "ab"] for f in FIELDS}
        said = {f: f"{' | '.join(dict.fromkeys(sides[f]))} ({row[f]})" for f in FIELDS}
        about = {"learner_a": row["learner_a"], "learner_b": row["learner_b"], "probability": row["probability"]}
        rows.append({**about, **said, "decision": _for_people(row["decision"]) or ""})
    return rows


def _masked(people: pd.DataFrame) -> pd.Series:
    """Ids as they may be shown; the G-code or passport of who has no citizen id."""
    return people["id"].where(people["id"].notna(), people["shown_id"]).map(thai.mask, na_action="ignore").astype("str")


# ------------------------------------------------------------------------------------------------ decisions
Pair = tuple[int, int]


def decide(
    store: Store,
    learner_a: int,
    learner_b: int,
    decision: str,
    *,
    who: str,
    why: str,
    now: datetime,
    probability: float | None = None,
) -> str:
    """Write down that two learners are one child (same), are not (different), or that it is not known yet (unknown).

    From then on every reader of the register sees it; nothing stored is changed. The latest decision about a pair
    holds. Returns the snapshot. Raises RaksaError for a learner nobody listed, a decision without a person or a reason,
    and one that contradicts what was decided about others: if 1 is 2 and 2 is 3, then 1 and 3 cannot be two children.
    """
    with store.writing():
        row = _Decisions(store).take(learner_a, learner_b, decision, who, why, now, probability)
        return _write(store, [row], now)


class _Decisions:
    """Decisions as they stand, and new ones checked against them one after the other."""

    def __init__(self, store: Store) -> None:
        apart = _Apart(store.home)
        tables = (apart.read(name, columns=["learner_id"]) for name in ("identity", "enrolment", "population"))
        self.learners = {one for table in tables for one in pc.unique(table["learner_id"]).to_pylist()}
        self.held = {pair: row["decision"] for pair, row in _decisions(store, merged=False).items()}

    def take(self, one: int, other: int, decision: str, who: str, why: str, now: datetime, probability: float | None
             ) -> dict[str, Any]:  # fmt: skip
        """The row of a decision. Raises RaksaError, and forgets it again, when it cannot stand."""
        if decision not in SAME_CHILD:
            raise RaksaError(f"{decision!r} is no decision. Decide one of {', '.join(SAME_CHILD)}.")
        if one == other:
            raise RaksaError(f"Learner {one} stands on both sides. Name two learners.")
        for learner in (one, other):
            if learner not in self.learners:
                raise RaksaError(f"No list names learner {learner}. Take the two learners from `raksa duplicates`.")
        for what, said in (("who decides", who), ("why", why)):
            if not said.strip():
                raise RaksaError(f"The decision about {one} and {other} does not say {what}. Write it beside it.")
        if now.tzinfo is None:
            raise RaksaError(f"The time {now} has no zone. Give one, as in datetime.now(UTC).")
        if probability is not None and not 0 <= probability <= 1:
            raise RaksaError(f"The probability {probability} is not between 0 and 1. Leave it out.")
        a, b = sorted((one, other))
        before = self.held.get((a, b))
        self.held[a, b] = decision
        if broken := self._broken():
            del self.held[a, b]
            if before:
                self.held[a, b] = before
            raise RaksaError(
                f"{a} and {b} cannot be decided {decision}: learners {broken[0]} and {broken[1]} are decided to be two "
                "children, and would be one through others decided the same. Decide about those first."
            )
        return {
            "learner_a": a, "learner_b": b, "decision": decision, "decided_by": who.strip(), "reason": why.strip(),
            "decided_at": now.isoformat(timespec="seconds"), "probability": probability, "source": None,
        }  # fmt: skip

    def _broken(self) -> Pair | None:
        """A pair of two children who are one through others, or None."""
        one: dict[int, int] = {}

        def find(learner: int) -> int:
            while learner in one:
                learner = one[learner]
            return learner

        for (a, b), decision in self.held.items():
            low, high = sorted((find(a), find(b)))
            if decision == "same" and low != high:
                one[high] = low
        return next((p for p, said in self.held.items() if said == "different" and find(p[0]) == find(p[1])), None)


def _write(store: Store, rows: list[dict[str, Any]], now: datetime) -> str:
    table = pa.Table.from_pylist(rows, schema=IDENTITY_DECISION.schema)
    return store.add_snapshot({"identity_decision": table}, [], None, now.isoformat(timespec="seconds"))


def _decisions(store: Store, *, merged: bool) -> dict[Pair, dict[str, Any]]:
    """Latest decision about each pair; `merged`: about each pair as learners are read, so that a decision about one of
    two who are one child since is one about her."""
    one = store.merged() if merged else {}
    out: dict[Pair, dict[str, Any]] = {}
    rows = store.read("identity_decision").to_pylist()
    for row in sorted(rows, key=lambda row: datetime.fromisoformat(row["decided_at"])):
        a, b = sorted(one.get(row[side], row[side]) for side in ("learner_a", "learner_b"))
        if a != b:
            out[a, b] = row
    return out


# ------------------------------------------------------------------------------------------------ officers' workbooks
_SAID_TH = {"agrees": "ตรงกัน", "close": "ใกล้เคียง", "differs": "ต่างกัน", "missing": "ไม่มีข้อมูล"}
_SEX_TH = {"female": "หญิง", "male": "ชาย"}
_DECISION_TH = {"same": "คนเดียวกัน", "different": "คนละคน", "unknown": "ยังไม่ทราบ"}
_FIELD_TH = {"first_name": "ชื่อ", "last_name": "นามสกุล", "birth_date": "วันเกิด", "sex": "เพศ",
             "school": "โรงเรียน (ปีการศึกษา)", "guardian": "ผู้ปกครอง", "id": "เลขประจำตัว (ปกปิด)"}  # fmt: skip
_DIFFERS, _CLOSE = "#F8D7C4", "#FFF3C4"


def candidates_to_xlsx(frame: pd.DataFrame, path: Path) -> None:
    """The pairs of `candidates` as a workbook to decide in: a pair a row, the two children side by side, two columns to
    fill, การตัดสิน / decision (a list to choose from) and เหตุผล / why. Hidden columns hold the learner ids as text."""
    columns: list[tuple[str, int, list[Any]]] = [
        ("การตัดสิน / decision", 16, [_DECISION_TH.get(d) for d in frame["decision"]]),
        ("เหตุผล / why", 30, frame["reason"].tolist()),
        ("โอกาสเป็นคนเดียวกัน / probability", 12, frame["probability"].tolist()),
    ]
    for field in FIELDS:
        for side, letter in (("a", "ก"), ("b", "ข")):
            shown = [_for_people(value) for value in frame[f"{field}_{side}"]]
            columns.append((f"{_FIELD_TH[field]} {letter} / {field} {side}", 16, shown))
        said = [f"{_SAID_TH[word]} / {word}" for word in frame[field]]
        columns.append((f"เทียบ{_FIELD_TH[field]} / {field}", 13, said))
    columns += [
        ("อยู่ในรายชื่อสองโรงเรียนวันเดียวกัน / both listed on", 14, [_for_people(d) for d in frame["both_listed_on"]]),
        ("ผู้ตัดสินครั้งก่อน / decided by", 16, frame["decided_by"].tolist()),
        ("ตัดสินเมื่อ / decided at", 16, frame["decided_at"].tolist()),
        ("ผู้เรียน ก / learner_a", 0, frame["learner_a"].astype(str).tolist()),
        ("ผู้เรียน ข / learner_b", 0, frame["learner_b"].astype(str).tolist()),
    ]
    _workbook(path, "คู่ที่อาจเป็นคนเดียวกัน", columns, {0: list(_DECISION_TH.values())}, marked=True)


@dataclass(frozen=True)
class DecisionsReport:
    """What became of a workbook of decisions: rows taken, rows not decided yet, and of each refused row why, in one
    sentence. rows = taken + waiting + refused. `snapshot` is None when nothing was taken."""

    snapshot: str | None
    rows: int
    taken: int
    waiting: int
    refused: tuple[str, ...]


def decisions_from_xlsx(store: Store, path: Path, *, who: str, now: datetime) -> DecisionsReport:
    """Take the decisions a person filled into the workbook of `candidates_to_xlsx`, in one snapshot.

    The Thai word or the English one counts. A row without a decision waits. Raises RaksaError for a file that is no
    such workbook.
    """
    lines, columns = _decision_rows(path)
    words = {thai.search_key(form): word for word in SAME_CHILD for form in (word, _DECISION_TH[word],
             f"{_DECISION_TH[word]} / {word}")}  # fmt: skip
    rows: list[dict[str, Any]] = []
    refused: list[str] = []
    waiting = 0
    with store.writing():
        decisions = _Decisions(store)
        seen: dict[Pair, int] = {}
        for line, cells in lines:
            said = {name: cells[at].strip() if at < len(cells) else "" for name, at in columns.items()}
            if not said["decision"]:
                waiting += 1
                continue
            try:
                pair = _whole_number(said["learner_a"]), _whole_number(said["learner_b"])
                decision = words.get(thai.search_key(said["decision"]), said["decision"])
                if pair in seen:
                    raise RaksaError(f"Line {seen[pair]} is about the same two learners. Keep one of the two.")
                rows.append(decisions.take(*pair, decision, who, said["why"], now, _share(said["probability"])))
                seen[pair] = line
            except RaksaError as wrong:
                refused.append(f"{path.name}, line {line}: {wrong}")
        snapshot = _write(store, rows, now) if rows else None
    return DecisionsReport(snapshot, len(lines), len(rows), waiting, tuple(refused))


def _decision_rows(path: Path) -> tuple[list[tuple[int, list[str]]], dict[str, int]]:
    """Lines below the header, and where in them the wanted columns stand, by the English half of their titles."""
    wanted = {"decision", "why", "learner_a", "learner_b"}
    for sheet in read(path.name, read_path(path)):
        for at, cells in enumerate(sheet.cells[:30]):
            titles = {cell.rpartition("/")[2].strip(): n for n, cell in enumerate(cells)}
            if wanted <= set(titles):
                lines = zip(sheet.lines[at + 1 :], sheet.cells[at + 1 :], strict=True)
                return list(lines), {"probability": len(cells)} | {t: n for t, n in titles.items() if t in _READ_BACK}
    raise RaksaError(
        f"{path.name} has no row of titles with {', '.join(sorted(wanted))}. Fill in the workbook that `raksa "
        "duplicates --to` wrote, and keep its hidden columns."
    )


_READ_BACK = ("decision", "why", "learner_a", "learner_b", "probability")


def _whole_number(text: str) -> int:
    if not text.isdigit():
        raise RaksaError(f"{text!r} is no learner. Keep the hidden columns as they were written.")
    return int(text)


def _share(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _for_people(value: Any) -> str | None:
    """A cell as people read it: dates in the Buddhist era, sex in words; None where it is missing."""
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    return thai.format_date(value) if isinstance(value, date) else _SEX_TH.get(value, str(value))


def _workbook(
    path: Path,
    title: str,
    columns: Sequence[tuple[str, int, list[Any]]],
    choices: Mapping[int, list[str]],
    *,
    marked: bool = False,
) -> None:
    """A sheet of columns (title, width, 0 = hidden, cells), with lists to choose from in some, by position. Texts are
    written as texts. `marked`: cells that say close or differs stand out, in words first, colour second."""
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet(title[:31])
        heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        colours = {"close": book.add_format({"bg_color": _CLOSE}), "differs": book.add_format({"bg_color": _DIFFERS})}
        rows = len(columns[0][2])
        for x, (name, width, cells) in enumerate(columns):
            sheet.write_string(0, x, name, heading)
            sheet.set_column(x, x, width or 8, None, {} if width else {"hidden": True})
            for y, cell in enumerate(cells, start=1):
                if isinstance(cell, str):
                    colour = colours.get(cell.rpartition("/")[2].strip()) if marked else None
                    sheet.write_string(y, x, cell[:32_767], colour)
                elif cell is not None and not pd.isna(cell):
                    sheet.write_number(y, x, cell)
        for x, words in choices.items():
            sheet.data_validation(1, x, max(rows, 1), x, {"validate": "list", "source": words})
        sheet.freeze_panes(1, 2)
        if rows:
            sheet.autofilter(0, 0, rows, len(columns) - 1)


# ------------------------------------------------------------------------------------------------ listed twice
_ATTENDED = [ord(mark) for mark in (PRESENT, LATE, ACTIVITY)]
_LISTED_TWICE = """
with known as (from list_rows where listed_on < $day),
latest as (select * from known semi join (select school_id, max(listed_on) as listed_on from known group by school_id)
    using (school_id, listed_on)),
gone as (select learner_id, school_id, max(coalesce(left_on, known_on)) as left_on from exit_rows
    where known_on < $day group by learner_id, school_id),
standing as (
    select l.*, census_day from latest l join census_rows using (listed_on) left join gone using (learner_id, school_id)
    where status in ('enrolled', 'floating') and (gone.left_on is null or gone.left_on < l.listed_on)),
twice as (select learner_id, census_day, array_agg(distinct school_id) as schools from standing
    group by learner_id, census_day having count(distinct school_id) > 1),
named as (select learner_id, arg_max(prefix, known_on) as prefix, arg_max(first_name, known_on) as first_name,
    arg_max(last_name, known_on) as last_name, arg_max(id_number, known_on) as id_number
    from identity_rows where known_on < $day group by learner_id),
answered as (select learner_id, school_id, max(known_on) as found_on, arg_max(finding, known_on) as finding
    from follow_rows where known_on < $day group by learner_id, school_id),
titled as (select school_id, name, agency, area_id, coalesce(area_name, area_id) as area from school_rows)
select t.learner_id, t.census_day, s.school_id, coalesce(c.name, s.school_id) as school, c.agency, c.area_id, c.area,
    s.grade, s.room, s.student_number, s.status, s.listed_on, n.prefix, n.first_name, n.last_name,
    if(s.student_number is null, n.id_number, null) as id_number,
    (select string_agg(coalesce(o.name, u.school), ', ' order by u.school)
        from (select unnest(t.schools) as school) u left join titled o on o.school_id = u.school
        where u.school <> s.school_id) as also_at,
    a.finding, a.found_on
from twice t join standing s using (learner_id, census_day) left join titled c using (school_id)
    left join named n using (learner_id) left join answered a using (learner_id, school_id)
order by t.learner_id, t.census_day, s.school_id
"""


def listed_twice(store: Store, settings: Settings, as_of: date) -> pd.DataFrame:
    """One row per child and school, of children who stand on the latest lists of two or more schools of one census.

    Only what was known strictly before `as_of`. Lists belong to the census day nearest to theirs; a child whose older
    school has sent no list since is not twice on any. On the books are enrolled and floating; an exit known since the
    list takes the child off it. One child is who has one id, or was decided to be one.

    Columns: learner_id, census_day, school_id, school, agency, area_id, area, grade, room, student_number, status,
    listed_on, prefix, first_name, last_name, id_number (only where the school gave the child no number), also_at (names
    of the other schools), finding and found_on (the school's last answer), last_attended_on (last day the school marked
    the child as there; missing = no such mark since the year of the list began).
    """
    lists = store.read("enrolment")
    days = [day for day in pc.unique(lists["listed_on"]).to_pylist() if day < as_of]
    with duckdb.connect() as con:
        held = {
            "list_rows": lists,
            "census_rows": pa.table({"listed_on": pa.array(days, pa.date32()), "census_day": pa.array(
                [_nearest_census(day, settings) for day in days], pa.date32())}),
            "exit_rows": store.read("exit"),
            "identity_rows": store.read("identity"),
            "follow_rows": store.read("follow_up"),
            "school_rows": store.read("school"),
        }  # fmt: skip
        for name, table in held.items():
            con.register(name, table)
        found: pd.DataFrame = con.sql(_LISTED_TWICE, params={"day": as_of}).to_arrow_table().to_pandas()
    found = found.astype(object).where(found.notna(), None).astype({"learner_id": "int64"})
    return found.assign(last_attended_on=_last_attended(store, settings, as_of, found))


def _nearest_census(day: date, settings: Settings) -> date:
    """The census day nearest to a list's day, the earlier of two."""
    year = calendar.academic_year(day, settings)
    first = calendar.first_day(year - 1, settings)
    days = [first]
    while days[-1] < day:
        days.append(calendar.next_census(days[-1], settings))
    days.append(calendar.next_census(days[-1], settings))
    return min(days[1:], key=lambda census: abs(census - day))


def _last_attended(store: Store, settings: Settings, as_of: date, found: pd.DataFrame) -> pd.Series:
    """Last day before `as_of` on which each row's school marked its child as there, since the year of the list."""
    out: dict[tuple[int, str], date] = {}
    if len(found):
        first = min(calendar.academic_year(day, settings) for day in found["listed_on"])
        learners = pa.array(sorted(set(found["learner_id"])), pa.int64())
        for year, bucket in itertools.product(
            [y for y in store.years("roll") if first <= y <= calendar.academic_year(as_of, settings)],
            range(store.identity.buckets),
        ):
            pages = store.read("roll", years=[year], bucket=bucket, columns=["learner_id", "school_id", "marks"])
            pages = pages.filter(pc.is_in(pages["learner_id"], learners))
            if not pages.num_rows:
                continue
            start = calendar.first_day(year, settings)
            there = np.isin(page_matrix(pages["marks"]), _ATTENDED)[:, : max((as_of - start).days, 0)]
            last = there.shape[1] - 1 - np.argmax(there[:, ::-1], axis=1) if there.shape[1] else np.zeros(len(there))
            keys = zip(pages["learner_id"].to_pylist(), pages["school_id"].to_pylist(), strict=True)
            for key, day, ever in zip(keys, last.tolist(), np.any(there, axis=1), strict=True):
                if ever:
                    out[key] = start + pd.Timedelta(days=day).to_pytimedelta()
    pairs = zip(found["learner_id"].tolist(), found["school_id"].tolist(), strict=True)
    return pd.Series([out.get(pair) for pair in pairs], index=found.index, dtype=object)


_FINDINGS_TH = {"found": "พบตัว กำลังเรียนอยู่", "not_found": "ไม่พบตัว", "graduated": "จบการศึกษา", "moved": "ย้ายหรือลาออกแล้ว",
                "unreachable": "ติดต่อไม่ได้", "died": "เสียชีวิต", "other": "อื่น ๆ"}  # fmt: skip
_STATUS_TH = {"enrolled": "กำลังเรียน", "floating": "แขวนลอย"}


def listed_twice_to_xlsx(frame: pd.DataFrame, path: Path) -> None:
    """The list of `listed_twice` for the schools: they fill in ผลการติดตาม (100, 201 to 206), the day they looked and a
    remark, and `raksa ingest` reads it back as follow_up_list. A child is named by the school's own number; her id
    stands there only where the school has given no number."""
    answers = [f"{FINDINGS[code].partition(':')[0]} {said}" for code, said in _FINDINGS_TH.items()]
    columns: list[tuple[str, int, list[Any]]] = [
        ("ผลการติดตาม / finding", 24, [None] * len(frame)),
        ("วันที่ติดตาม / looked on", 14, [None] * len(frame)),
        ("หมายเหตุ / remark", 30, [None] * len(frame)),
    ]
    for name, title, width in (
        ("school_id", "รหัสโรงเรียน / school code", 12), ("school", "โรงเรียน / school", 26),
        ("agency", "สังกัด / agency", 10), ("area", "เขตพื้นที่ / area", 20),
        ("student_number", "เลขประจำตัวนักเรียน / student number", 12),
        ("id_number", "เลขประจำตัวประชาชน / citizen id", 16),
        ("prefix", "คำนำหน้า / prefix", 10), ("first_name", "ชื่อ / first name", 14),
        ("last_name", "นามสกุล / last name", 16), ("grade", "ชั้น / grade", 8), ("room", "ห้อง / room", 6),
        ("status", "สถานะ / status", 12), ("listed_on", "วันที่ของรายชื่อ / listed on", 14),
        ("last_attended_on", "มาเรียนครั้งล่าสุด / last attended", 14), ("also_at", "มีชื่อซ้ำที่ / also listed at", 30),
        ("finding", "ผลครั้งก่อน / last finding", 20),
    ):  # fmt: skip
        words = _STATUS_TH if name == "status" else _FINDINGS_TH if name == "finding" else {}
        columns.append((title, width, [_for_people(words.get(cell, cell)) for cell in frame[name]]))
    _workbook(path, "นักเรียนซ้ำซ้อน", columns, {0: answers})
