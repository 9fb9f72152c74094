"""What is kept how long: `raksa people keep --years N`, and on an administrator's page.

Lines of the log older than N years are written to a dated CSV file in the data folder and then leave the database. They
can leave only while the triggers that refuse it are lifted, and these are lifted and put back within the one
transaction that removes the lines: nobody else ever meets the table without them (SQLite has one writer; PostgreSQL
locks the table, and lets nobody but its owner lift them). Whether the file is destroyed, and when, is for its owner.

With them go failed sign-ins that no longer lock anything, sign-ins that have ended, halves of sign-ins nobody came
back to, and old files of plans: rows of a sheet to mend after 30 days (they hold names), a plan after a term (120
days), what a killed process left after one. What was done for a child is not touched: how long that is kept is for
whoever answers for it to say.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from sqlalchemy import ColumnElement, Connection, CursorResult, Engine, delete, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import Delete

from raksa.accounts import LOCK_FOR, TICKET_FOR, FailureRow, SessionRow, TicketRow
from raksa.audit import AuditRow, Base, Entry
from raksa.errors import RaksaError
from raksa.people import scoped
from raksa.settings import Settings

# Days that files of plans stay after their last change. Names with a dot in front are left by a process that was killed
# while writing.
PLAN_DAYS = {"to-mend.xlsx": 30, "plan.json": 120, ".*": 1}


@dataclass(frozen=True)
class Kept:
    """What left, or would leave: lines of the log, and the file they are in (None without any, and while nothing has
    moved); failed and ended sign-ins; halves of sign-ins; files of plans."""

    lines: int
    file: Path | None
    failures: int
    sign_ins: int
    tickets: int
    plans: int


def due(people: Engine, settings: Settings, years: int, now: datetime) -> Kept:
    """What `keep` would take away now; nothing is changed. Raises RaksaError for less than one year."""
    counted = {}
    with Session(people) as session:
        for table, over in _over(settings, years, now).items():
            counted[table] = session.scalar(select(func.count()).select_from(table).where(over)) or 0
    old = len(_old_plans(settings.home, now))
    return Kept(counted[AuditRow], None, counted[FailureRow], counted[SessionRow], counted[TicketRow], old)


def keep(
    people: Engine, settings: Settings, years: int, now: datetime, who: str = "operator", reason: str = "operator"
) -> Kept:
    """Move what is older than so many years out of the log, and forget what has run out; `who` did it, and by what
    right, stands in the log with the counts.

    Killed at any moment, no line is lost: it stands in the database, in the file, or in both. Raises RaksaError for
    less than one year.
    """
    over, plans = _over(settings, years, now), _old_plans(settings.home, now)
    with scoped(people, None, writing=True) as session:
        connection = session.connection()
        with _lifted(connection):
            lines, file = _to_file(connection, settings.home, _years_before(now, years))
            _removed(connection, delete(AuditRow).where(over.pop(AuditRow)))
        gone = {table: _removed(connection, delete(table).where(condition)) for table, condition in over.items()}
        done = Kept(lines, file, gone[FailureRow], gone[SessionRow], gone[TicketRow], len(plans))
        about = f"{years} years: {lines} lines to {file.name if file else 'no file'}, {done.plans} files of plans"
        session.add(AuditRow(**vars(Entry(now, who, "keep_log", None, about, reason))))
    for each in plans:
        each.unlink(missing_ok=True)
        with suppress(OSError):  # something is left in it
            each.parent.rmdir()
    return done


def _over(settings: Settings, years: int, now: datetime) -> dict[type[Base], ColumnElement[bool]]:
    """Of each table the rows whose time is over."""
    if years < 1:
        raise RaksaError("--years {years}: the log of the running year stays. Give 1 or more.", years=years)
    idle, whole = timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours)
    return {
        AuditRow: AuditRow.at < _years_before(now, years),
        FailureRow: FailureRow.at <= now - LOCK_FOR,
        SessionRow: (SessionRow.created < now - whole) | (SessionRow.last_seen < now - idle),
        TicketRow: TicketRow.created <= now - TICKET_FOR,
    }


def _old_plans(home: Path, now: datetime) -> list[Path]:
    found = []
    for name, days in PLAN_DAYS.items():
        before = (now - timedelta(days=days)).timestamp()
        found += [file for file in (home / "plans").glob(f"*/{name}") if file.stat().st_mtime < before]
    return found


@contextmanager
def _lifted(connection: Connection) -> Iterator[None]:
    """The log without its triggers, inside a transaction; afterwards with the very same."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER USER")
        yield
        connection.exec_driver_sql("ALTER TABLE audit ENABLE TRIGGER USER")
        return
    of_the_log = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
    triggers = connection.exec_driver_sql(of_the_log).all()
    for name, _ in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    for _, made in triggers:
        connection.exec_driver_sql(made)


def _to_file(connection: Connection, home: Path, before: datetime) -> tuple[int, Path | None]:
    """How many lines are older than a moment, and the CSV (with a BOM, for Excel) they are in, safe on the disk."""
    columns = AuditRow.__table__.columns
    name, number = f"log-before-{before:%Y-%m-%d}", 1
    while (file := home / (f"{name}.csv" if number == 1 else f"{name}-{number}.csv")).exists():
        number += 1
    beside = file.with_suffix(".tmp")
    beside.touch(mode=0o600)
    count = 0
    with beside.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([column.name for column in columns])
        lines = select(*columns).where(AuditRow.at < before).order_by(columns.id)
        for row in connection.execute(lines.execution_options(yield_per=5000)):
            writer.writerow([_cell(value) for value in row])
            count += 1
        out.flush()
        os.fsync(out.fileno())
    if not count:
        beside.unlink()
        return 0, None
    beside.replace(file)
    return count, file


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value  # no formula in a spreadsheet


def _removed(connection: Connection, statement: Delete) -> int:
    return cast("CursorResult[tuple[()]]", connection.execute(statement)).rowcount


def _years_before(now: datetime, years: int) -> datetime:
    """The same day so many years ago; the 28th for a 29th of February."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
