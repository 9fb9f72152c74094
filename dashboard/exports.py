"""Files: routes that answer exactly what a page shows, to the same person, written to the audit log first.

Routes of ours and not Streamlit's download buttons, because those put the file at an address that answers anybody
(streamlit#8148).
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dashboard.ground import current_run
from dashboard.language import speak
from dashboard.requests import log, person_of
from dashboard.roster import Filters, as_csv, as_xlsx, children, columns_for
from raksa.access import sees_learners
from raksa.errors import RaksaError

MOST_XLSX_ROWS = 5000  # writing 30,000 rows takes 2 CPU seconds, in which everybody else's page stands still


async def export_csv(request: Request) -> Response:
    return await _export(request, "csv")


async def export_xlsx(request: Request) -> Response:
    return await _export(request, "xlsx")


async def _export(request: Request, kind: str) -> Response:
    """What the list page shows, as a file: same person, same filters, same columns; written to the log
    first."""
    person, asked = person_of(request), request.query_params
    if not sees_learners(person):
        await log(request, person.username, "export_refused", f"list.{kind}", f"role {person.role}")
        return PlainTextResponse("Forbidden", 403)
    filters = Filters(
        area=asked.get("area", ""),
        school=asked.get("school", ""),
        grade=asked.get("grade", ""),
        room=asked.get("room", ""),
        family=asked.get("family", ""),
        search=asked.get("search", ""),
        listed_only=asked.get("all") != "1",
    )
    try:
        run = current_run()
    except RaksaError as wrong:
        return PlainTextResponse(str(wrong), 404)
    rows = await run_in_threadpool(children, run, person, filters)
    if kind == "xlsx" and len(rows) > MOST_XLSX_ROWS:
        _ = speak(person.language)
        sentence = _("The list has {n} rows; take the CSV file, or choose a school first.", n=len(rows))
        return PlainTextResponse(sentence, 413)
    await log(request, person.username, f"export_{kind}", f"run {run.id}, {filters}, {len(rows)} rows", person.role)
    write, media = {
        "csv": (as_csv, "text/csv; charset=utf-8"),
        "xlsx": (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    }[kind]
    body = await run_in_threadpool(write, rows, columns_for(person), person.language)
    file = f'attachment; filename="raksa-{run.as_of.isoformat()}.{kind}"'
    return Response(body, media_type=media, headers={"Content-Disposition": file})


ROUTES = [
    Route("/export/list.csv", export_csv),
    Route("/export/list.xlsx", export_xlsx),
]
