"""Whom to visit this week, and how an area's visits are shared among its schools. The formula is `care.capacity`.

No Streamlit here. Every function takes the person it answers and puts the condition of `raksa.access` into its query;
for whoever sees no child there is nobody to visit and nothing to share.

    rows = needs(run, kamol, last_contacts(people, kamol), today)
    shared = share(run, kamol, rows, visits=60, floor=2)
    for one in shared.schools:
        print(one.name, one.visits, one.equal)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

import pandas as pd

from care import capacity
from care.capacity import Promise
from dashboard.roster import Child, Run, children_of, seen_by
from models.uncertainty import hits
from raksa.access import Person, sees_score
from raksa.errors import RaksaError

MOST_VISITS = 100_000


@dataclass(frozen=True)
class Share:
    """One school's part of an area's visits.

    `children` are those who could be estimated, `not_scored` those who could not: for them no visit is planned here,
    and the lists say whose turn it is. A school where nobody could be estimated keeps its floor, to find out. `equal`
    is what the school would have if every school had as many. `leavers`: of those visited so many would leave,
    expected; `low` and `high` hold the true number nine times in ten; None where nobody could be estimated. `one_more`
    is the need the next visit would reach, `one_fewer` that of the last child now reached; None where there is none.
    """

    id: str
    name: str
    children: int
    not_scored: int
    visits: int
    equal: int
    leavers: float | None
    low: int | None
    high: int | None
    one_more: float | None
    one_fewer: float | None


@dataclass(frozen=True)
class Shared:
    """Visits of an area shared among its schools.

    `need` is the need of all who could be estimated, `reach` of the children reached, `equal_reach` the same if every
    school had as many visits, `free_reach` if no school had a floor. `promise` and `equal_promise` are what each would
    find and miss, in leavers. `moves`: a row for each pair of schools (`care.capacity.moves`).
    """

    visits: int
    floor: int
    need: float
    reach: float
    equal_reach: float
    free_reach: float
    promise: Promise
    equal_promise: Promise
    schools: tuple[Share, ...]
    moves: pd.DataFrame = field(repr=False, compare=False)

    def move(self, giver: str, taker: str) -> float | None:
        """The change of the need reached if one visit went from one school to the other; above 0 gains. None where it
        cannot: the giver is at its floor, or the taker has nobody left."""
        pair = self.moves[(self.moves["school_from"] == giver) & (self.moves["school_to"] == taker)]
        return None if pair.empty else float(pair["change"].iloc[0])


def visits_for(money: float, cost: float) -> int:
    """Whole visits that money buys. Raises RaksaError for a cost that is not above nothing, money below it, or more
    visits than anyone could make."""
    visits = int(capacity.affordable(money, cost) + 1e-9)
    if visits > MOST_VISITS:
        raise RaksaError(
            f"{money:g} at {cost:g} a visit is {visits:,} visits; {MOST_VISITS:,} are the most. Check both."
        )
    return visits


def needs(
    run: Run, person: Person | None, contacts: Mapping[int, date], today: date, *, area: str = "", school: str = ""
) -> pd.DataFrame:
    """A row a child of the run whom the person may open: learner_id, school_id, school, listed, risk, lowered, spread,
    contacted, need.

    contacts: learner → day of the latest contact. Need is `care.capacity.need`, NaN for who could not be estimated. Of
    children who are on no list it is not worked out what could be changed; they are taken as the mean of the listed.
    """
    condition, values = seen_by(person)
    chosen = [(column, value) for column, value in (("area_id", area), ("school_id", school)) if value]
    condition += "".join(f" AND {column} = ?" for column, _ in chosen)
    rows = run.columns(
        f"""SELECT s.learner_id, s.school_id, coalesce(c.name, s.school_id) AS school, s.listed,
               coalesce(s.risk, 'nan') AS risk, coalesce(c.spread, 0) AS spread,
               max(CASE WHEN s.listed THEN coalesce(r.lowered, 0) ELSE ? END) AS lowered
        FROM (SELECT * FROM score WHERE {condition}) s LEFT JOIN school c USING (school_id)
        LEFT JOIN reason r USING (learner_id)
        GROUP BY ALL ORDER BY s.school_id, s.learner_id""",
        [_usual(run), *values, *(value for _, value in chosen)],
    )
    return capacity.with_need(pd.DataFrame(rows), contacts, today)


@lru_cache(maxsize=8)
def _usual(run: Run) -> float:
    """The mean share that could be lowered, of all who are listed. A run never changes."""
    ((mean,),) = run.rows(
        """SELECT avg(lowered) FROM (SELECT coalesce(max(lowered), 0) AS lowered
           FROM score LEFT JOIN reason USING (learner_id) WHERE listed GROUP BY learner_id)"""
    )
    return mean or 0.0


def share(run: Run, person: Person | None, rows: pd.DataFrame, visits: int, floor: int = 0) -> Shared:
    """Visits shared among the schools of `rows` (`needs`), most visits first; a school where nobody could be estimated
    keeps its floor, also beside equal shares, which are of what is left. Raises RaksaError if the person sees no
    score, nobody could be estimated, or the floors need more visits than there are."""
    if not sees_score(person):
        raise RaksaError("Visits are shared by need, which this account does not see. Ask the school or the area.")
    known = rows[rows["need"].notna()]
    if known.empty:
        raise RaksaError(
            "Nobody here could be estimated, so visits cannot be shared by need. `raksa list --cannot-score` says why."
        )
    size = rows.groupby("school_id").size().clip(upper=floor)
    kept = size[~size.index.isin(known["school_id"])]
    if visits < kept.sum() + known.groupby("school_id").size().clip(upper=floor).sum():
        raise RaksaError(
            f"{len(size)} schools with at least {floor} visits each need more than {visits}. "
            "Lower the floor or find more visits."
        )
    shared = capacity.share_out(known, visits - int(kept.sum()), floor=floor)
    place = known.sort_values(["need", "learner_id"], ascending=[False, True]).groupby("school_id").cumcount()
    place = place.reindex(known.index)
    on, equal = (place < known["school_id"].map(shared[each]) for each in ("visits", "equal"))
    return Shared(
        visits=visits,
        floor=floor,
        need=float(known["need"].sum()),
        reach=float(shared["reach"].sum()),
        equal_reach=float(shared["equal_reach"].sum()),
        free_reach=float(known["need"].nlargest(visits).sum()),
        promise=capacity.promised(known, on, run.curves),
        equal_promise=capacity.promised(known, equal, run.curves),
        schools=_shares(run, rows, known[on], shared, kept),
        moves=capacity.moves(shared, floor),
    )


def _shares(
    run: Run, rows: pd.DataFrame, reached: pd.DataFrame, shared: pd.DataFrame, kept: pd.Series
) -> tuple[Share, ...]:
    risk, school, spread = (reached[name].to_numpy() for name in ("risk", "school_id", "spread"))
    of = hits(risk, school, school, spread, run.curves)
    about = rows.assign(missing=rows["need"].isna()).groupby("school_id").agg(
        name=("school", "first"), not_scored=("missing", "sum")
    )  # fmt: skip
    whole = about.join(shared).join(of[["low", "high"]])
    whole[["visits", "equal"]] = whole[["visits", "equal"]].apply(lambda column: column.fillna(kept))
    whole["children"] = whole["children"].fillna(0)
    none = whole["visits"].eq(0) & whole["children"].gt(0)  # no visit finds nobody; that much is known
    whole.loc[none, ["low", "high"]] = 0
    found = [
        Share(
            id=row["school_id"],
            name=row["name"],
            **{name: int(row[name]) for name in ("children", "not_scored", "visits", "equal")},
            leavers=_told(row["leavers"]),
            low=None if row["low"] != row["low"] else int(row["low"]),
            high=None if row["high"] != row["high"] else int(row["high"]),
            one_more=_told(row["following"]),
            one_fewer=_told(row["last"]),
        )
        for row in whole.reset_index().to_dict("records")
    ]
    return tuple(sorted(found, key=lambda one: (-one.visits, one.name, one.id)))


def this_week(
    run: Run, person: Person | None, rows: pd.DataFrame, visits: int | None = None
) -> list[tuple[Child, bool]]:
    """Whom to visit this week, and whether anyone ever made contact, school by school: who was never contacted first,
    then the greater need. `visits`: how many each school can make; None = as many as its list is long."""
    able = dict(run.rows("SELECT school_id, capacity FROM school"))
    if visits is not None:
        able = dict.fromkeys(able, visits)
    chosen = rows[capacity.to_visit(rows, able)]
    order = capacity.in_order(chosen).sort_values("school", kind="stable")
    found = {one.learner_id: one for one in children_of(run, person, set(order["learner_id"]))}
    return [(found[learner], bool(met)) for learner, met in order[["learner_id", "contacted"]].itertuples(index=False)]


def _told(value: float) -> float | None:
    return None if value != value else float(value)
