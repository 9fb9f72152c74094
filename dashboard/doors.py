"""The doors: sign-in, its second half, sign-out, a new password, the second factor, one's own sign-ins."""

from __future__ import annotations

import hmac
import secrets

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard import forms, oidc
from dashboard.gate import cookie_name
from dashboard.ground import ground, now
from dashboard.language import N_, refusal, speak
from dashboard.requests import address_of, browser_of, language_of, log, onward, person_of, set_cookie, visitor_of
from raksa.accounts import Refusal, Ticket
from raksa.errors import RaksaError

CSRF, TICKET = "raksa_csrf", "raksa_ticket"
_STATUS = {"": 200, "locked": 429, "busy": 503, "no_key": 503}
_BAD_CODE = N_("The code is not right, or was used already. Wait for the next one.")


# ------------------------------------------------------------------------------------------------------------- sign-in
async def login(request: Request) -> Response:
    """The form, and what it sends. The hidden value must equal a cookie that another site cannot read or set."""
    if request.method == "GET":
        return _login_form(request)
    form = await request.form()
    sent, held = str(form.get("csrf", "")), request.cookies.get(CSRF, "")
    if not held or not hmac.compare_digest(sent.encode(), held.encode()):
        return _login_form(request, "stale")
    username, password = str(form.get("username", ""))[:64], str(form.get("password", ""))[:200]
    outcome = await run_in_threadpool(
        ground().accounts.sign_in, username, password, now(), address_of(request), browser_of(request)
    )
    username = username.strip().casefold()
    if isinstance(outcome, Refusal):
        await log(request, username or "-", "sign_in_refused", reason=outcome.reason)
        return _login_form(request, outcome.reason)
    if isinstance(outcome, Ticket):
        answer = RedirectResponse(f"/login/code?lang={language_of(request)}", 303)
        set_cookie(request, answer, TICKET, outcome.value, "/login/code", "strict")
        return answer
    return await _signed_in(request, username, outcome)


async def code(request: Request) -> Response:
    """The second form of a sign-in. Its ticket is in a cookie that other sites' forms do not carry."""
    language = language_of(request)
    if request.method == "GET":
        return HTMLResponse(forms.enter_code(language))
    typed = str((await request.form()).get("code", ""))[:40]
    ticket = request.cookies.get(TICKET, "")
    outcome, username = await run_in_threadpool(
        ground().accounts.enter_code, ticket, typed, now(), address_of(request), browser_of(request)
    )
    if not isinstance(outcome, Refusal):
        return await _signed_in(request, username, outcome)
    await log(request, username or "-", "sign_in_refused", reason=f"code {outcome.reason}")
    if outcome.reason == "stale":
        return _login_form(request, "stale")
    _ = speak(language)
    wrong = _(_BAD_CODE) if outcome.reason == "wrong" else _(forms.REFUSED[outcome.reason])
    return HTMLResponse(forms.enter_code(language, wrong), _STATUS.get(outcome.reason, 403))


async def _signed_in(request: Request, username: str, token: str) -> Response:
    await log(request, username, "sign_in")
    answer = onward(request)
    set_cookie(request, answer, cookie_name(request.url.scheme), token)
    answer.delete_cookie(CSRF, path="/login")
    answer.delete_cookie(TICKET, path="/login/code")
    return answer


def _login_form(request: Request, refused: str = "") -> Response:
    csrf = secrets.token_urlsafe(24)
    page = forms.sign_in(language_of(request), csrf, refused, oidc.provider_name())
    answer = HTMLResponse(page, _STATUS.get(refused, 403))
    set_cookie(request, answer, CSRF, csrf, "/login", "strict")
    return answer


async def logout(request: Request) -> Response:
    """Ends the sign-in in the database: a copy of the cookie is worth nothing afterwards. Whoever came from an identity
    provider is sent on to sign out there too."""
    visitor = visitor_of(request)
    await run_in_threadpool(ground().accounts.sign_out, request.scope["raksa.token"])
    await log(request, visitor.person.username, "sign_out")
    onward = await oidc.end_session_address(request) if visitor.sign_in.door == "oidc" else ""
    # A page and not a redirect: our Content-Security-Policy lets no form lead to another host, also not by redirect.
    page = HTMLResponse(forms.onward(visitor.person.language, onward)) if onward else RedirectResponse("/login", 303)
    return _without_cookie(request, page)


def _to_login(request: Request) -> Response:
    return _without_cookie(request, RedirectResponse("/login", 303))


def _without_cookie(request: Request, answer: Response) -> Response:
    scheme = request.url.scheme
    answer.delete_cookie(cookie_name(scheme), path="/", secure=scheme == "https", httponly=True, samesite="lax")
    return answer


# ------------------------------------------------------------------------------------------------------- new password
async def password(request: Request) -> Response:
    """A new password, for which the present one is asked: an unattended screen must not be enough."""
    person = person_of(request)
    if request.method == "GET":
        return HTMLResponse(forms.new_password(person.language))
    form = await request.form()
    present, new, again = (str(form.get(field, ""))[:400] for field in ("present", "password", "again"))
    _ = speak(person.language)
    if new != again:
        return HTMLResponse(forms.new_password(person.language, forms.mismatch(_)), 400)
    refused = await _present_password(request, present)
    if refused:
        return HTMLResponse(forms.new_password(person.language, _(forms.REFUSED[refused.reason])), 403)
    try:
        await run_in_threadpool(ground().accounts.set_password, person.username, new)
    except RaksaError as wrong:
        return HTMLResponse(forms.new_password(person.language, refusal(_, wrong)), 400)
    await log(request, person.username, "set_password")
    return _to_login(request)


async def _present_password(request: Request, typed: str) -> Refusal | None:
    check = ground().accounts.check_password
    return await run_in_threadpool(check, person_of(request).username, typed[:200], now(), address_of(request))


# ------------------------------------------------------------------------------------------------------ second factor
async def second_factor(request: Request) -> Response:
    """Turn codes at sign-in on or off. Each step asks the password or a code: an unattended screen is not enough."""
    visitor, accounts = visitor_of(request), ground().accounts
    username, language = visitor.person.username, visitor.person.language
    if ground().settings.second_factor == "off" or visitor.sign_in.door != "password":
        return HTMLResponse(forms.no_second_factor(language, visitor.sign_in.door), 200 if _reads(request) else 403)
    is_on = await run_in_threadpool(accounts.has_second_factor, username)
    must = accounts.second_factor_required(visitor.person.role)

    def answered(wrong: str = "", status: int = 200) -> Response:
        left = accounts.recovery_codes_left(username) if is_on else 0
        return HTMLResponse(forms.second_factor(language, is_on, must, left, wrong), status)

    if _reads(request):
        return await run_in_threadpool(answered)
    form = await request.form()
    do, typed = str(form.get("do", "")), str(form.get("code", ""))[:40]
    _ = speak(language)
    if not is_on and do == "confirm":
        codes = await run_in_threadpool(accounts.confirm_second_factor, username, typed, now())
        if codes is None:
            return HTMLResponse(forms.confirm_second_factor(language, _(_BAD_CODE)), 400)
        await log(request, username, "second_factor_on")
        return HTMLResponse(forms.recovery_codes(language, codes))
    if do not in (("off", "codes") if is_on else ("begin",)) or (do == "off" and must):
        return await run_in_threadpool(answered, "", 400)
    refused = await _present_password(request, str(form.get("present", "")))
    if refused:
        return await run_in_threadpool(answered, _(forms.REFUSED[refused.reason]), 403)
    if do == "begin":
        try:
            secret = await run_in_threadpool(accounts.begin_second_factor, username)
        except RaksaError as no_key:
            return await run_in_threadpool(answered, refusal(_, no_key), 503)
        return HTMLResponse(forms.confirm_second_factor(language, "", username, secret))
    refused = await run_in_threadpool(accounts.check_code, username, typed, now(), address_of(request))
    if refused:
        wrong = _(_BAD_CODE) if refused.reason == "wrong" else _(forms.REFUSED[refused.reason])
        return await run_in_threadpool(answered, wrong, _STATUS.get(refused.reason, 403))
    if do == "codes":
        codes = await run_in_threadpool(accounts.new_recovery_codes, username)
        await log(request, username, "new_recovery_codes")
        return HTMLResponse(forms.recovery_codes(language, codes))
    await run_in_threadpool(accounts.reset_second_factor, username)
    await log(request, username, "second_factor_off")
    return RedirectResponse("/second-factor", 303)


# ----------------------------------------------------------------------------------------------------------- sign-ins
async def sessions(request: Request) -> Response:
    """Where the person is signed in, and a button to end each, or all."""
    visitor, accounts = visitor_of(request), ground().accounts
    username, here = visitor.person.username, visitor.sign_in.id
    if _reads(request):
        rows = await run_in_threadpool(accounts.sessions, username, now())
        return HTMLResponse(forms.sessions(visitor.person.language, rows, here))
    form = await request.form()
    wanted = str(form.get("id", ""))
    if form.get("do") == "all":
        await run_in_threadpool(accounts.sign_out_everywhere, username)
        await log(request, username, "sign_out_everywhere")
        return _to_login(request)
    if not await run_in_threadpool(accounts.end_session, username, wanted):
        return RedirectResponse("/sessions", 303)  # it had ended already
    await log(request, username, "end_session")
    return _to_login(request) if here.startswith(wanted) else RedirectResponse("/sessions", 303)


def _reads(request: Request) -> bool:
    return request.method in ("GET", "HEAD")


ROUTES = [
    Route("/login", login, methods=["GET", "POST"]),
    Route("/login/code", code, methods=["GET", "POST"]),
    Route("/logout", logout, methods=["POST"]),
    Route("/password", password, methods=["GET", "POST"]),
    Route("/second-factor", second_factor, methods=["GET", "POST"]),
    Route("/sessions", sessions, methods=["GET", "POST"]),
    *oidc.ROUTES,
]
