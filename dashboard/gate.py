"""The one gate in front of everything the server answers, HTTP and websocket alike.

Pure ASGI, because Starlette's BaseHTTPMiddleware does not see websockets, and the websocket is where
Streamlit's data flows. Whoever is not signed in gets the sign-in form, fonts and Streamlit's own script
files, and nothing else.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.ground import SESSION_HEADER, ground, now
from raksa.accounts import session_id

COOKIE = "raksa_session"
# Answered to anybody: the sign-in form, whether the server lives, fonts, and Streamlit's script files
# (public code).
_OPEN = ("/login", "/health", "/_stcore/health", "/favicon.png")
_OPEN_UNDER = ("/app/static/fonts/", "/static/")
_BEFORE_NEW_PASSWORD = ("/password", "/logout")


class Gate:
    """Lets a request through with the id of its sign-in in a header of our own, or answers it here."""

    def __init__(self, app: ASGIApp, index: str) -> None:
        self._app = app
        self._policy = content_policy(index)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "http":
            send = self._strictly(scope, send)
        refusal = await self._admit(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await refusal(scope, receive, send)
        else:
            # Closed before it was accepted: the server answers the handshake with 403.
            await send({"type": "websocket.close", "code": 1008})

    async def _admit(self, scope: Scope) -> Response | None:
        """None if the request may go on (the scope then names the person), else the answer."""
        headers = Headers(scope=scope)
        if SESSION_HEADER in headers or _foreign(scope, headers):
            return PlainTextResponse("Forbidden", 403)
        path = scope["path"]
        if scope["type"] == "http" and (path in _OPEN or path.startswith(_OPEN_UNDER)):
            return None
        token = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        person = await run_in_threadpool(ground().accounts.who, token, now()) if token else None
        wants_page = scope["type"] == "http" and scope["method"] == "GET" and "text/html" in headers.get("accept", "")
        if person is None:
            return RedirectResponse("/login", 303) if wants_page else PlainTextResponse("Sign in first", 401)
        if person.must_change_password and path not in _BEFORE_NEW_PASSWORD:
            return RedirectResponse("/password", 303) if wants_page else PlainTextResponse("New password first", 403)
        scope["raksa.person"], scope["raksa.token"] = person, token
        if scope["type"] == "websocket":
            _hand_over(scope, token)
        return None

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


def _foreign(scope: Scope, headers: Headers) -> bool:
    """A request that another site's page sent: a websocket or a form with an Origin that is not ours."""
    origin = headers.get("origin")
    if origin is None or (scope["type"] == "http" and scope["method"] in ("GET", "HEAD", "OPTIONS")):
        return False
    return urlsplit(origin).netloc != headers.get("host")


def _hand_over(scope: Scope, token: str) -> None:
    """Give the pages the id of the sign-in, and take the token itself out of what they can read."""
    kept = []
    for name, value in scope["headers"]:
        if name == b"cookie":
            cookies = value.decode("latin-1").split(";")
            value = ";".join(c for c in cookies if c.split("=")[0].strip() != COOKIE).strip().encode("latin-1")
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
