"""How probable it is that two learners are one child: what is compared, and the model that weighs it.

A Fellegi–Sunter model (splink on DuckDB): each field's agreement or difference has a weight, log2(m / u), where m is
how often it is so for one child written down twice and u for two children. Rare names weigh more than common ones. What
is estimated, what is fixed and why: docs/decisions/0005-record-linkage.md.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from raksa import thai
from raksa.store import Store

FIELDS = ("first_name", "last_name", "birth_date", "sex", "school", "guardian", "id")
"""What is shown side by side, and beside it whether it agrees, is close, differs or is missing."""

# Below so many learners, frequencies say little: the model's numbers are then those written here.
_ESTIMATED_FROM = 2_000
# EM finds *some* second class of pairs in any data, in a register without duplicates too. It is trusted where so many
# pairs of one name and birth date say that there are duplicates to learn from.
_LEARNT_FROM = 300
_PAIRS = 1e6 + 1  # drawn at random to see how often strangers agree
_FOUND_BY_NAME_AND_BIRTH = 0.6  # share of duplicates whose names and birth date are written the same: assumed
_LEAST_SHARE = 0.002  # of learners, stand twice at least: a register without a single duplicate has not been seen


# ------------------------------------------------------------------------------------------------ what is compared
@dataclass(frozen=True)
class _Level:
    """One outcome of comparing a field: its word, when it holds (SQL; _l and _r are the two learners), how often it
    does for one child (m) and for two (u). `tf`: the column whose own frequency takes the place of u. `fixed`: never
    estimated, because it is too rare to be counted or not what a pair's likeness decides."""

    says: str
    when: str
    m: float
    u: float
    tf: str = ""
    fixed: bool = False


def _spelt(name: str, agrees: tuple[float, float], slip: tuple[float, float], near: tuple[float, float],
           differs: tuple[float, float]) -> list[_Level]:  # fmt: skip
    """Levels of a name. One slip of the hand in four letters or more; two in six or more, one in three, or a name cut
    short, as a nickname made of the first syllable is (ก้อง for ก้องภพ)."""
    cut = f"(starts_with({name}_l, {name}_r) or starts_with({name}_r, {name}_l))"
    cut = f"(least(length({name}_l), length({name}_r)) >= 2 and {cut})"
    return [
        _Level("agrees", f"{name}_l = {name}_r", *agrees, tf=name),
        _Level("close", _slips(name, least=4, count=1), *slip),
        _Level("close", f"{_slips(name, least=6, count=2)} or {_slips(name, least=3, count=1)} or {cut}", *near),
        _Level("differs", "ELSE", *differs),
    ]


def _slips(name: str, *, least: int, count: int) -> str:
    """Two words of so many letters at least, so many slips apart: a letter more, less, other, or two swapped."""
    long_enough = f"least(length({name}_l), length({name}_r)) >= {least}"
    # Two letters swapped are two of Levenshtein's edits, which DuckDB counts eight times as fast: it goes first.
    near = f"{long_enough} and levenshtein({name}_l, {name}_r) <= {2 * count}"
    return f"(case when {near} then damerau_levenshtein({name}_l, {name}_r) = {count} else false end)"


# First and family name in each other's column, one of them with a slip perhaps.
_TURNED = "(first_l <> last_l and levenshtein(name_l, turned_r) <= 1)"
_TWO_PARTS = " + ".join(f"({part}(birth_date_l) = {part}(birth_date_r))::int" for part in ("year", "month", "day"))
_DAY_AND_MONTH_SWAPPED = (
    "year(birth_date_l) = year(birth_date_r) and month(birth_date_l) = day(birth_date_r) "
    "and day(birth_date_l) = month(birth_date_r)"
)
# Who does not know the day is registered as born on the first of January.
_FIRST_OF_JANUARY = (
    "year(birth_date_l) = year(birth_date_r) "
    "and least(dayofyear(birth_date_l), dayofyear(birth_date_r)) = 1 and birth_date_l <> birth_date_r"
)
_BOTH_CERTAIN = "certain_l is not null and certain_r is not null"
_SLIP_OF_AN_ID = f"(id_l = id_r or {_slips('id', least=13, count=1)})"

# Field -> when it says nothing, and its levels from the strongest. m are assumed rates of slips and moves, u what
# Thai names, birth days and areas give; both are estimated where the register is large enough.
COMPARED: dict[str, tuple[str, list[_Level]]] = {
    "first_name": (
        "first_l is null or first_r is null",
        [
            _Level("close", _TURNED, 0.005, 1e-7, fixed=True),
            *_spelt("first", (0.90, 0.005), (0.05, 0.001), (0.03, 0.004), (0.015, 0.99)),
        ],
    ),
    "last_name": (
        f"last_l is null or last_r is null or {_TURNED}",
        _spelt("last", (0.88, 0.0005), (0.05, 0.0005), (0.03, 0.001), (0.04, 0.998)),
    ),
    "birth_date": (
        "birth_date_l is null or birth_date_r is null",
        [
            _Level("agrees", "birth_date_l = birth_date_r", 0.93, 0.0003, tf="birth_date"),
            _Level("close", _DAY_AND_MONTH_SWAPPED, 0.01, 0.0001),
            _Level("close", _FIRST_OF_JANUARY, 0.01, 0.0005),
            _Level("close", f"{_TWO_PARTS} = 2", 0.04, 0.011),
            _Level("differs", "ELSE", 0.01, 0.988),
        ],
    ),
    "sex": (
        "sex_l is null or sex_r is null",
        [_Level("agrees", "sex_l = sex_r", 0.99, 0.5), _Level("differs", "ELSE", 0.01, 0.5)],
    ),
    "school": (
        "(areas_l is null or areas_r is null) and not coalesce(list_has_any(schools_l, schools_r), false)",
        [
            _Level("agrees", "list_has_any(numbers_l, numbers_r)", 0.03, 1e-6, fixed=True),
            _Level("agrees", "list_has_any(schools_l, schools_r)", 0.27, 0.03),
            _Level("close", "list_has_any(areas_l, areas_r)", 0.5, 0.3),
            _Level("differs", "ELSE", 0.2, 0.67),
        ],
    ),
    "guardian": (
        "guardian_l is null or guardian_r is null",
        [
            _Level("agrees", "guardian_l = guardian_r", 0.75, 0.006, tf="guardian"),
            _Level("close", _slips("guardian", least=4, count=1), 0.05, 0.001),
            _Level("differs", "ELSE", 0.2, 0.993),
        ],
    ),
    # Two ids that both have their check digit are two people's. One slip in eleven fits by chance: two such ids that
    # are one slip apart say nothing, and neither does an id that fails its check digit and is near no other.
    "id": (
        f"id_l is null or id_r is null or ({_BOTH_CERTAIN}) = {_SLIP_OF_AN_ID}",
        [
            _Level("close", _SLIP_OF_AN_ID, 0.2, 1e-6, fixed=True),
            _Level("differs", "ELSE", 0.005, 0.99, fixed=True),
        ],
    ),
}
# What a field that says nothing is called where both sides are filled.
FILLED = {"last_name": "close", "school": "differs", "id": "differs"}

# Two certain ids are two people's unless a slip made one of the other: then one half of them is the same.
_ONE_UNCERTAIN = "(l.certain is null or r.certain is null or l.id_begins = r.id_begins or l.id_ends = r.id_ends)"
# Only pairs that share one of these are compared; each is tight enough for a million learners. A slip is at one end of
# a name or at the other. Two certain ids that are not near are looked at only where the whole name is the same.
_MEETING = (
    "l.name = r.name",
    *(
        f"{same} and {_ONE_UNCERTAIN}"
        for same in (
            "l.days = r.days and l.first = r.first",
            "l.days = r.days and l.last = r.last",
            "l.name = r.turned",
            "l.days = r.days and l.first = r.last",
            "l.days = r.days and l.last = r.first",
            "l.number = r.number",
            "l.birth_date = r.birth_date and l.starts = r.starts",
            "l.birth_date = r.birth_date and l.stops = r.stops",
            "l.last = r.last and l.first_begins = r.first_begins",
            "l.last = r.last and l.first_ends = r.first_ends",
            "l.family = r.family and l.first_begins = r.first_begins",
            "l.family = r.family and l.first_ends = r.first_ends",
            "l.first = r.first and l.last_begins = r.last_begins and coalesce(l.year = r.year, true)",
            "l.first = r.first and l.last_ends = r.last_ends and coalesce(l.year = r.year, true)",
        )
    ),
)
_LEARNT_WHERE = ("l.name = r.name", "l.birth_date = r.birth_date and l.last = r.last",
                 "l.birth_date = r.birth_date and l.first = r.first")  # fmt: skip


# ------------------------------------------------------------------------------------------------ learners
def load(con: duckdb.DuckDBPyConnection, store: Store) -> None:
    """Tables `listed` (list rows) and `record` (a learner a row: what is shown of her, and the keys compared)."""
    for table, columns in _READ.items():
        con.register(f"{table}_rows", store.read(table, columns=columns))
    con.register("certain_rows", _certain(store.read("identity_alias", columns=["learner_id", "alias"])))
    con.execute(_LATEST)
    people = con.execute("from person order by learner_id").df()
    con.register("key_rows", _keys(people))
    con.execute(_RECORD)
    for name in ("identity", "learner", "enrolment", "certain", "key"):  # of a nation, gigabytes
        con.unregister(f"{name}_rows")


_NAMED = ["id_type", "id_number", "prefix", "first_name", "last_name", "guardian_name"]
_READ = {
    "identity": ["learner_id", "known_on", *_NAMED],
    "learner": ["learner_id", "known_on", "sex", "birth_date"],
    "enrolment": ["learner_id", "school_id", "academic_year", "listed_on", "student_number"],
    "school": ["school_id", "name", "area_id"],
}
# Of each column, the latest value that is not empty. A child who is in no list's names cannot be compared.
_LATEST = """
create table listed as
    select learner_id, school_id, academic_year, listed_on, school_id || ':' || ltrim(student_number, '0') as number
    from enrolment_rows;
create table person as
    with named as (
        select learner_id, arg_max(prefix, known_on) as prefix, arg_max(first_name, known_on) as first_name,
            arg_max(last_name, known_on) as last_name, arg_max(guardian_name, known_on) as guardian,
            arg_max(id_number, known_on) as shown_id,
            arg_max(id_number, known_on) filter (id_type = 'citizen') as typed_id
        from identity_rows group by learner_id),
    born as (select learner_id, arg_max(sex, known_on) as sex, arg_max(birth_date, known_on) as birth_date
        from learner_rows group by learner_id),
    cited as (select learner_id, min(id) as certain from certain_rows group by learner_id)
    select * from named left join born using (learner_id) left join cited using (learner_id)
    where first_name is not null or last_name is not null
"""
_RECORD = """
create table record as
    with place as (
        select learner_id, list(distinct e.school_id order by e.school_id) as schools,
            list(distinct number order by number) filter (number is not null) as numbers,
            list(distinct area_id order by area_id) filter (area_id <> 'unknown') as areas,
            arg_max(number, listed_on::text || number) as number,
            max(listed_on::text || ' ' || e.school_id) as last_list
        from listed e left join school_rows s using (school_id) group by learner_id)
    select p.learner_id, p.first_name, p.last_name, p.guardian as guardian_name, p.shown_id, p.birth_date,
        coalesce(p.sex, k.sex) as sex, k.first, k.written, k.last, k.guardian, k.family, p.certain,
        coalesce(p.certain, p.typed_id) as id,
        k.first || '|' || k.last as name, k.last || '|' || k.first as turned,
        year(birth_date) * 10000 + least(month(birth_date), day(birth_date)) * 100
            + greatest(month(birth_date), day(birth_date)) as days,
        year(birth_date) as year, left(first, 1) || left(last, 1) as starts, right(first, 1) || right(last, 1) as stops,
        left(first, 2) as first_begins, right(first, 2) as first_ends, left(last, 3) as last_begins,
        right(last, 3) as last_ends, left(id, 6) as id_begins, right(id, 6) as id_ends,
        schools, numbers, areas, number, last_list
    from person p join key_rows k using (learner_id) left join place using (learner_id) order by learner_id
"""


_SEX_OF_PREFIX = {"เด็กชาย": "male", "นาย": "male", "เด็กหญิง": "female", "นางสาว": "female", "นาง": "female"}


def _keys(people: pd.DataFrame) -> pd.DataFrame:
    """What names are compared by, and sex as the prefix says it."""
    first = people["first_name"].map(_once(people["first_name"], _first_name))
    guardian = people["guardian"].map(_once(people["guardian"], _guardian))
    text = pd.DataFrame(
        {
            "first": _part(first, 0),
            "written": _part(first, 1),
            "last": people["last_name"].map(_once(people["last_name"], _key)),
            "guardian": _part(guardian, 0),
            "family": _part(guardian, 1),
            "sex": people["prefix"].where(people["prefix"].notna(), _part(first, 2)).map(_SEX_OF_PREFIX),
        },
        dtype="str",
    )
    return text.replace("", None).assign(learner_id=people["learner_id"])


def _once(words: pd.Series, turn: Callable[[str], Any]) -> dict[str, Any]:
    """What each distinct word becomes; names recur, and a million of them are few names."""
    return {word: turn(word) for word in words.dropna().unique()}


def _part(said: pd.Series, at: int) -> pd.Series:
    return said.map(lambda parts: parts[at], na_action="ignore")


def _first_name(name: str) -> tuple[str, str, str | None]:
    """A first name's key, the name as it is written, and the prefix that stands before it in the same cell."""
    prefix, own = thai.split_prefix(name)
    return _key(own), own, prefix


def _guardian(name: str) -> tuple[str, str]:
    """A guardian's own name, and the whole: the family name she shares with the child would count twice."""
    own, _, family = thai.split_prefix(name)[1].rpartition(" ")
    return _key(own or family), _key(own) + _key(family)


# DuckDB's edit distances count bytes: a Thai letter has three, and a lost letter would cost three slips. Each Thai sign
# therefore becomes one byte that neither a small Latin letter nor a digit nor the bar between names uses.
_THAI = [chr(code) for code in range(0x0E01, 0x0E47)]
_BYTES = [chr(code) for code in range(1, 128) if not chr(code).isalnum() and chr(code) != "|"]
_BYTES += [chr(code) for code in range(ord("A"), ord("Z") + 1)]
_ONE_BYTE = str.maketrans(dict(zip(_THAI, _BYTES, strict=False)))


@lru_cache(maxsize=200_000)
def _key(name: str) -> str:
    """A name as it is compared: no tone marks, no spaces, a byte a letter."""
    return thai.search_key(name).translate(_ONE_BYTE)


def _certain(aliases: pa.Table) -> pa.Table:
    """Citizen ids whose check digit fits, with their learners: thai.citizen_checksum_holds for many at once."""
    cited = aliases.filter(pc.match_substring_regex(aliases["alias"], "^citizen:[0-9]{13}$"))
    ids = pc.utf8_slice_codeunits(cited["alias"], len("citizen:"))
    digits = np.frombuffer("".join(ids.to_pylist()).encode(), np.uint8).reshape(-1, 13).astype(np.int64) - ord("0")
    fits = (11 - digits[:, :12] @ np.arange(13, 1, -1) % 11) % 10 == digits[:, 12]
    return pa.table({"learner_id": cited["learner_id"], "id": ids}).filter(pa.array(fits))


# ------------------------------------------------------------------------------------------------ the model
_PAIR = {"learner_a": "int64", "learner_b": "int64", "probability": "float64"} | dict.fromkeys(COMPARED, "int64")
NO_PAIRS = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _PAIR.items()})


def weigh(con: duckdb.DuckDBPyConnection, count: int, seed: int, threshold: float) -> pd.DataFrame:
    """Pairs at or above the threshold with their probability and the level of each field (0 = the last of COMPARED,
    counted upwards; -1 = says nothing), but for those the rules of `_SUGGESTIONS` leave out.

    `load` comes before. Sampling and estimates depend on the learners and the seed alone.
    """
    levels = {field: list(found) for field, (_, found) in COMPARED.items()}
    if count >= _ESTIMATED_FROM:
        levels = _with_strangers(con, levels, seed)
    (alike,) = con.execute(f"select count(*) from record l join record r on {_ALIKE}").fetchall()[0]
    chance = max(alike / _FOUND_BY_NAME_AND_BIRTH, count * _LEAST_SHARE) / (count * (count - 1) / 2)
    chance = min(chance, 0.01)
    if alike >= _LEARNT_FROM:
        levels = _with_children(con, levels, chance)
    linker = _linker(con, levels, chance)
    found = linker.inference.predict(threshold_match_probability=threshold, warning_mode="never")
    con.execute(f"create temp table found as from {found.physical_name}")
    return con.execute(_SUGGESTIONS).df().astype(_PAIR)


_ALIKE = (
    f"l.learner_id < r.learner_id and l.name = r.name and l.birth_date = r.birth_date and {_ONE_UNCERTAIN} "
    "and l.last_list is distinct from r.last_list"
)
# Weights take fields for independent; in a family they are not. Brothers and sisters share family name, guardian and
# school, twins the birth date too, and names of twins are often alike. So, whatever the probability: first names must
# be the same or close, or the ids one slip apart; who stood on one list must have one first name to the tone mark; and
# where first names are merely close, birth dates must not differ in more than one part. (A first name agrees at level
# 3; at 4 it is in the other's column.)
_SUGGESTIONS = """
with pair as (
    select least(learner_id_l, learner_id_r) as learner_a, greatest(learner_id_l, learner_id_r) as learner_b,
        round(match_probability, 6) as probability, columns('gamma_(.*)') as '\\1' from found),
together as (
    select distinct learner_a, learner_b from pair
    join listed a on a.learner_id = learner_a
    join listed b on b.learner_id = learner_b and b.school_id = a.school_id and b.listed_on = a.listed_on)
select pair.* from pair left join together t using (learner_a, learner_b)
    join record a on a.learner_id = learner_a join record b on b.learner_id = learner_b
where (pair.first_name > 0 or pair.id = 1) and (pair.first_name = 3 or pair.birth_date <> 0)
    and (t.learner_a is null or a.written is not distinct from b.written)
order by probability desc, pair.learner_a, pair.learner_b
"""


def _linker(con: duckdb.DuckDBPyConnection, levels: Mapping[str, list[_Level]], chance: float) -> Any:
    """splink's model with these numbers."""
    from splink import DuckDBAPI, Linker, SettingsCreator

    compared: list[Any] = []
    for field, own in levels.items():
        held: list[dict[str, Any]] = [
            {"sql_condition": COMPARED[field][0], "label_for_charts": "nothing", "is_null_level": True}
        ]
        for n, level in enumerate(own):
            one = {"sql_condition": level.when, "label_for_charts": f"{n} {level.says}", "m_probability": level.m,
                   "u_probability": level.u}  # fmt: skip
            held.append(one | ({"tf_adjustment_column": level.tf} if level.tf else {}))
        compared.append({"output_column_name": field, "comparison_levels": held})
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="learner_id",
        comparisons=compared,
        blocking_rules_to_generate_predictions=[{"blocking_rule": rule} for rule in _MEETING],
        probability_two_random_records_match=chance,
        retain_matching_columns=True,  # the levels come with them
    )
    db = DuckDBAPI(connection=con)
    linker = Linker(db.register("record"), settings, log_level=logging.ERROR)
    for column, u in {level.tf: level.u for own in levels.values() for level in own if level.tf}.items():
        linker.table_management.register_term_frequency_lookup(_frequencies(con, db, column, u), column)
    return linker


def _frequencies(con: duckdb.DuckDBPyConnection, db: Any, column: str, u: float) -> Any:
    """How often each value is met: its count over the learners and 1/u more, so that in a register of five, where a
    child written twice is two fifths of all, her name does not pass for a common one."""
    name = f"frequency_of_{column}"
    con.execute(f"""create or replace table {name} as select {column}, count(*) / (sum(count(*)) over () + {1 / u})
        as tf_{column} from record where {column} is not null group by {column}""")
    return db.register(name)


def _with_strangers(
    con: duckdb.DuckDBPyConnection, levels: Mapping[str, list[_Level]], seed: int
) -> dict[str, list[_Level]]:
    """u as pairs of a random sample of learners have it: nearly all of them are two children."""
    linker = _linker(con, levels, 1e-6)
    linker.training.estimate_u_using_random_sampling(_PAIRS, seed, min_count_per_level=None, num_chunks=1)
    return _taken(linker, levels, "u")


def _with_children(
    con: duckdb.DuckDBPyConnection, levels: Mapping[str, list[_Level]], chance: float
) -> dict[str, list[_Level]]:
    """m by expectation maximisation, among pairs that share two of first name, family name and birth date. Pairs of one
    list are left out, so that twins do not teach that one child has two first names."""
    linker = _linker(con, levels, chance)
    for rule in _LEARNT_WHERE:
        linker.training.estimate_parameters_using_expectation_maximisation(
            {"blocking_rule": f"{rule} and {_ONE_UNCERTAIN} and l.last_list is distinct from r.last_list"},
            max_pairs=1e6,
            record_sample_proportion=1.0,
        )
    return _taken(linker, levels, "m")


def _taken(linker: Any, levels: Mapping[str, list[_Level]], which: str) -> dict[str, list[_Level]]:
    """The levels with what was estimated; what was never seen, and what is fixed, stays as it was."""
    learnt = {held["output_column_name"]: held["comparison_levels"][1:] for held in
              linker.misc.save_model_to_json()["comparisons"]}  # fmt: skip
    out: dict[str, list[_Level]] = {}
    for field, own in levels.items():
        values = [held.get(f"{which}_probability") for held in learnt[field]]
        # Sums of several threads differ in their last digits from run to run.
        out[field] = [
            replace(level, **{which: float(f"{max(value, 1e-6):.4g}")})  # type: ignore[arg-type]
            if isinstance(value, float) and not level.fixed else level
            for level, value in zip(own, values, strict=True)
        ]  # fmt: skip
    return out
