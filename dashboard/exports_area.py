"""Files and papers of the pages Area, Model and Data: the same person, the same functions as the page, logged first."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from dashboard import areas, data, judged
from dashboard.ground import current_run, ground, now
from dashboard.language import LANGUAGES
from dashboard.pages import pages_for
from dashboard.requests import log, person_of
from raksa.calendar import today_in_bangkok
from raksa.errors import RaksaError

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def export_area(request: Request) -> Response:
    """The figures an area reports, as CSV."""
    person = person_of(request)
    area = request.query_params.get("area", "")
    if "area" not in pages_for(person):
        await log(request, person.username, "export_refused", "area.csv", f"role {person.role}")
        return PlainTextResponse("Forbidden", 403)
    try:
        run = current_run()
    except RaksaError as wrong:
        return PlainTextResponse(str(wrong), 404)
    people, today = ground().accounts.people, today_in_bangkok(now())
    figures = await run_in_threadpool(areas.report, run, people, person, today, area, person.language)
    await log(request, person.username, "export_csv", f"run {run.id}, figures, area={area or 'all'}", person.role)
    body = areas.as_csv(figures, person.language)
    file = f'attachment; filename="raksa-area-{run.as_of.isoformat()}.csv"'
    return Response(body, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": file})


async def model_card(request: Request) -> Response:
    """The card of the run's model as a page; about nobody, so it is not logged."""
    person = person_of(request)
    if "model" not in pages_for(person):
        return PlainTextResponse("Forbidden", 403)
    asked = request.query_params.get("language", "")
    language = asked if asked in LANGUAGES else person.language
    try:
        page = await run_in_threadpool(judged.as_page, ground().store, current_run().model, language)
    except RaksaError as wrong:
        return PlainTextResponse(str(wrong), 404)
    return HTMLResponse(page)


async def export_refused(request: Request) -> Response:
    """The refused rows of an import that are of the person's own school, as a workbook to mend and send again."""
    person, snapshot = person_of(request), request.query_params.get("import", "")
    try:
        body, rows = await run_in_threadpool(data.refused_workbook, ground().store, person, snapshot)
    except RaksaError as wrong:
        await log(
            request, person.username, "export_refused", f"refused.xlsx, import {snapshot[:40]}", f"role {person.role}"
        )
        return PlainTextResponse(str(wrong), 403)
    await log(request, person.username, "export_xlsx", f"refused rows of import {snapshot}, {rows} rows", person.role)
    file = f'attachment; filename="raksa-refused-{snapshot.partition("-")[0]}.xlsx"'
    return Response(body, media_type=_XLSX, headers={"Content-Disposition": file})


ROUTES = [
    Route("/export/area.csv", export_area),
    Route("/export/refused.xlsx", export_refused),
    Route("/model/card", model_card),
]
