"""The audit log: who did what, when, to which learner or list, and by what right. Rows are added, never
changed.

It stands in the people database. The database itself refuses UPDATE and DELETE on the table (triggers of the first
migration), so that a fault in the program cannot rewrite the past (whoever owns the file can; see docs/access.md). Only
`raksa people keep`, or the same on an administrator's page, moves old lines out into a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Engine, String, Text, select
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator


class Base(DeclarativeBase):
    """Every table of the people database."""


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps no time zone, so it is taken off on the way in and put back on the way
    out."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class AuditRow(Base):
    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    who: Mapped[str] = mapped_column(String(64), index=True)
    what: Mapped[str] = mapped_column(String(40))
    learner_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    about: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(String(80))
    address: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True)
class Entry:
    """One line of the log. `about` is what it was done to, where that is no single learner: a list and its
    filters, an account. `reason` is the decision of raksa.access, or why something was refused."""

    at: datetime
    who: str
    what: str
    learner_id: int | None = None
    about: str = ""
    reason: str = ""
    address: str = ""


def record(people: Engine, entry: Entry) -> None:
    """Add a line. What cannot be logged must not happen: call it before handing the data over."""
    with Session(people) as session, session.begin():
        session.add(AuditRow(**vars(entry)))


def entries(
    people: Engine, *, learner_id: int | None = None, who: str | None = None, last: int = 200
) -> Sequence[Entry]:
    """The latest lines, newest first; of one learner (whom a guardian may ask about) or one person if
    named."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(last)
    if learner_id is not None:
        query = query.where(AuditRow.learner_id == learner_id)
    if who is not None:
        query = query.where(AuditRow.who == who)
    with Session(people) as session:
        rows = session.scalars(query)
        return [Entry(r.at, r.who, r.what, r.learner_id, r.about, r.reason, r.address) for r in rows]
