"""The one gate in front of everything the server answers, HTTP and websocket alike.

Pure ASGI, because Starlette's BaseHTTPMiddleware does not see websockets, and the websocket is where
Streamlit's data flows. Whoever is not signed in gets the sign-in form, fonts and Streamlit's own script
files, and nothing else.

It also writes the access log: one line a request, with the route as the code names it. Neither the address asked for
nor its query is written, because people search for children's names.
"""

from __future__ import annotations

import json
import logging
import re
import time
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import forms
from dashboard.ground import SESSION_HEADER, ground, now
from dashboard.requests import ADDRESSES, WANTED
from raksa.accounts import Visitor, session_id
from raksa.people import PeopleAway
from raksa.settings import Settings

# Of a sign-in. Behind TLS with a prefix: browsers then take it from this very host over TLS only, so that no other host
# of the same domain can plant one.
_COOKIE = "raksa_session"
# Answered to anybody: the sign-in form, whether the server lives, fonts, and Streamlit's script files
# (public code).
_OPEN = ("/login", "/login/code", "/oidc/login", "/oidc/callback", "/health", "/_stcore/health", "/favicon.png")
_OPEN_UNDER = ("/app/static/fonts/", "/static/")
# What must be done before anything else -> the doors that are open until then.
_DUE = {"password": ("/password", "/logout"), "second_factor": ("/second-factor", "/logout")}
_TOKENS = (_COOKIE, f"__Host-{_COOKIE}")
_SAFE = ("GET", "HEAD", "OPTIONS")
_LONGEST = 2000  # letters of a query that a cookie keeps; browsers drop one above 4096
_METHODS = {name: name for name in (*_SAFE, "POST", "PUT", "PATCH", "DELETE")}  # others are somebody's own words
access_log = logging.getLogger("raksa.access")


class Gate:
    """Lets a request through with the id of its sign-in in a header of our own, or answers it here."""

    def __init__(self, app: ASGIApp, index: str, routes: Sequence[Route]) -> None:
        self._app = app
        self._policy = content_policy(index)
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 403 if scope["type"] == "websocket" else 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            await self._answer(scope, receive, self._strictly(scope, noting) if scope["type"] == "http" else noting)
        finally:
            if ground().settings.log != "off":
                access_log.info(self._line(scope, status, time.perf_counter() - begun))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def marking(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            refusal = await self._admit(scope)
            if refusal is None:
                await self._app(scope, receive, marking)
                return
        except PeopleAway:
            if started:  # too late for another answer; the connection breaks off
                raise
            refusal = HTMLResponse(forms.away(), 503, {"Retry-After": "30"})
        if scope["type"] == "http":
            await refusal(scope, receive, send)
        else:
            # Closed before it was accepted: the server answers the handshake with 403.
            await send({"type": "websocket.close", "code": 1008})

    async def _admit(self, scope: Scope) -> Response | None:
        """None if the request may go on (the scope then names the person), else the answer."""
        headers = Headers(scope=scope)
        if _host(headers) not in hosts(ground().settings):
            # A page elsewhere whose name was pointed at this machine (DNS rebinding) would pass for ours.
            return PlainTextResponse("This name is not served here. The setting public_host lists the names.", 400)
        if SESSION_HEADER in headers or _foreign(scope, headers):
            return PlainTextResponse("Forbidden", 403)
        path = scope["path"]
        if scope["type"] == "http" and (path in _OPEN or path.startswith(_OPEN_UNDER)):
            return None
        token = cookie_parser(headers.get("cookie", "")).get(cookie_name(scope["scheme"]), "")
        visitor = await run_in_threadpool(ground().accounts.visitor, session_id(token), now()) if token else None
        wants_page = scope["type"] == "http" and scope["method"] == "GET" and "text/html" in headers.get("accept", "")
        if visitor is None:
            return _to_sign_in(scope) if wants_page else PlainTextResponse("Sign in first", 401)
        open_now = _DUE.get(visitor.due, (path,))
        if path not in open_now:
            return RedirectResponse(open_now[0], 303) if wants_page else PlainTextResponse("Not before that", 403)
        scope["raksa.visitor"], scope["raksa.token"] = visitor, token
        if scope["type"] == "websocket":
            _hand_over(scope, token)
        return None

    def _line(self, scope: Scope, status: int, seconds: float) -> str:
        """A line of the access log. `who` is a hash of the id of the sign-in: it joins the lines of one sign-in and
        opens nothing."""
        visitor: Visitor | None = scope.get("raksa.visitor")
        told = {
            "at": now().isoformat(timespec="milliseconds"),
            "method": _METHODS.get(scope.get("method", ""), "*") if scope["type"] == "http" else "WEBSOCKET",
            "route": self._route(scope),
            "status": status,
            "ms": round(seconds * 1000),
            "who": session_id(visitor.sign_in.id)[:12] if visitor else "-",
        }
        if ground().settings.log == "json":
            return json.dumps(told)
        return " ".join(map(str, told.values()))

    def _route(self, scope: Scope) -> str:
        """The route as it stands in the code; for Streamlit's own addresses, the folder."""
        for route in self._routes:
            if scope["type"] == "http" and route.matches(scope)[0] != Match.NONE:
                return route.path
        known = (*_OPEN_UNDER, "/_stcore/stream", "/_stcore/", "/media/", "/favicon.png")
        return next((f"{one}*" if one.endswith("/") else one for one in known if scope["path"].startswith(one)), "*")

    def _strictly(self, scope: Scope, send: Send) -> Send:
        """`send`, with the headers of every answer made strict."""
        path = scope["path"]

        async def strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = self._policy
                headers["X-Content-Type-Options"] = "nosniff"
                headers["X-Frame-Options"] = "DENY"
                # Not no-referrer: a browser then sends "Origin: null" with our own forms, and they would be
                # refused.
                headers["Referrer-Policy"] = "same-origin"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                if not path.startswith(_OPEN_UNDER):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        return strict


def _to_sign_in(scope: Scope) -> Response:
    """To the form. The page asked for is kept beside it: a shared link, or the code on a printed sheet, leads there."""
    answer = RedirectResponse("/login", 303)
    path, query = scope["path"], scope["query_string"].decode("latin-1")
    if path.strip("/") in ADDRESSES and len(query) < _LONGEST:
        secure = scope["scheme"] == "https"
        answer.set_cookie(
            WANTED, quote(f"{path}?{query}", safe=""), max_age=900, httponly=True, samesite="lax", secure=secure
        )
    return answer


def cookie_name(scheme: str) -> str:
    """What the cookie of a sign-in is called on a connection of this scheme."""
    return f"__Host-{_COOKIE}" if scheme in ("https", "wss") else _COOKIE


def hosts(settings: Settings) -> frozenset[str]:
    """The names in a Host header that are ours: the machine itself, and those of the setting."""
    return frozenset({"localhost", "127.0.0.1", "[::1]", settings.host.casefold()} | _names(settings.public_host))


def _names(setting: str) -> set[str]:
    return {_without_port(one) for one in setting.replace(",", " ").split()}


def _host(headers: Headers) -> str:
    return _without_port(headers.get("host", ""))


def _without_port(host: str) -> str:
    return re.sub(r":\d*$", "", host.casefold())


def _foreign(scope: Scope, headers: Headers) -> bool:
    """A request that another site's page sent: a websocket or a form whose Origin is not ours."""
    if scope["type"] == "http" and scope["method"] in _SAFE:
        return False
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


def _hand_over(scope: Scope, token: str) -> None:
    """Give the pages the id of the sign-in, and take the token itself out of what they can read."""
    kept = []
    for name, value in scope["headers"]:
        if name == b"cookie":
            cookies = value.decode("latin-1").split(";")
            value = ";".join(c for c in cookies if c.split("=")[0].strip() not in _TOKENS).strip().encode("latin-1")
        kept.append((name, value))
    scope["headers"] = [*kept, (SESSION_HEADER.encode(), session_id(token).encode())]


def content_policy(index: str) -> str:
    """The strictest Content-Security-Policy under which Streamlit's pages run (UI measurements, 2.5): its
    one inline script by hash, no eval but WebAssembly's, nothing from or to any other host."""
    inline = re.findall(r"<script>(.*?)</script>", index, flags=re.DOTALL)
    hashes = " ".join(f"'sha256-{b64encode(sha256(code.encode()).digest()).decode()}'" for code in inline)
    return (
        f"default-src 'none'; script-src 'self' 'wasm-unsafe-eval' {hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
        "worker-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
    )
