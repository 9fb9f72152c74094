"""What every route asks of a request: who sent it, from where, and a line in the audit log."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from dashboard.ground import ground, now
from raksa.access import Person
from raksa.audit import Entry, record


def person_of(request: Request) -> Person:
    """The person the gate let through."""
    person: Person = request.scope["raksa.person"]
    return person


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""


async def log(
    request: Request, who: str, what: str, about: str = "", reason: str = "", *, learner_id: int | None = None
) -> None:
    """Write what is about to be done to the audit log; what cannot be logged does not happen."""
    entry = Entry(now(), who[:64], what, learner_id, about, reason, address_of(request)[:64])
    await run_in_threadpool(record, ground().accounts.people, entry)
