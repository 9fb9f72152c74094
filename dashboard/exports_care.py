"""Routes of care: where a mail's link leads, photographs of visits, a plan as files, the record of a term's visits,
letters home."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from care import visit_paper, visits
from care.calendar_file import ics
from care.messages import linked
from care.visit_paper import visit_set
from care.visit_sheet import record_book, workbook
from dashboard import forms, letters, planning, roster
from dashboard.casework import place_of
from dashboard.ground import current_run, ground, now
from dashboard.keys import learner_of
from dashboard.language import speak
from dashboard.pages import pages_for
from dashboard.planning import Kept, Shown
from dashboard.requests import log, person_of
from dashboard.roster import Run
from raksa.access import Person
from raksa.calendar import today_in_bangkok
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


# ------------------------------------------------------------------------------------------------------------- a plan
async def visits_pdf(request: Request) -> Response:
    """The plan and a sheet for each home, on paper."""

    def body(found: Shown, _kept: Kept, person: Person) -> bytes:
        address = planning.address_of(ground().settings)
        return visit_set(found.plan, found.people, address, "th" if person.language == "th" else "en")

    return await _plan(request, "pdf", body)


async def visits_ics(request: Request) -> Response:
    """The plan for a calendar: numbers, no names."""

    def body(found: Shown, kept: Kept, person: Person) -> bytes:
        return ics(found.plan, kept.at, "number", "th" if person.language == "th" else "en")

    return await _plan(request, "ics", body)


async def visits_xlsx(request: Request) -> Response:
    """The plan as a sheet to fill in."""
    return await _plan(request, "xlsx", lambda found, _, person: workbook(found.plan, found.people, person.language))


async def _plan(request: Request, kind: str, make: Callable[[Shown, Kept, Person], bytes]) -> Response:
    """A file of the person's own plan, of the children she may see today; written to the log first."""
    person = person_of(request)
    run = await _run_of(request, f"visits.{kind}")
    if isinstance(run, Response):
        return run
    store = ground().store
    kept = await run_in_threadpool(planning.kept, store.home, person)
    if kept is None:
        return PlainTextResponse("No plan yet", 404)
    try:
        found = await run_in_threadpool(planning.shown, run, store, person, kept, person.language)
    except RaksaError as wrong:
        return PlainTextResponse(str(wrong), 404)
    await log(request, person.username, f"export_plan_{kind}", f"run {run.id}, {found.plan.visits} visits", person.role)
    return _file(await run_in_threadpool(make, found, kept, person), kind, "raksa-visits")


async def visits_to_mend(request: Request) -> Response:
    """Rows of the person's last filled-in sheet that were not taken: her own words, back to her."""
    person = person_of(request)
    run = await _run_of(request, "visits-to-mend.xlsx")
    if isinstance(run, Response):
        return run
    body = await run_in_threadpool(planning.rows_to_mend, ground().store.home, person)
    if body is None:
        return PlainTextResponse("Nothing to mend", 404)
    await log(request, person.username, "export_xlsx", "refused rows of a visit sheet", person.role)
    return _file(body, "xlsx", "raksa-visits-to-mend")


async def home_visits(request: Request) -> Response:
    """The home-visit record of the present term, of the visits to children who stood in the person's scope then."""
    person = person_of(request)
    run = await _run_of(request, "home-visits.xlsx")
    if isinstance(run, Response):
        return run
    held, today = ground(), today_in_bangkok(now())
    made, who = await run_in_threadpool(
        planning.visits_of_term, run, held.accounts.people, person, held.settings, today
    )
    about = f"run {run.id}, home visits of the term, {len(made)} rows"
    await log(request, person.username, "export_xlsx", about, person.role)
    return _file(await run_in_threadpool(record_book, made, who, person.language), "xlsx", "raksa-home-visits")


# -------------------------------------------------------------------------------------------------------- letters home
async def letter_pdf(request: Request) -> Response:
    """The letter that is due for one child, for whoever may see her. Which of the three, the clock says."""
    person, key = person_of(request), request.query_params.get("child", "")
    run = await _run_of(request, "letter.pdf", "cases")
    if isinstance(run, Response):
        return run
    learner = learner_of(run.folder.parents[1], key)
    child, decision = await run_in_threadpool(roster.child, run, person, learner or 0)
    if child is None:
        await log(request, person.username, "export_refused", "letter.pdf", decision.reason, learner_id=learner)
        return PlainTextResponse("Forbidden", 403)
    return await _letters(request, run, learner=child.learner_id)


async def letters_pdf(request: Request) -> Response:
    """All letters due for the person's children, or those of a school of hers, each on a page of its own."""
    person, school = person_of(request), request.query_params.get("school", "")
    run = await _run_of(request, "letters.pdf", "cases")
    if isinstance(run, Response):
        return run
    beyond = await run_in_threadpool(letters.beyond_a_line, run, ground().accounts.people, person, school=school)
    if len(beyond) > letters.MOST_AT_ONCE and not school:
        _ = speak(person.language)
        return PlainTextResponse(_("Children beyond a line: {n}. Choose a school.", n=len(beyond)), 413)
    return await _letters(request, run, school=school)


async def _letters(request: Request, run: Run, *, school: str = "", learner: int | None = None) -> Response:
    """The letters due, each written to the log under its child first."""
    person, held, today = person_of(request), ground(), today_in_bangkok(now())

    def due() -> list[letters.Due]:
        people = held.accounts.people
        found = letters.letters_due(
            run, held.store, held.settings, people, person, today, school=school, learner=learner
        )
        return [one for one in found if one.is_letter]

    found = await run_in_threadpool(due)
    if not found:
        return PlainTextResponse(speak(person.language)("No letter is due."), 404)
    for one in found:
        what = f"run {run.id}, letter {one.number}"
        await log(request, person.username, "export_letter", what, person.role, learner_id=one.child.learner_id)
    about = [letters.letter_of(one, person, today) for one in found]
    return _file(await run_in_threadpool(visit_paper.letters, about), "pdf", "raksa-letters")


async def _run_of(request: Request, what: str, page: str = "plan") -> Run | Response:
    """The run people see, for whoever has the page; else the answer that refuses."""
    person = person_of(request)
    if page not in pages_for(person):
        await log(request, person.username, "export_refused", what, f"role {person.role}")
        return PlainTextResponse("Forbidden", 403)
    try:
        return current_run()
    except RaksaError as wrong:
        return PlainTextResponse(str(wrong), 404)


_MEDIA = {
    "pdf": "application/pdf",
    "ics": "text/calendar; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def _file(body: bytes, kind: str, name: str) -> Response:
    held = {"Content-Disposition": f'attachment; filename="{name}.{kind}"', "Cache-Control": "no-store"}
    return Response(body, media_type=_MEDIA[kind], headers=held)


ROUTES = [
    Route("/from-mail", from_mail),
    Route("/visit/photo", photo),
    Route("/export/visits.pdf", visits_pdf),
    Route("/export/visits.ics", visits_ics),
    Route("/export/visits.xlsx", visits_xlsx),
    Route("/export/visits-to-mend.xlsx", visits_to_mend),
    Route("/export/home-visits.xlsx", home_visits),
    Route("/export/letter.pdf", letter_pdf),
    Route("/export/letters.pdf", letters_pdf),
]
