"""Is this import unusual? One that would change or drop much of what a school has said before stops and asks.

The wrong file is the commonest accident: last year's list sent again, one room sent as the whole school, marks shifted
by a day. Each changes a large share of one school's rows at once. A first import, a new year and a school with few
rows ask nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raksa.settings import Settings
from raksa.store import Store, page_matrix
from raksa.tables import NO_SCHOOL, NOT_RECORDED, REGISTER, Table


@dataclass(frozen=True)
class Unusual:
    """One school's rows of one table that an import would change or drop.

    what    "change": rows, or marks of roll pages, that stand and would read otherwise
            "drop": learners of the school's latest list of the year who are missing from the newer list
    rows    how many; of    out of how many that stand
    """

    school_id: str
    table: str
    what: str
    rows: int
    of: int

    def __str__(self) -> str:
        kind = "marks" if self.table == "roll" else "rows"
        done = f"changes {self.rows} of {self.of} {kind} of {self.table}"
        if self.what == "drop":
            done = f"lacks {self.rows} of the {self.of} learners of its last list of the year"
        return f"school {self.school_id}: {done} ({self.rows / self.of:.0%})"


def unusual(store: Store, settings: Settings, tables: Mapping[str, pa.Table]) -> list[Unusual]:
    """What of an import about to be written is unusual, the largest share first; empty when nothing is.

    Unusual is more than `settings.unusual_share` of a school's rows and at least `settings.unusual_least` of them.
    """
    found: list[Unusual] = []
    for name, table in tables.items():
        spec = REGISTER[name]
        if not spec.by_year or "school_id" not in spec.key or not spec.by_learner or not table.num_rows:
            continue
        held = store.read(name, years=pc.unique(table["academic_year"]).to_pylist())
        held = held.filter(pc.is_in(held["school_id"], pc.unique(table["school_id"])))
        if held.num_rows:
            counts = _marks_changed(held, table) if name == "roll" else _rows_changed(spec, held, table)
            found += [Unusual(school, name, "change", rows, of) for school, (rows, of) in counts.items()]
            if name == "enrolment":
                dropped = _dropped(held, table)
                found += [Unusual(school, name, "drop", rows, of) for school, (rows, of) in dropped.items()]
    most, least = settings.unusual_share, settings.unusual_least
    found = [u for u in found if u.rows >= least and u.rows > most * u.of]
    return sorted(found, key=lambda u: (-u.rows / u.of, u.school_id, u.table))


def _rows_changed(spec: Table, held: pa.Table, arriving: pa.Table) -> dict[str, tuple[int, int]]:
    """For each school: rows of its that stand under an arriving key and differ; of how many rows of those years."""
    said = [c.name for c in spec.columns if c.name not in (*spec.key, "source")]
    before, after = held.to_pandas(), arriving.to_pandas()
    both = before.merge(after, on=list(spec.key), suffixes=("", "_new"))
    differs = np.zeros(len(both), bool)
    for column in said:
        old, new = both[column], both[f"{column}_new"]
        differs |= ((old != new) & old.notna() & new.notna()).to_numpy(bool)  # filling a blank changes nothing
    of = before.groupby("school_id").size()
    return {str(school): (int(n), int(of[school])) for school, n in both[differs].groupby("school_id").size().items()}


def _marks_changed(held: pa.Table, arriving: pa.Table) -> dict[str, tuple[int, int]]:
    """For each school: recorded days of its pages that would read otherwise; of how many it has recorded.

    Correcting one day of a whole school stays far below the share; a file shifted by a day does not.
    """
    key = ["learner_id", "school_id", "academic_year"]
    before = held.select(key).to_pandas().assign(at=np.arange(len(held)))
    after = arriving.select(key).to_pandas().assign(new=np.arange(len(arriving)))
    both = before.merge(after, on=key)
    unsaid = [ord(NOT_RECORDED), ord(NO_SCHOOL)]
    old, new = page_matrix(held["marks"]), page_matrix(arriving["marks"])
    recorded = ~np.isin(old, unsaid)
    at, from_new = both["at"].to_numpy(), both["new"].to_numpy()
    changed = recorded[at] & ~np.isin(new[from_new], unsaid) & (old[at] != new[from_new])
    by_school = both.assign(changed=changed.sum(axis=1)).groupby("school_id")["changed"].sum()
    of = before.assign(recorded=recorded.sum(axis=1)).groupby("school_id")["recorded"].sum()
    return {str(school): (int(n), int(of[school])) for school, n in by_school.items() if of[school]}


def _dropped(held: pa.Table, arriving: pa.Table) -> dict[str, tuple[int, int]]:
    """For each school: learners of its last list before an arriving one of the same year who are not on that one."""
    out: dict[str, tuple[int, int]] = {}
    columns = ["learner_id", "school_id", "academic_year", "listed_on", "status"]
    before, after = held.select(columns).to_pandas(), arriving.select(columns).to_pandas()
    for (school, year, day), listed in after.groupby(["school_id", "academic_year", "listed_on"]):
        earlier = before[(before["school_id"] == school) & (before["academic_year"] == year)]
        earlier = earlier[earlier["listed_on"] < day]
        earlier = earlier[(earlier["listed_on"] == earlier["listed_on"].max()) & (earlier["status"] == "enrolled")]
        missing = int((~earlier["learner_id"].isin(listed["learner_id"])).sum())
        if missing * out.get(str(school), (0, 1))[1] > out.get(str(school), (0, 1))[0] * max(len(earlier), 1):
            out[str(school)] = (missing, len(earlier))
    return out
