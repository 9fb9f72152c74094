"""The server: Streamlit's pages behind our gate, with our own doors (doors.py) and files (exports.py) beside them.

Started by dashboard/serve.py with `streamlit run asgi.py`.
"""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import streamlit
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from streamlit import config
from streamlit.starlette import App

from dashboard import doors, exports, exports_area, exports_care
from dashboard.gate import Gate, access_log
from dashboard.ground import SESSION_HEADER, current_run, ground
from dashboard.pages import PAGES, pages_for
from dashboard.requests import person_of
from raksa.errors import RaksaError
from raksa.people import PeopleAway

_INDEX = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")


def _index(language: str) -> str:
    """Streamlit's page with the language it is really in, so that no browser offers to translate Thai to
    Thai (which breaks React pages), and without the pointer to an agent API that is switched off."""
    page = _INDEX.replace('<html lang="en">', f'<html lang="{language}" translate="no">')
    page = page.replace('<link rel="service-desc" href="./_stcore/agent/openapi.json" />', "")
    return page.replace("<title>Streamlit</title>", "<title>Raksa</title>")


async def page(request: Request) -> Response:
    """The page; for somebody else's, as a link sent on leads to, the first of one's own, which says so."""
    person, asked = person_of(request), request.url.path.strip("/")
    if asked and asked not in pages_for(person):
        return RedirectResponse(f"/?missing={asked}", 303)
    return HTMLResponse(_index(person.language))


async def health(_request: Request) -> Response:
    """Whether people can be served: the people database answers and there is a run. Else 503 and which is missing."""
    missing = await run_in_threadpool(_missing)
    return JSONResponse({"status": "missing", "missing": missing}, 503) if missing else JSONResponse({"status": "ok"})


def _missing() -> list[str]:
    missing = []
    try:
        with ground().accounts.people.connect() as connection:
            connection.execute(select(1))
    except (PeopleAway, SQLAlchemyError):
        missing.append("people database")
    try:
        current_run()
    except RaksaError:
        missing.append("run")
    return missing


_BEHIND_PAGES = ("areas", "case_panel", "casework", "data", "judged", "paper", "record", "staffing", "today")


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    mapped = config.get_option("server.trustedUserHeaders")
    if {str(k).lower(): v for k, v in dict(mapped).items()} != {SESSION_HEADER: "session"}:
        raise RaksaError(
            "Streamlit was started without the mapping of the X-Raksa-Session header, so people could take over each "
            "other's sessions. Start the page with `raksa serve`."
        )
    ground()
    out = logging.StreamHandler(sys.stdout)
    out.setFormatter(logging.Formatter("%(message)s"))
    access_log.addHandler(out)
    access_log.setLevel(logging.INFO)
    access_log.propagate = False
    # What imports made is never garbage: frozen, no collection looks at it again. So all that pages need is imported
    # first, and not by whoever opens the first one.
    for name in ("altair", "pandas", "pydeck", *(f"dashboard.{page}" for page in _BEHIND_PAGES)):
        import_module(name)
    gc.collect()
    gc.freeze()
    yield


ROUTES = [
    Route("/", page),
    *(Route(f"/{name}", page) for name in PAGES),
    *doors.ROUTES,
    *exports.ROUTES,
    *exports_area.ROUTES,
    *exports_care.ROUTES,
    Route("/health", health),
]
app = App("app.py", lifespan=lifespan, middleware=[Middleware(Gate, index=_INDEX, routes=ROUTES)], routes=ROUTES)
