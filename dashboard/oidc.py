"""Sign-in through an agency's own identity provider: OpenID Connect, authorization code with PKCE, state and nonce.

The provider says who somebody is. Whether she has an account is ours to say, and so is what it opens, unless the
settings name claims that hold role and scopes; these are then written to the account at every sign-in. What follows is
the same sign-in as by the local form: a row in the people database.
"""

from __future__ import annotations

import hmac
import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard import forms
from dashboard.gate import cookie_name
from dashboard.ground import ground, now
from dashboard.requests import address_of, browser_of, language_of, log, onward, set_cookie
from raksa.access import ROLES, Person, Scope, check_scopes
from raksa.accounts import Refusal
from raksa.errors import RaksaError
from raksa.settings import Settings

_TICKET = "raksa_oidc"  # between leaving for the provider and coming back; never the sign-in itself
_PATIENCE = 10  # seconds a provider may take


class NotVouched(Exception):
    """The provider did not say, or not in a way that can be trusted, who this is; the text goes into the log."""


# ---------------------------------------------------------------------------------------------------------- the doors
async def leave(request: Request) -> Response:
    """Send the browser to the provider."""
    if not ground().settings.oidc_issuer:
        return RedirectResponse("/login", 303)
    # Whoever was refused is asked there who she is, and not sent back at once under the same name.
    again = {"prompt": "login"} if "again" in request.query_params else {}
    try:
        asked = await (await _provider()).create_authorization_url(_callback(request), **again)
    except (httpx.HTTPError, ValueError, KeyError, NotVouched) as wrong:
        return await _refused(request, "-", "provider", type(wrong).__name__, 503)
    kept = {name: asked[name] for name in ("state", "nonce", "code_verifier")}
    value = await run_in_threadpool(ground().accounts.issue_ticket, "oidc", kept, now())
    answer = RedirectResponse(asked["url"], 303)
    set_cookie(request, answer, _TICKET, value, "/oidc")
    return answer


async def come_back(request: Request) -> Response:
    """The browser is back from the provider: check what it brings, once, and sign in."""
    settings, accounts, said = ground().settings, ground().accounts, request.query_params
    kept = await run_in_threadpool(accounts.take_ticket, "oidc", request.cookies.get(_TICKET, ""), now())
    if kept is None or not hmac.compare_digest(said.get("state", "").encode(), kept["state"].encode()):
        return await _refused(request, "-", "stale", "no such state")
    if "code" not in said:
        return await _refused(request, "-", "provider", "the provider said no")
    try:
        claims = await _claims(request, said["code"], kept)
        username = account_name(claims, settings)
    except NotVouched as wrong:
        return await _refused(request, "-", "provider", str(wrong))
    except (httpx.HTTPError, ValueError, KeyError) as wrong:
        return await _refused(request, "-", "provider", type(wrong).__name__, 503)
    try:
        await _rewrite(request, username, claims)
    except RaksaError as wrong:
        return await _refused(request, username, "role", str(wrong))
    outcome = await run_in_threadpool(accounts.admit, username, now(), address_of(request), browser_of(request))
    if isinstance(outcome, Refusal):
        return await _refused(request, username, outcome.reason, outcome.reason)
    await log(request, username, "sign_in", reason="oidc")
    answer = onward(request)
    set_cookie(request, answer, cookie_name(request.url.scheme), outcome)
    answer.delete_cookie(_TICKET, path="/oidc")
    return answer


async def _refused(request: Request, who: str, why: str, reason: str, status: int = 403) -> Response:
    await log(request, who, "sign_in_refused", reason=f"oidc: {reason}")
    return HTMLResponse(forms.not_let_in(language_of(request), why, who), status)


async def end_session_address(request: Request) -> str:
    """Where the provider signs a person out, coming back to our form; "" if it has no such address or is away."""
    try:
        metadata = await (await _provider()).load_server_metadata()
    except (httpx.HTTPError, ValueError, NotVouched):
        return ""
    if not metadata.get("end_session_endpoint"):
        return ""
    back = {"client_id": ground().settings.oidc_client_id, "post_logout_redirect_uri": _our_address(request, "/login")}
    return f"{metadata['end_session_endpoint']}?{urlencode(back)}"


def provider_name() -> str:
    """What the button of the sign-in form says; "" without a provider."""
    settings = ground().settings
    return settings.oidc_name or (urlsplit(settings.oidc_issuer).hostname or "")


def _callback(request: Request) -> str:
    return _our_address(request, "/oidc/callback")


def _our_address(request: Request, path: str) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{path}"  # the gate has looked at the Host header


# ------------------------------------------------------------------------------------------------------- the provider
@lru_cache(maxsize=1)
def _client() -> Any:
    with warnings.catch_warnings():
        # Authlib would rather have httpx2, and says so at import; it works with httpx, which Raksa has anyway.
        warnings.simplefilter("ignore")
        from authlib.integrations.starlette_client import OAuth
    settings = ground().settings
    return OAuth().register(
        "provider",
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret or None,
        server_metadata_url=f"{settings.oidc_issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256", "timeout": _PATIENCE},
    )


async def _provider() -> Any:
    """The provider's client. Its description must name the issuer of the settings (OpenID Connect Discovery 4.3)."""
    client = _client()
    metadata = await client.load_server_metadata()
    if str(metadata.get("issuer", "")).rstrip("/") != ground().settings.oidc_issuer:
        raise NotVouched("the provider names another issuer")
    return client


async def _claims(request: Request, code: str, kept: Mapping[str, str]) -> dict[str, Any]:
    """What the provider says of the person: ID token (signature, issuer, audience, nonce and times checked) and
    userinfo; where both say something, the signed one counts."""
    from authlib.integrations.base_client import OAuthError
    from authlib.oauth2.rfc6749 import OAuth2Error
    from joserfc.errors import JoseError

    client = await _provider()
    try:
        token = await client.fetch_access_token(_callback(request), code=code, code_verifier=kept["code_verifier"])
        signed = await client.parse_id_token(token, nonce=kept["nonce"])
    except (OAuthError, OAuth2Error, JoseError) as wrong:
        raise NotVouched(type(wrong).__name__) from wrong
    if not signed:
        raise NotVouched("no ID token")
    told: Mapping[str, Any] = {}
    if (await client.load_server_metadata()).get("userinfo_endpoint"):
        told = await client.userinfo(token=token)
        if told.get("sub") != signed["sub"]:  # OpenID Connect Core 5.3.2: else it may be about somebody else
            raise NotVouched("userinfo is about somebody else")
    return {**told, **signed}


# --------------------------------------------------------------------------------------------------- what claims mean
def account_name(claims: Mapping[str, Any], settings: Settings) -> str:
    """The account the claims name. An e-mail address counts only if the provider has verified it: else anybody could
    write a colleague's into a profile. Raises NotVouched if there is none."""
    name = claims.get(settings.oidc_match)
    if not isinstance(name, str) or not name.strip():
        raise NotVouched(f"no claim {settings.oidc_match}")
    if settings.oidc_match == "email" and claims.get("email_verified") is not True:
        raise NotVouched("the e-mail address is not verified")
    return name.strip().casefold()


def rights(claims: Mapping[str, Any], settings: Settings, person: Person) -> tuple[str, tuple[Scope, ...]]:
    """Role and scopes of an account at this sign-in: from the claims the settings name, else as they are.

    A claim holds one value or a list; of several roles the first that Raksa knows counts. Raises RaksaError if the
    claims say nothing that fits.
    """
    role, scopes = person.role, person.scopes
    if settings.oidc_role_claim:
        said = _values(claims, settings.oidc_role_claim)
        role = next((one for one in said if one in ROLES), "")
        if not role:
            raise RaksaError(f"Claim {settings.oidc_role_claim} names no role. Roles: {', '.join(ROLES)}.")
    if settings.oidc_scopes_claim:
        parts = (one.partition(":") for one in _values(claims, settings.oidc_scopes_claim))
        scopes = tuple(dict.fromkeys(Scope(kind, value) for kind, _, value in parts))
    check_scopes(role, scopes)
    return role, scopes


def _values(claims: Mapping[str, Any], name: str) -> Sequence[str]:
    """The values of a claim; `realm_access.roles` also finds {"realm_access": {"roles": [...]}}."""
    found: Any = claims
    for part in [name] if name in claims else name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    listed = found if isinstance(found, list) else [found]
    return [one for one in listed if isinstance(one, str)]


async def _rewrite(request: Request, username: str, claims: Mapping[str, Any]) -> None:
    accounts = ground().accounts
    person = await run_in_threadpool(accounts.person, username)
    if person is None or not person.active:
        return  # refused by `admit`
    role, scopes = rights(claims, ground().settings, person)
    if (role, set(scopes)) != (person.role, set(person.scopes)):
        about = f"{role} {' '.join(f'{one.kind}:{one.value}' for one in scopes)}".strip()
        await log(request, username, "set_role", about, "oidc")
        await run_in_threadpool(accounts.set_role, username, role, scopes)


ROUTES = [Route("/oidc/login", leave), Route("/oidc/callback", come_back)]
