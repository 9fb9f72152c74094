"""What every route asks of a request: who sent it, from where and with what, and a line in the audit log."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.ground import ground, now
from dashboard.language import LANGUAGES
from dashboard.pages import PAGES
from raksa.access import Person
from raksa.accounts import Visitor
from raksa.audit import Entry, record

WANTED = "raksa_wanted"  # cookie: the page somebody asked for before signing in
ADDRESSES = frozenset({*PAGES, "from-mail"})  # what may stand in it
# The first that a browser's description names. Opera and Edge name Chrome, Chrome names Safari.
_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Line": "LINE"} | {name: name for name in ("Firefox", "Chrome", "Safari")}
_SYSTEMS = {name: name for name in ("Android", "iPhone", "iPad", "Windows", "Linux")} | {"Mac OS": "Mac"}


def person_of(request: Request) -> Person:
    """The person the gate let through."""
    return visitor_of(request).person


def visitor_of(request: Request) -> Visitor:
    """The person the gate let through, with her sign-in."""
    visitor: Visitor = request.scope["raksa.visitor"]
    return visitor


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""


def browser_of(request: Request) -> str:
    """The browser named roughly, such as "Chrome, Android": enough to know one's own, too little to follow a person."""
    said = request.headers.get("user-agent", "")
    found = (next((name for sign, name in names.items() if sign in said), "") for names in (_BROWSERS, _SYSTEMS))
    return ", ".join(name for name in found if name) or "?"


def language_of(request: Request) -> str:
    """The language of a form before anybody has signed in: what the address asks for, else the setting."""
    asked = request.query_params.get("lang", "")
    return asked if asked in LANGUAGES else ground().settings.language


def set_cookie(request: Request, answer: Response, name: str, value: str, path: str = "/", same: str = "lax") -> None:
    """A cookie that no script reads, that stays on this site, and that travels over TLS only where there is TLS."""
    secure = request.url.scheme == "https"
    answer.set_cookie(name, value, path=path, httponly=True, samesite=same, secure=secure)  # type: ignore[arg-type]


def onward(request: Request) -> Response:
    """After the sign-in: to the page asked for before it, with its query, or to the first page if it was none of ours.
    The address is put together anew, so that no cookie another host planted leads away."""
    asked = urlsplit(unquote(request.cookies.get(WANTED, "")))
    page = asked.path.strip("/")
    answer = RedirectResponse(f"/{page}?{asked.query}" if page in ADDRESSES else "/", 303)
    answer.delete_cookie(WANTED)
    return answer


async def log(
    request: Request, who: str, what: str, about: str = "", reason: str = "", *, learner_id: int | None = None
) -> None:
    """Write what is about to be done to the audit log; what cannot be logged does not happen."""
    entry = Entry(now(), who[:64], what, learner_id, about, reason[:80], address_of(request)[:64])
    await run_in_threadpool(record, ground().accounts.people, entry)
