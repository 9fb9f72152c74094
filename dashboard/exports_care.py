"""Routes of visits and messages: where the link of a mail leads, and a photograph of a visit."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from care import visits
from care.messages import linked
from dashboard import forms, roster
from dashboard.casework import place_of
from dashboard.ground import current_run, ground, now
from dashboard.keys import learner_of
from dashboard.requests import log, person_of
from raksa.errors import RaksaError


async def from_mail(request: Request) -> Response:
    """The page a mail's link names, while it holds. The person has signed in by now; the link itself opened nothing."""
    key = ground().store.identity.id_key
    to = linked(key, request.query_params.get("to", ""), now())
    if to is None:
        await log(request, person_of(request).username, "link_refused")
        return HTMLResponse(forms.link_ran_out(person_of(request).language), 410)
    return RedirectResponse(to, 303)


async def photo(request: Request) -> Response:
    """A photograph of a visit to a child the person may see; written to the log first. What is not there and what may
    not be seen are answered alike."""
    person, asked = person_of(request), request.query_params
    try:
        run = current_run()
    except RaksaError as wrong:
        return PlainTextResponse(str(wrong), 404)
    learner = learner_of(run.folder.parents[1], asked.get("child", ""))
    number, kind = asked.get("visit", ""), asked.get("kind", "")
    child, decision = await run_in_threadpool(roster.child, run, person, learner or 0)
    what = f"run {run.id}, visit {number[:12]}, {kind[:12]}"
    if child is None:
        await log(request, person.username, "read_photo_refused", what, decision.reason, learner_id=learner)
        return PlainTextResponse("Forbidden", 403)
    await log(request, person.username, "read_photo", what, decision.reason, learner_id=learner)
    held = ground()
    found = await run_in_threadpool(
        visits.photo, held.accounts.people, person, place_of(child), int(number) if number.isdigit() else 0, kind,
        held.settings.home,
    )  # fmt: skip
    if found is None:
        return PlainTextResponse("Forbidden", 403)
    return Response(found, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


ROUTES = [Route("/from-mail", from_mail), Route("/visit/photo", photo)]
