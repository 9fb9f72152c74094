"""What every door and page of one server process stands on: settings, the people database, the current run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from dashboard.roster import Run, open_run
from raksa.accounts import Accounts
from raksa.settings import Settings, load
from raksa.store import Store

SESSION_HEADER = "x-raksa-session"  # carries the id of a sign-in from the gate to the pages; refused from outside


@dataclass(frozen=True)
class Ground:
    settings: Settings
    accounts: Accounts
    store: Store


@lru_cache(maxsize=1)
def ground() -> Ground:
    """Opened once per process, from RAKSA_HOME and the other RAKSA_ variables."""
    settings = load()
    return Ground(settings, Accounts.open(settings), Store(settings.home))


def current_run() -> Run:
    """The run people see now. Raises RaksaError if there is none yet.

    The pointer is read each time, so a new run shows at the next click; an open run is kept, since it never
    changes.
    """
    folder = ground().store.run_folder()
    return _opened(folder.parent.parent, folder.name)


@lru_cache(maxsize=4)
def _opened(home: Path, name: str) -> Run:
    return open_run(Store(home), name)


def now() -> datetime:
    return datetime.now(UTC)
