"""The server: Streamlit's pages behind our gate, with our own sign-in, sign-out and exports beside them.

Started by dashboard/serve.py with `streamlit run asgi.py`.
"""

from __future__ import annotations

import gc
import hmac
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from streamlit import config
from streamlit.starlette import App

from dashboard import exports, forms
from dashboard.gate import COOKIE, Gate
from dashboard.ground import SESSION_HEADER, ground, now
from dashboard.language import LANGUAGES, speak
from dashboard.pages import PAGES
from dashboard.requests import address_of, log, person_of
from raksa.accounts import Refusal
from raksa.errors import RaksaError

CSRF = "raksa_csrf"
_INDEX = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")


def _index(language: str) -> str:
    """Streamlit's page with the language it is really in, so that no browser offers to translate Thai to
    Thai (which breaks React pages), and without the pointer to an agent API that is switched off."""
    page = _INDEX.replace('<html lang="en">', f'<html lang="{language}" translate="no">')
    page = page.replace('<link rel="service-desc" href="./_stcore/agent/openapi.json" />', "")
    return page.replace("<title>Streamlit</title>", "<title>Raksa</title>")


async def page(request: Request) -> Response:
    return HTMLResponse(_index(person_of(request).language))


# ------------------------------------------------------------------------------------------------ sign-in,
async def login(request: Request) -> Response:
    """The form, and what it sends. The hidden value must equal a cookie that another site cannot read or
    set."""
    language = _language(request)
    if request.method == "GET":
        return _login_form(request, language)
    form = await request.form()
    sent, held = str(form.get("csrf", "")), request.cookies.get(CSRF, "")
    if not held or not hmac.compare_digest(sent.encode(), held.encode()):
        return _login_form(request, language, "stale")
    username, password = str(form.get("username", ""))[:64], str(form.get("password", ""))[:200]
    accounts = ground().accounts
    outcome = await run_in_threadpool(accounts.sign_in, username, password, now(), address_of(request))
    if isinstance(outcome, Refusal):
        await log(request, username.strip().casefold() or "-", "sign_in_refused", reason=outcome.reason)
        return _login_form(request, language, outcome.reason)
    await log(request, username.strip().casefold(), "sign_in")
    answer = RedirectResponse("/", 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, outcome, path="/", httponly=True, samesite="lax", secure=secure)
    answer.delete_cookie(CSRF, path="/login")
    return answer


def _login_form(request: Request, language: str, refused: str = "") -> Response:
    csrf = secrets.token_urlsafe(24)
    status = {"": 200, "locked": 429, "busy": 503}.get(refused, 403)
    answer = HTMLResponse(forms.sign_in(language, csrf, refused), status)
    secure = request.url.scheme == "https"
    answer.set_cookie(CSRF, csrf, path="/login", httponly=True, samesite="strict", secure=secure)
    return answer


async def logout(request: Request) -> Response:
    """Ends the sign-in in the database: a copy of the cookie is worth nothing afterwards."""
    await run_in_threadpool(ground().accounts.sign_out, request.scope["raksa.token"])
    await log(request, person_of(request).username, "sign_out")
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


async def password(request: Request) -> Response:
    """A new password, for which the present one is asked: an unattended screen must not be enough."""
    person = person_of(request)
    if request.method == "GET":
        return HTMLResponse(forms.new_password(person.language))
    form = await request.form()
    present, new, again = (str(form.get(field, "")) for field in ("present", "password", "again"))
    _ = speak(person.language)
    if new != again:
        return HTMLResponse(forms.new_password(person.language, forms.mismatch(_)), 400)
    accounts = ground().accounts
    outcome = await run_in_threadpool(accounts.sign_in, person.username, present, now(), address_of(request))
    if isinstance(outcome, Refusal):
        wrong = _(forms.REFUSED[outcome.reason])
        return HTMLResponse(forms.new_password(person.language, wrong), 403)
    try:
        await run_in_threadpool(accounts.set_password, person.username, new)
    except RaksaError:
        wrong = _("The new password does not fit: ten letters or more, without the account name.")
        return HTMLResponse(forms.new_password(person.language, wrong), 400)
    await log(request, person.username, "set_password")
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


# ----------------------------------------------------------------------------------------------------------
async def health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _language(request: Request) -> str:
    asked = request.query_params.get("lang", "")
    return asked if asked in LANGUAGES else ground().settings.language


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    mapped = config.get_option("server.trustedUserHeaders")
    if {str(k).lower(): v for k, v in dict(mapped).items()} != {SESSION_HEADER: "session"}:
        raise RaksaError(
            "Streamlit was started without the mapping of the X-Raksa-Session header, so people could take over each "
            "other's sessions. Start the page with `raksa serve`."
        )
    ground()
    # Streamlit collects all garbage after every click. Freezing what the imports made took a click from 121
    # to 53 CPU ms here; what sessions make later is still collected.
    gc.collect()
    gc.freeze()
    yield


app = App(
    "app.py",
    lifespan=lifespan,
    middleware=[Middleware(Gate, index=_INDEX)],
    routes=[
        Route("/", page),
        *(Route(f"/{name}", page) for name in PAGES),
        Route("/login", login, methods=["GET", "POST"]),
        Route("/logout", logout, methods=["POST"]),
        Route("/password", password, methods=["GET", "POST"]),
        *exports.ROUTES,
        Route("/health", health),
    ],
)
