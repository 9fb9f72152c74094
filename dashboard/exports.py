"""Files: routes that answer exactly what a page shows, to the same person, written to the audit log first.

Routes of ours and not Streamlit's download buttons, because those put the file at an address that answers anybody
(streamlit#8148).
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from care import cases
from care.contacts import last_contacts
from care.documents import pdf
from dashboard import paper, record, roster, today, transfer
from dashboard.ground import current_run, ground, now
from dashboard.keys import learner_of
from dashboard.language import speak
from dashboard.pages import pages_for
from dashboard.record import Record
from dashboard.requests import log, person_of
from dashboard.roster import Filters, Run
from dashboard.today import Call
from raksa.access import Decision, Person, sees_learners, sees_score
from raksa.calendar import today_in_bangkok
from raksa.errors import RaksaError
from raksa.school_settings import in_force

MOST_XLSX_ROWS = 5000  # writing 30,000 rows takes 2 CPU seconds, in which everybody else's page stands still
MOST_PDF_ROWS = 500  # thirty pages, two seconds
_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": "application/json",
}


def filters_of(request: Request, run: Run) -> Filters:
    """What the address asks for, read as the page Lists reads its own."""
    return roster.asked(run, person_of(request), request.query_params, ground().accounts.people)


# ---------------------------------------------------------------------------------------------------- lists
async def list_csv(request: Request) -> Response:
    return await _list(request, "csv")


async def list_xlsx(request: Request) -> Response:
    return await _list(request, "xlsx")


async def list_pdf(request: Request) -> Response:
    return await _list(request, "pdf")


async def _list(request: Request, kind: str) -> Response:
    """What the list page shows, as a file: same person, same filters, same columns; written to the log first."""
    person = person_of(request)
    if not sees_learners(person):
        await log(request, person.username, "export_refused", f"list.{kind}", f"role {person.role}")
        return PlainTextResponse("Forbidden", 403)
    try:
        run = current_run()
    except RaksaError as wrong:
        return PlainTextResponse(str(wrong), 404)
    filters = await run_in_threadpool(filters_of, request, run)
    rows = await run_in_threadpool(roster.children, run, person, filters)
    if len(rows) > {"xlsx": MOST_XLSX_ROWS, "pdf": MOST_PDF_ROWS}.get(kind, len(rows)):
        _ = speak(person.language)
        sentence = _("The list has {n} rows; take the CSV file, or choose a school first.", n=len(rows))
        return PlainTextResponse(sentence, 413)
    await log(request, person.username, f"export_{kind}", f"run {run.id}, {filters}, {len(rows)} rows", person.role)
    columns = roster.columns_asked(person, request.query_params)

    def body() -> bytes:
        if kind == "pdf":
            promised = roster.promise(run, person, filters)
            scores = sees_score(person)
            return pdf("list", paper.list_paper(run, rows, columns, person.language, promised, scores=scores))
        write = {"csv": roster.as_csv, "xlsx": roster.as_xlsx}[kind]
        return write(rows, columns, person.language)

    return _file(await run_in_threadpool(body), kind, f"raksa-{run.as_of.isoformat()}")


# ---------------------------------------------------------------------------------------------------- whom to call
async def calls_pdf(request: Request) -> Response:
    return await _calls(request, "pdf")


async def calls_xlsx(request: Request) -> Response:
    return await _calls(request, "xlsx")


async def _calls(request: Request, kind: str) -> Response:
    """Whom to call today, as the page Today shows it: same person, same school; written to the log first."""
    person, school = person_of(request), request.query_params.get("school", "")
    if "today" not in pages_for(person):
        await log(request, person.username, "export_refused", f"calls.{kind}", f"role {person.role}")
        return PlainTextResponse("Forbidden", 403)
    try:
        run = current_run()
    except RaksaError as wrong:
        return PlainTextResponse(str(wrong), 404)

    def calls() -> tuple[Call, ...]:
        held = ground()
        people = held.accounts.people
        contacts = last_contacts(people, person)
        return today.morning(run, person, held.settings, in_force(people), contacts, school).calls

    found = await run_in_threadpool(calls)
    what = f"run {run.id}, calls{f', school={school[:40]}' if school else ''}, {len(found)} rows"
    await log(request, person.username, f"export_{kind}", what, person.role)

    def body() -> bytes:
        if kind == "pdf":
            return pdf("calls", paper.calls_paper(run, found, person.language))
        return today.calls_xlsx(found, person.language)

    return _file(await run_in_threadpool(body), kind, f"raksa-calls-{run.as_of.isoformat()}")


# ---------------------------------------------------------------------------------------------------- one child
async def child_pdf(request: Request) -> Response:
    """The parts asked for (`fields`, comma-separated; else those printed by default) on paper."""
    asked = request.query_params.get("fields")
    parts = [part for part in paper.PARTS if part in asked.split(",")] if asked is not None else paper.PRINTED

    def body(found: Record, run: Run, person: Person) -> bytes:
        return pdf("child", paper.child_paper(found, run, person.language, parts, ground().settings))

    return await _child(request, "pdf", body, f", {' '.join(parts)}")


async def child_json(request: Request) -> Response:
    return await _child(request, "json", lambda found, _run, person: transfer.as_json(_transfer(found, person)))


async def child_csv(request: Request) -> Response:
    return await _child(request, "csv", lambda found, _run, person: transfer.as_csv(_transfer(found, person)))


def _transfer(found: Record, person: Person) -> dict[str, object]:
    held = cases.of_child(ground().accounts.people, person, found.place)
    return transfer.transfer(
        found, today_in_bangkok(now()), [(case.place.school_id, one) for case, steps in held for one in steps]
    )


async def _child(
    request: Request, kind: str, make: Callable[[Record, Run, Person], bytes], about: str = ""
) -> Response:
    """A file about the child of the address, if the person may see her; written to the log first. Who does not exist
    and who may not be seen are answered alike."""
    person, key = person_of(request), request.query_params.get("child", "")
    try:
        run = current_run()
    except RaksaError as wrong:
        return PlainTextResponse(str(wrong), 404)
    learner = learner_of(run.folder.parents[1], key)
    found, decision = await run_in_threadpool(_found, run, person, learner)
    if found is None:
        what = f"child.{kind}, run {run.id}" + ("" if learner else f", key {key[:40]}")
        await log(request, person.username, "export_refused", what, decision.reason, learner_id=learner)
        return PlainTextResponse("Forbidden", 403)
    what = f"run {run.id}{about}"
    await log(request, person.username, f"export_child_{kind}", what, decision.reason, learner_id=learner)
    return _file(await run_in_threadpool(make, found, run, person), kind, f"raksa-child-{run.as_of.isoformat()}")


def _found(run: Run, person: Person, learner: int | None) -> tuple[Record | None, Decision]:
    if learner is None:
        return None, Decision(False, "no such child")
    held = ground()
    return record.record(run, held.store, held.settings, person, learner, held.accounts.people)


def _file(body: bytes, kind: str, name: str) -> Response:
    # No name of a child in a file name: it stays in the list of downloads of a computer many people use.
    held = {"Content-Disposition": f'attachment; filename="{name}.{kind}"', "Cache-Control": "no-store"}
    return Response(body, media_type=_MEDIA[kind], headers=held)


ROUTES = [
    Route("/export/list.csv", list_csv),
    Route("/export/list.xlsx", list_xlsx),
    Route("/export/list.pdf", list_pdf),
    Route("/export/calls.pdf", calls_pdf),
    Route("/export/calls.xlsx", calls_xlsx),
    Route("/export/child.pdf", child_pdf),
    Route("/export/child.json", child_json),
    Route("/export/child.csv", child_csv),
]
