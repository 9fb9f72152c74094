"""Who is visited this week: as many as there are hands, the need that nobody has looked at first. Nothing is secret.

    need = risk × what can still be changed × how long nobody has made contact

- *risk*: the calibrated chance of leaving by the run's horizon.
- *what can still be changed*: 1 where something that stands out can be lowered (`reason.lowered`), down to a half where
  nothing that stands out is in anyone's hands. A visit may find what no record says, so it never falls to nothing.
- *how long nobody has made contact*: 1 where nobody ever did, or for 30 days and more; from a quarter on the day of a
  contact it rises evenly. So a child who was visited this week does not stand first again, and is not forgotten.

An area with money for a number of visits shares them out by the same need (`share_out`): each visit goes where the next
child's need is greatest, after every school has had its floor. What one visit more here and one less there would change
is said beside it (`moves`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.uncertainty import Curves, hits
from raksa.errors import RaksaError

LEAST_CHANGEABLE = 0.5
LEAST_WAITING, WAITING_DAYS = 0.25, 30


@dataclass(frozen=True)
class Promise:
    """What a list of visits would reach: expected leavers on it and not on it, each with its 90 % interval."""

    visits: int
    on_list: float
    on_list_between: tuple[int, int]
    off_list: float
    off_list_between: tuple[int, int]


def need(risk: pd.Series, lowered: pd.Series, last_contact: pd.Series, today: date) -> pd.Series:
    """The need of each child, (rows,) in 0–1; NaN where there is no risk: not known is not low.

    risk (rows,) probabilities; lowered (rows,) the share of the risk that could be lowered, NaN = nothing said;
    last_contact (rows,) day of the latest contact, missing = nobody ever made one.
    """
    changeable = LEAST_CHANGEABLE + (1 - LEAST_CHANGEABLE) * lowered.fillna(0).clip(0, 1)
    days = (pd.Timestamp(today) - pd.to_datetime(last_contact)).dt.days
    waiting = (LEAST_WAITING + (1 - LEAST_WAITING) * days.clip(lower=0) / WAITING_DAYS).clip(upper=1).fillna(1)
    return risk * changeable * waiting


def with_need(rows: pd.DataFrame, contacts: Mapping[int, date], today: date) -> pd.DataFrame:
    """The rows of a run with two columns more: contacted (bool: anyone ever made contact) and need (`need`).

    rows: learner_id, risk, lowered. contacts: learner → day of the latest contact. Lists, plans and an area's budget
    all take the need from here.
    """
    last = pd.to_datetime(rows["learner_id"].map(dict(contacts)))
    return rows.assign(contacted=last.notna(), need=need(rows["risk"], rows["lowered"], last, today))


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows by whom to visit first: who was never contacted stands before who was, then the greater need (not known
    last), then the smaller learner number, so that the same week gives the same list."""
    return rows.sort_values(["contacted", "need", "learner_id"], ascending=[True, False, True], na_position="last")


def to_visit(rows: pd.DataFrame, visits: Mapping[str, int] | pd.Series) -> pd.Series:
    """Whether each child is among the visits of her school, (rows,) bool, `in_order` within each school.

    rows: learner_id, school_id, need, contacted. `visits` says how many each school can make; a school it does not
    name makes none.
    """
    able = rows["school_id"].map(pd.Series(visits, dtype="float64")).fillna(0)
    place = in_order(rows).groupby("school_id").cumcount().reindex(rows.index)
    return (place < able) & rows["need"].notna()


def promised(rows: pd.DataFrame, chosen: pd.Series, curves: Curves, *, seed: int = 0) -> Promise:
    """What these visits would reach and miss. rows: risk, school_id, spread (`models.uncertainty.hits`)."""
    known = rows[rows["risk"].notna()]
    on = chosen[known.index].to_numpy()
    found = hits(
        known["risk"].to_numpy(), on, known["school_id"].to_numpy(), known["spread"].to_numpy(), curves, seed=seed
    )
    ends = {bool(at): (int(low), int(high)) for at, low, high in found[["low", "high"]].itertuples()}
    return Promise(
        visits=int(on.sum()),
        on_list=float(known["risk"][on].sum()),
        on_list_between=ends.get(True, (0, 0)),
        off_list=float(known["risk"][~on].sum()),
        off_list_between=ends.get(False, (0, 0)),
    )


# --------------------------------------------------------------------------------------------------- an area's budget
def affordable(money: float, visit_cost: float | Mapping[str, float]) -> float:
    """How many visits money buys at one cost a visit, or at the dearest school's. Raises RaksaError for a cost that is
    not above nothing, or money below it."""
    cost = max(visit_cost.values()) if isinstance(visit_cost, Mapping) else visit_cost
    if cost <= 0 or money < 0:
        raise RaksaError(f"A visit costs {cost:g} and there is {money:g}. Give a cost above 0 and money of 0 or more.")
    return money / cost


def share_out(rows: pd.DataFrame, visits: int, *, floor: int = 0) -> pd.DataFrame:
    """Visits of an area shared among its schools, one row a school: children, visits, reach, leavers, equal,
    equal_reach, last, following.

    rows: learner_id, school_id, risk, need. Every school first gets `floor` visits (fewer where it has fewer children
    who could be estimated), then each visit goes to the child with the greatest need not reached yet. `reach` is the
    need of those reached, `leavers` the sum of their risks: how many of them would leave, expected. `equal` and
    `equal_reach` are visits and reach if every school had as many as the others; no sharing that keeps the floor
    reaches more than this one, equal shares among them. `last` is the need of the last child reached, `following` of
    the first who is not; NaN where there is none.

    Raises RaksaError if the floors alone need more visits than there are.
    """
    known = rows[rows["need"].notna()].sort_values(["need", "learner_id"], ascending=[False, True])
    place = known.groupby("school_id").cumcount()
    size = known.groupby("school_id").size().sort_index()
    floors = size.clip(upper=floor)
    if floors.sum() > visits:
        raise RaksaError(
            f"{len(size)} schools with at least {floor} visits each need {int(floors.sum())}, and there are {visits}. "
            "Lower the floor or find more visits."
        )
    on = place < known["school_id"].map(floors)
    on[known.index[~on][: visits - int(floors.sum())]] = True
    equal = _equal(size, visits)
    known = known.assign(
        on=on,
        reach=known["need"].where(on, 0),
        leavers=known["risk"].where(on, 0),
        equal_reach=known["need"].where(place < known["school_id"].map(equal), 0),
        last=known["need"].where(on),
        following=known["need"].where(~on),
    )
    return (
        known.groupby("school_id")
        .agg(
            children=("on", "size"),
            visits=("on", "sum"),
            reach=("reach", "sum"),
            leavers=("leavers", "sum"),
            equal_reach=("equal_reach", "sum"),
            last=("last", "min"),
            following=("following", "max"),
        )
        .assign(equal=equal)
    )


def _equal(size: pd.Series, visits: int) -> pd.Series:
    """As many for each school as for the others, in rounds, until visits or children run out."""
    given = pd.Series(0, index=size.index)
    left = visits
    while left > 0 and (given < size).any():
        wanting = given.index[given < size][:left]
        given[wanting] += 1
        left -= len(wanting)
    return given


def moves(shared: pd.DataFrame, floor: int = 0) -> pd.DataFrame:
    """What moving one visit would change, one row for each pair of schools: school_from, school_to, change (of need
    reached; above 0 gains). Only from schools above the floor to schools with somebody left; none is above 0 where
    visits were shared by need alone. The most gained, or least lost, first."""
    givers = shared[(shared["visits"] > min(floor, shared["visits"].max())) & shared["last"].notna()]
    takers = shared[shared["following"].notna()]
    pairs = givers[["last"]].reset_index().merge(takers[["following"]].reset_index(), how="cross")
    pairs = pairs[pairs["school_id_x"] != pairs["school_id_y"]]
    out = pd.DataFrame(
        {
            "school_from": pairs["school_id_x"],
            "school_to": pairs["school_id_y"],
            "change": np.asarray(pairs["following"] - pairs["last"]),
        }
    )
    return out.sort_values(["change", "school_from", "school_to"], ascending=[False, True, True], ignore_index=True)
