"""A second opinion: a teacher names a child the list missed, or says of a listed one that she needs nobody just now.

Both are kept beside the model's list, with the reason in the teacher's words, and neither changes a score. Later both
are held against what happened (`came_of`), and lists made with teachers' nominations stand among the ways of choosing
that every release compares (`ways`): early in the year teachers see more, and lists made by both do best (Eegdeman
2022).

    nominate(people, somsri, baibua, run="2026-06-08-…", said="พ่อเพิ่งตกงาน เริ่มมาสาย", now=now)
    dispute(people, somsri, kong, run="2026-06-08-…", said="ลาไปแข่งกีฬา กลับมาแล้ว", now=now)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pandas as pd
from sqlalchemy import BigInteger, Engine, Index, String, Text, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from care.contacts import MOST_LETTERS, OPERATOR, Place, check_may_open
from raksa.access import Person
from raksa.audit import Base, Moment
from raksa.calendar import today_in_bangkok
from raksa.errors import RaksaError
from raksa.people import scoped, seen_by

NOMINATE, DISPUTE = "nominate", "dispute"
# A nomination is about the months ahead, as a score is: after a term it must be said again.
HOLDS_DAYS = 120


@dataclass(frozen=True)
class Opinion:
    """What one person said of one child: `says` nominate or dispute, why, about which run's list. `withdrawn_at` is
    None while it holds."""

    id: int
    place: Place
    run: str
    says: str
    said: str
    by: str
    by_name: str
    at: datetime
    withdrawn_at: datetime | None = None

    @property
    def on(self) -> date:
        """The day in Bangkok on which it was said."""
        return today_in_bangkok(self.at)


class OpinionRow(Base):
    __tablename__ = "opinion"
    __table_args__ = (
        Index("ix_opinion_learner", "learner_id"),
        Index("ix_opinion_school", "school_id", "grade", "room"),
        Index("ix_opinion_area", "area_id"),
        # A person says one thing of a child at a time: `held` is "<learner> <account>" until it is withdrawn.
        Index("ux_opinion_held", "held", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    learner_id: Mapped[int] = mapped_column(BigInteger)
    school_id: Mapped[str] = mapped_column(String(40))
    area_id: Mapped[str | None] = mapped_column(String(40))
    grade: Mapped[str | None] = mapped_column(String(20))
    room: Mapped[str | None] = mapped_column(String(40))
    held: Mapped[str | None] = mapped_column(String(90))
    run: Mapped[str] = mapped_column(String(80))
    says: Mapped[str] = mapped_column(String(10))
    said: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(String(64))
    who_name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(Moment)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment)


def nominate(people: Engine, person: Person | None, place: Place, *, run: str, said: str, now: datetime) -> Opinion:
    """Name a child whom the run's list misses. Raises RaksaError if the person may not see the child, gives no reason,
    or has said something of her already that holds."""
    return _say(people, person, place, NOMINATE, run, said, now)


def dispute(people: Engine, person: Person | None, place: Place, *, run: str, said: str, now: datetime) -> Opinion:
    """Say of a listed child that she needs nobody just now. She stays on the list, with this beside her."""
    return _say(people, person, place, DISPUTE, run, said, now)


def withdraw(people: Engine, person: Person | None, opinion_id: int, now: datetime) -> Opinion:
    """Take one's own opinion back; it stays in the history. Raises RaksaError if it is not there, or another's."""
    with scoped(people, person, writing=True) as session:
        row = session.scalar(select(OpinionRow).where(OpinionRow.id == opinion_id, seen_by(person)).with_for_update())
        if row is None or (person is not None and row.who != person.username):
            raise RaksaError("This opinion is not one of yours. Write your own beside it.")
        row.withdrawn_at, row.held = row.withdrawn_at or now, None
        session.flush()
        return _opinion(row)


def of_child(people: Engine, person: Person | None, place: Place) -> list[Opinion]:
    """All that was ever said of a child, newest first. Raises RaksaError if the person may not see her."""
    check_may_open(person, place)
    query = select(OpinionRow).where(OpinionRow.learner_id == place.learner_id).order_by(OpinionRow.id.desc())
    with scoped(people, person, learner=place.learner_id) as session:
        return [_opinion(row) for row in session.scalars(query)]


def holding(people: Engine, person: Person | None, on: date | None = None) -> list[Opinion]:
    """What holds in the person's scope, newest first: not withdrawn, and with `on` said in the 120 days up to it."""
    query = select(OpinionRow).where(OpinionRow.withdrawn_at.is_(None), seen_by(person)).order_by(OpinionRow.id.desc())
    with scoped(people, person) as session:
        found = [_opinion(row) for row in session.scalars(query)]
    return [one for one in found if on is None or 0 <= (on - one.on).days < HOLDS_DAYS]


def ever(people: Engine, person: Person | None) -> list[Opinion]:
    """All that was ever said in the person's scope, withdrawn or not, newest first."""
    query = select(OpinionRow).where(seen_by(person)).order_by(OpinionRow.id.desc())
    with scoped(people, person) as session:
        return [_opinion(row) for row in session.scalars(query)]


# ---------------------------------------------------------------------------------------------- held against what came
def came_of(opinions: Sequence[Opinion], left: pd.Series) -> pd.DataFrame:
    """What came of opinions, one row for nominate and one for dispute: said, known, left, share.

    left: learner → 1 left, 0 stayed; a learner who is not in it, or NaN, is not known and in no share. A child whom
    several people named counts once. The share is NaN where nothing is known.
    """
    rows = {}
    for says in (NOMINATE, DISPUTE):
        learners = sorted({one.place.learner_id for one in opinions if one.says == says})
        became = left.reindex(learners)
        known = became.notna().sum()
        gone = float(became.sum())
        rows[says] = {
            "said": len(learners),
            "known": int(known),
            "left": gone,
            "share": gone / known if known else np.nan,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def ways(opinions: Sequence[Opinion], rows: pd.DataFrame, risk: np.ndarray) -> dict[str, np.ndarray]:
    """Scores (rows,) of two more ways of choosing, for `models.judge.judge(others=…)`: teachers' nominations alone, and
    the model's list with the nominated before the others. Empty while nobody was nominated before the rows' days.

    rows: learner_id, as_of. A nomination counts from the day after it was said, as any other fact.
    """
    named: dict[int, list[Opinion]] = {}
    for one in opinions:
        if one.says == NOMINATE:
            named.setdefault(one.place.learner_id, []).append(one)
    known = [
        any(_held(one, as_of.date()) for one in named.get(learner, ()))
        for learner, as_of in rows[["learner_id", "as_of"]].itertuples(index=False)
    ]
    if not any(known):
        return {}
    nominated = np.array(known, dtype=float)
    return {"nominated": nominated, "nominated_then_model": nominated + risk}


def _held(one: Opinion, day: date) -> bool:
    """Whether it held on a day, as known strictly before that day."""
    taken = today_in_bangkok(one.withdrawn_at) if one.withdrawn_at else None
    return 0 < (day - one.on).days < HOLDS_DAYS and (taken is None or taken >= day)


# ------------------------------------------------------------------------------------------------------------ inside
def _say(people: Engine, person: Person | None, place: Place, says: str, run: str, said: str, now: datetime) -> Opinion:
    check_may_open(person, place)
    if not said.strip():
        raise RaksaError("No reason is given. Say in a sentence what you know of the child.")
    if len(said) > MOST_LETTERS:
        raise RaksaError(f"That is {len(said):,} letters; {MOST_LETTERS:,} are the most. Make it shorter.")
    who = person.username if person else OPERATOR
    row = OpinionRow(
        **vars(place), held=f"{place.learner_id} {who}", run=run, says=says, said=said.strip(), who=who,
        who_name=person.name if person else OPERATOR, at=now, withdrawn_at=None,
    )  # fmt: skip
    with scoped(people, person, writing=True) as session:
        session.add(row)
        try:
            session.flush()
        except IntegrityError:
            raise RaksaError("You have said something of this child already. Take that back first.") from None
        return _opinion(row)


def _opinion(row: OpinionRow) -> Opinion:
    place = Place(row.learner_id, row.school_id, row.area_id, row.grade, row.room)
    return Opinion(row.id, place, row.run, row.says, row.said, row.who, row.who_name, row.at, row.withdrawn_at)
