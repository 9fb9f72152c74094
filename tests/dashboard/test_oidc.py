"""Sign-in through an identity provider: a real one on this machine, and one that lies."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwk, jwt
from playwright.sync_api import expect
from served import Server, free_port, post_login, serving
from test_browser import QUIET, browser

from dashboard.oidc import NotVouched, account_name, rights
from raksa.access import Scope
from raksa.accounts import Accounts
from raksa.errors import RaksaError
from raksa.settings import Settings
from tests.cast import KAMOL, PASSWORD, SOMSRI, WICHAI

__all__ = ["browser"]
CLIENT = {"oidc_client_id": "raksa", "oidc_client_secret": "between the two of us"}
PEOPLE: dict[str, dict[str, Any]] = {
    "s-1": {"preferred_username": "Somsri"},
    "w-2": {"preferred_username": "wichai"},
    "x-9": {"preferred_username": "somebody.else"},
}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """A provider that knows three people; PUT /users/<sub> changes what it says of one."""
    port = free_port()
    argv = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]
    for sub, claims in PEOPLE.items():
        argv += ["--user-claims", json.dumps({"sub": sub} | claims)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    issuer = f"http://localhost:{port}"
    try:
        for _ in range(120):
            try:
                httpx.get(f"{issuer}/.well-known/openid-configuration").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.25)
        yield issuer
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def agency(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Raksa with that provider; role and scopes are those of its own table."""
    home = tmp_path_factory.mktemp("agency")
    with serving(home, extra=0, oidc_issuer=provider, oidc_name="ระบบของเขต", **CLIENT) as served:
        yield served


@pytest.fixture(scope="module")
def by_claims(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Raksa that takes role and scopes from what the provider says."""
    claims = {"oidc_match": "sub", "oidc_role_claim": "realm.roles", "oidc_scopes_claim": "raksa_scopes"}
    with serving(tmp_path_factory.mktemp("claims"), extra=0, oidc_issuer=provider, **CLIENT, **claims) as served:
        yield served


def come(client: httpx.Client, sub: str) -> str:
    """Press the button, say at the provider who one is; the address the provider sends the browser back to."""
    away = client.get("/oidc/login")
    assert away.status_code == 303
    back = httpx.post(away.headers["location"], data={"sub": sub})
    assert back.status_code == 302, back.text
    return str(back.headers["location"])


# ------------------------------------------------------------------------------------------------------------ the flow
def test_somsri_comes_by_her_agency_and_sees_what_her_account_opens(agency: Server) -> None:
    with agency.browser() as client:
        assert "เข้าใช้ด้วย ระบบของเขต" in client.get("/login").text
        answer = client.get(come(client, "s-1"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert '<html lang="th"' in client.get("/").text
        assert "มะลิ" in client.get("/export/list.csv").text
        assert client.get("/password").status_code == 200
        with agency.accounts() as accounts:
            (sign_in,) = [one for one in accounts.sessions("somsri", agency_now()) if one.door == "oidc"]
        assert client.get("/sessions").text.count(sign_in.id[:16]) == 1
    assert (agency.log_of("somsri")[-1].what, agency.log_of("somsri")[-1].reason) == ("sign_in", "oidc")


def test_what_leaves_for_the_provider_is_bound_to_this_browser(agency: Server) -> None:
    with agency.browser() as client:
        away = client.get("/oidc/login")
    asked = {name: value for name, (value,) in parse_qs(urlsplit(away.headers["location"]).query).items()}
    assert asked["response_type"] == "code" and asked["scope"] == "openid profile email"
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    assert len(asked["state"]) >= 20 and len(asked["nonce"]) >= 20
    assert asked["redirect_uri"] == f"{agency.url}/oidc/callback"
    cookie = away.headers["set-cookie"]
    assert cookie.startswith("raksa_oidc=") and cookie.endswith("; HttpOnly; Path=/oidc; SameSite=lax")
    assert asked["state"] not in cookie and asked["nonce"] not in cookie


def test_signed_out_is_out_here_and_sent_to_sign_out_there(agency: Server, provider: str) -> None:
    with agency.browser() as client:
        client.get(come(client, "w-2"))
        copied = client.cookies["raksa_session"]
        page = client.post("/logout")
        assert f'content="0; url={provider}/oauth2/end_session?client_id=raksa&amp;post_logout' in page.text
        client.cookies.set("raksa_session", copied, "127.0.0.1")
        assert client.get("/").headers["location"] == "/login"


def test_a_role_changed_here_holds_at_the_next_click(agency: Server) -> None:
    with agency.browser() as client:
        client.get(come(client, "w-2"))
        assert client.get("/export/list.csv").status_code == 200
        with agency.accounts() as accounts:
            accounts.set_role("wichai", "researcher", [])
            assert client.get("/export/list.csv").status_code == 403
            accounts.set_role("wichai", WICHAI.role, WICHAI.scopes)
        assert client.get("/export/list.csv").status_code == 200


def test_whoever_has_no_account_is_told_so_and_it_is_logged(agency: Server) -> None:
    with agency.browser() as client:
        answer = client.get(come(client, "x-9"))
        assert answer.status_code == 403 and "ไม่มีบัญชีสำหรับ somebody.else ในระบบนี้" in answer.text
        assert "raksa_session" not in client.cookies
        assert "/oidc/login?lang=th&amp;again=1" in answer.text
        assert "prompt=login" in client.get("/oidc/login?again=1").headers["location"]
    (line,) = agency.log_of("somebody.else")
    assert (line.what, line.reason) == ("sign_in_refused", "oidc: unknown")


def test_what_a_provider_says_is_text_and_no_html(agency: Server, provider: str) -> None:
    say(provider, "h-7", preferred_username="<img src=x onerror=alert(1)>")
    with agency.browser() as client:
        page = client.get(come(client, "h-7")).text
    assert "<img" not in page and "&lt;img src=x onerror=alert(1)&gt;" in page


def test_a_switched_off_account_stays_out(agency: Server) -> None:
    with agency.accounts() as accounts, agency.browser() as client:
        accounts.set_active("wichai", False)
        answer = client.get(come(client, "w-2"))
        accounts.set_active("wichai", True)
        assert answer.status_code == 403 and "raksa_session" not in client.cookies


def test_an_answer_opens_once_and_only_where_it_was_asked(agency: Server) -> None:
    with agency.browser() as client, agency.browser() as other:
        back = come(client, "s-1")
        assert other.get(back).status_code == 403, "a link somebody sends me must not sign me in as him"
        kept = client.cookies["raksa_oidc"]
        assert client.get(back.replace("state=", "state=x")).status_code == 403
        assert client.get(back).status_code == 403, "one wrong answer, and the attempt is over"
        again = come(client, "s-1")
        kept = client.cookies["raksa_oidc"]
        assert client.get(again).status_code == 303
        client.cookies.set("raksa_oidc", kept, "127.0.0.1", "/oidc")
        assert client.get(again).status_code == 403, "replayed"
        assert client.get("/oidc/callback?error=access_denied").status_code == 403


@pytest.mark.browser
def test_a_whole_morning_in_a_browser(agency: Server, browser: Any) -> None:
    with browser.new_context(base_url=agency.url, locale="th-TH") as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_role("link", name="เข้าใช้ด้วย ระบบของเขต").click()
        page.get_by_role("button", name="s-1").click()
        page.wait_for_function(QUIET)
        expect(page.get_by_text("มะลิ ใจดี").first).to_be_visible()
        page.get_by_role("button", name="ออกจากระบบ").click()
        page.wait_for_url("**/oauth2/end_session**")
        page.goto(agency.url)
        expect(page.get_by_role("heading", name="เข้าใช้รักษา")).to_be_visible()


def test_a_provider_that_is_away_leaves_the_other_door_open(tmp_path: Path) -> None:
    nowhere = f"http://localhost:{free_port()}"
    with serving(tmp_path, extra=0, oidc_issuer=nowhere, **CLIENT) as server, server.browser() as client:
        answer = client.get("/oidc/login?lang=en")
        assert answer.status_code == 503 and "did not confirm who you are" in answer.text
        assert post_login(client, "somsri", PASSWORD).status_code == 303


# --------------------------------------------------------------------------------------------- role and scopes by claim
def say(provider: str, sub: str, **claims: object) -> None:
    httpx.put(f"{provider}/users/{sub}", json=claims).raise_for_status()


def test_the_provider_gives_role_and_scopes_at_each_sign_in(by_claims: Server, provider: str) -> None:
    with by_claims.accounts() as accounts, by_claims.browser() as client:
        say(provider, "kamol", realm={"roles": ["offline", "school"]}, raksa_scopes=["school:10000002"])
        assert client.get(come(client, "kamol")).status_code == 303
        seen = accounts.person("kamol")
        assert seen is not None and (seen.role, seen.scopes) == ("school", (Scope("school", "10000002"),))
        assert "ฟ้า" in client.get("/export/list.csv").text and "มะลิ" not in client.get("/export/list.csv").text
        say(provider, "kamol", realm={"roles": "area"}, raksa_scopes=["area:2401"])
        assert client.get(come(client, "kamol")).status_code == 303
        assert accounts.person("kamol") == KAMOL
    changes = [line.about for line in by_claims.log_of("kamol") if line.what == "set_role"]
    assert changes == ["area area:2401", "school school:10000002"]


@pytest.mark.parametrize(
    "claims",
    [{}, {"realm": {"roles": ["owner"]}}, {"realm": {"roles": ["area"]}, "raksa_scopes": ["school:10000001"]},
     {"realm": {"roles": ["school"]}, "raksa_scopes": ["*"]}, {"realm": "area", "raksa_scopes": []}],
)  # fmt: skip
def test_claims_that_do_not_fit_let_nobody_in_and_change_nothing(
    by_claims: Server, provider: str, claims: dict[str, object]
) -> None:
    say(provider, "somsri", **claims)
    with by_claims.accounts() as accounts, by_claims.browser() as client:
        assert client.get(come(client, "somsri")).status_code == 403
        assert "raksa_session" not in client.cookies
        assert accounts.person("somsri") == SOMSRI


def test_without_these_settings_claims_change_nothing() -> None:
    said = {"sub": "1", "roles": ["admin"], "raksa_scopes": ["area:*"]}
    assert rights(said, Settings(), SOMSRI) == (SOMSRI.role, SOMSRI.scopes)


def test_a_role_that_the_scopes_held_here_do_not_fit_is_refused() -> None:
    with pytest.raises(RaksaError, match="An account with the role area takes area scopes"):
        rights({"roles": "area"}, Settings(oidc_role_claim="roles"), SOMSRI)


def test_an_address_counts_only_when_it_was_verified() -> None:
    by_mail = Settings(oidc_match="email")
    assert account_name({"email": "Somsri@school.example", "email_verified": True}, by_mail) == "somsri@school.example"
    for said in ({"email": "somsri@school.example"}, {"email": "a@b", "email_verified": "true"}, {"sub": "1"}):
        with pytest.raises(NotVouched):
            account_name(said, by_mail)


# ------------------------------------------------------------------------------------------------------ one that lies
class Liar:
    """A provider whose ID token and userinfo say what the test wants; signed with its key or another's."""

    def __init__(self) -> None:
        self.key, self.other_key = (jwk.RSAKey.generate_key(2048, {"kid": "1"}) for _ in range(2))
        self.issuer, self.nonce = "", ""
        self.truth: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.signs_with = self.key

    def id_token(self) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "raksa", "sub": "s-1", "nonce": self.nonce, "iat": now, "exp": now + 60}
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims | self.truth, self.signs_with)

    def answer(self, path: str) -> dict[str, Any]:
        if path.endswith("openid-configuration"):
            ends = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
            return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"} | {
                f"{name}_endpoint": f"{self.issuer}/{end}" for name, end in ends.items()
            }
        if path == "/jwks":
            return {"keys": [self.key.as_dict(private=False)]}
        if path == "/token":
            return {"access_token": "t", "token_type": "Bearer", "id_token": self.id_token()}
        return {"sub": "s-1", "preferred_username": "kamol"} | self.userinfo


@contextmanager
def listening(liar: Liar) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            body = json.dumps(liar.answer(urlsplit(self.path).path)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    liar.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def liar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Liar, Server]]:
    lying = Liar()
    with listening(lying), serving(tmp_path_factory.mktemp("liar"), 0, oidc_issuer=lying.issuer, **CLIENT) as served:
        yield lying, served


LIES: list[tuple[dict[str, Any], dict[str, Any], bool, bool]] = [
    ({}, {}, True, True),  # the truth, or the rest would prove nothing
    ({"nonce": "another"}, {}, True, False),
    ({"aud": "another-app"}, {}, True, False),
    ({"iss": "https://another.example"}, {}, True, False),
    ({"exp": 1_700_000_000}, {}, True, False),
    ({}, {"sub": "s-2"}, True, False),
    ({}, {}, False, False),
]


@pytest.mark.parametrize(("truth", "userinfo", "own_key", "in_"), LIES)
def test_a_provider_is_believed_only_with_its_own_signature_about_this_sign_in(
    liar: tuple[Liar, Server], truth: dict[str, Any], userinfo: dict[str, Any], own_key: bool, in_: bool
) -> None:
    lying, server = liar
    with server.browser() as client:
        asked = parse_qs(urlsplit(client.get("/oidc/login").headers["location"]).query)
        (lying.nonce,), (state,) = asked["nonce"], asked["state"]
        lying.truth, lying.userinfo = truth, userinfo
        lying.signs_with = lying.key if own_key else lying.other_key
        answer = client.get(f"/oidc/callback?code=c&state={state}")
        assert (answer.status_code, "raksa_session" in client.cookies) == ((303, True) if in_ else (403, False))


def test_the_signed_word_counts_more_than_userinfo(liar: tuple[Liar, Server]) -> None:
    lying, server = liar
    with server.browser() as client:
        asked = parse_qs(urlsplit(client.get("/oidc/login").headers["location"]).query)
        (lying.nonce,), (state,) = asked["nonce"], asked["state"]
        lying.truth, lying.userinfo, lying.signs_with = {"preferred_username": "somsri"}, {}, lying.key
        client.get(f"/oidc/callback?code=c&state={state}")
        assert "สมศรี" not in client.get("/export/list.csv").text and "มะลิ" in client.get("/export/list.csv").text
    assert server.log_of("somsri")[-1].what == "sign_in"


def agency_now() -> Any:
    from dashboard.ground import now

    return now()


def test_an_issuer_in_the_open_is_refused() -> None:
    with pytest.raises(ValueError, match="no https address"):
        Settings(oidc_issuer="http://sso.example.go.th")
    assert Settings(oidc_issuer="https://sso.example.go.th/").oidc_issuer == "https://sso.example.go.th"


def test_who_comes_by_a_provider_needs_no_password_of_ours(tmp_path: Path) -> None:
    accounts = Accounts.open(Settings(home=tmp_path, second_factor="required"))
    now = agency_now()
    accounts.create_person("somsri", "สมศรี", "teacher", SOMSRI.scopes, PASSWORD, now)
    token = accounts.admit("somsri", now)
    (sign_in,) = accounts.sessions("somsri", now)
    person = accounts.of_session(sign_in.id, now)
    assert isinstance(token, str) and person is not None and not person.must_change_password
    accounts.close()
