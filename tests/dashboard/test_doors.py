"""The doors of the server, knocked on as a stranger and as each of the adults. No browser, no Streamlit of ours."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from served import Server, post_login
from small_run import NAME, settings_for
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from raksa.accounts import Accounts, session_id
from raksa.audit import Entry, entries
from raksa.errors import RaksaError
from raksa.settings import Settings
from tests.cast import PASSWORD

HTML = {"Accept": "text/html"}


def knock(server: Server, cookie: str = "", **headers: str) -> int:
    """What the websocket's handshake is answered with: 101 is an open door."""
    asked = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "cmFrc2EgcmFrc2EgcmFrcw==", "Origin": server.url, "Cookie": f"raksa_session={cookie}",
    }  # fmt: skip
    return httpx.get(f"{server.url}/_stcore/stream", headers=asked | headers).status_code


def stream(server: Server, cookie: str, session: str = "") -> ClientConnection:
    """Streamlit's websocket, opened as a browser with this cookie would, asking for that session if one is named."""
    protocols = [Subprotocol(part) for part in ("streamlit", "unknown", session) if part]
    url = server.url.replace("http", "ws") + "/_stcore/stream"
    cookies = {"Cookie": f"raksa_session={cookie}"}
    return connect(url, subprotocols=protocols, additional_headers=cookies, origin=Origin(server.url), close_timeout=1)


def streamlit_session(socket: ClientConnection) -> str:
    """Ask for a run and read which Streamlit session answers."""
    ask = BackMsg()
    ask.rerun_script.query_string = ""
    socket.send(ask.SerializeToString())
    while True:
        told = ForwardMsg()
        told.ParseFromString(socket.recv(timeout=10))
        if told.WhichOneof("type") == "new_session":
            return told.new_session.initialize.session_id


# ---------------------------------------------------------------------------------------------------------- a stranger
def test_a_stranger_is_sent_to_the_sign_in_form(server: Server) -> None:
    for path in ("/", "/lists", "/child", "/people", "/anything"):
        answer = httpx.get(f"{server.url}{path}", headers=HTML)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login"), path


@pytest.mark.parametrize(
    "path",
    ["/", "/export/list.csv", "/export/list.xlsx", "/media/abc", "/_stcore/metrics", "/_stcore/host-config",
     "/_stcore/agent/openapi.json", "/_stcore/upload_file/a/b", "/index.html", "/app/static/other.txt", "/password"],
)  # fmt: skip
def test_a_stranger_gets_nothing_else(server: Server, path: str) -> None:
    assert httpx.get(f"{server.url}{path}").status_code == 401
    assert httpx.post(f"{server.url}{path}").status_code == 401


def test_a_stranger_cannot_climb_out_of_the_open_folders(server: Server) -> None:
    fonts = "/app/static/fonts"
    for path in ("/static/..%2f..%2fasgi.py", f"{fonts}/..%2f..%2f..%2fasgi.py", f"{fonts}/%2e%2e/%2e%2e/asgi.py"):
        answer = httpx.get(f"{server.url}{path}")
        assert "Accounts" not in answer.text and answer.status_code in (400, 401, 404), path


def test_a_stranger_may_see_the_form_the_font_and_that_the_server_lives(server: Server) -> None:
    assert httpx.get(f"{server.url}/health").json() == {"status": "ok"}
    font = httpx.get(f"{server.url}/app/static/fonts/noto-sans-thai-looped-thai-400-normal.woff2")
    assert (font.status_code, font.content[:4]) == (200, b"wOF2")
    form = httpx.get(f"{server.url}/login")
    assert '<html lang="th"' in form.text and "เข้าใช้รักษา" in form.text
    assert "Sign in to Raksa" in httpx.get(f"{server.url}/login?lang=en").text


@pytest.mark.parametrize("cookie", ["", "invented-token"])
def test_the_websocket_is_shut_before_it_opens(server: Server, cookie: str) -> None:
    assert knock(server, cookie) == 403


# ------------------------------------------------------------------------------------------------------------- sign-in
def test_sign_in_gives_a_cookie_no_script_can_read(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        answer = post_login(client, "somsri", PASSWORD)
    (cookie,) = [c for c in answer.headers.get_list("set-cookie") if c.startswith("raksa_session=")]
    assert re.fullmatch(r"raksa_session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", cookie)


def test_behind_tls_the_cookies_are_secure(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers={"X-Forwarded-Proto": "https"}) as client:
        form = client.get("/login")
        csrf = form.text.split('name="csrf" value="')[1].split('"')[0]
        client.headers["Cookie"] = f"raksa_csrf={csrf}"  # which the client here keeps back, as it should without TLS
        answer = client.post("/login", data={"csrf": csrf, "username": "somsri", "password": PASSWORD})
    assert "; Secure" in form.headers["set-cookie"]
    assert form.headers["strict-transport-security"] == "max-age=31536000"
    (cookie,) = [c for c in answer.headers.get_list("set-cookie") if "raksa_session=" in c]
    token = re.fullmatch(r"__Host-raksa_session=([\w-]{43}); HttpOnly; Path=/; SameSite=lax; Secure", cookie)
    assert token is not None
    over_tls = {"X-Forwarded-Proto": "https"}
    asked = [
        ("__Host-raksa_session", over_tls, 200),
        ("raksa_session", over_tls, 401),
        ("__Host-raksa_session", {}, 401),
    ]
    for name, headers, status in asked:  # one planted by another host of the domain has no prefix, and does not count
        cookies = {"Cookie": f"{name}={token[1]}"}
        assert httpx.get(f"{server.url}/export/list.csv", headers=cookies | headers).status_code == status


def test_a_wrong_password_is_refused_in_words_and_logged_without_it(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        answer = post_login(client, "Wichai", "a wrong password")
    assert answer.status_code == 403 and "ชื่อบัญชีหรือรหัสผ่านไม่ถูกต้อง" in answer.text
    assert "raksa_session" not in str(answer.headers)
    (line, *_) = log_of(server, "wichai")
    assert (line.what, line.reason, line.about) == ("sign_in_refused", "wrong", "")


def test_a_form_that_another_site_made_is_refused(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        client.get("/login")
        stale = client.post("/login", data={"csrf": "guessed", "username": "somsri", "password": PASSWORD})
        foreign = client.post(
            "/login", data={"username": "somsri", "password": PASSWORD}, headers={"Origin": "https://evil.example"}
        )
    assert (stale.status_code, foreign.status_code) == (403, 403)
    assert "raksa_session" not in str(stale.headers) + str(foreign.headers)
    with server.signed_in("somsri") as client:
        assert client.post("/logout", headers={"Origin": "https://evil.example"}).status_code == 403
        client.get("/logout")  # a picture or a link on another page can ask for an address, and must not sign out
        assert client.get("/export/list.csv").status_code == 200


def test_signed_out_is_out_for_a_copied_cookie_too(server: Server) -> None:
    with server.signed_in("somsri") as client:
        copied = client.cookies["raksa_session"]
        assert client.post("/logout").headers["location"] == "/login"
    stolen = {"Cookie": f"raksa_session={copied}"}
    assert httpx.get(f"{server.url}/", headers=HTML | stolen).headers["location"] == "/login"
    assert httpx.get(f"{server.url}/export/list.csv", headers=stolen).status_code == 401
    assert knock(server, copied) == 403


def test_a_first_password_must_be_replaced_before_anything_else(server: Server) -> None:
    accounts = Accounts.open(settings_for(server.home))
    accounts.create_person("noi", "น้อย", "researcher", [], PASSWORD, entries(accounts.people, last=1)[0].at)
    accounts.close()
    with server.signed_in("noi") as client:
        assert client.get("/").headers["location"] == "/password"
        assert client.get("/export/list.csv", headers={"Accept": "*/*"}).status_code == 403
        assert knock(server, client.cookies["raksa_session"]) == 403
        new = "ดอกบัวบานตอนเช้า"
        form = {"present": PASSWORD, "password": new, "again": new}
        assert client.post("/password", data=form | {"again": "else"}).status_code == 400
        assert client.post("/password", data=form | {"present": "a guess here"}).status_code == 403
        assert client.post("/password", data=form | {"password": "สั้น", "again": "สั้น"}).status_code == 400
        assert client.post("/password", data=form).headers["location"] == "/login"
    with httpx.Client(base_url=server.url) as client:
        assert post_login(client, "noi", new).status_code == 303
        assert client.get("/", headers=HTML).status_code == 200


# -------------------------------------------------------------------------------------------------------- inside
def test_the_page_comes_with_strict_headers_and_in_its_real_language(server: Server) -> None:
    with server.signed_in("somsri") as client:
        page = client.get("/")
    assert '<html lang="th" translate="no">' in page.text and "<title>Raksa</title>" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "'unsafe-eval'" not in policy
    assert re.search(r"script-src 'self' 'wasm-unsafe-eval' 'sha256-[^']+';", policy)
    kept = {name: page.headers[name] for name in ("cache-control", "x-content-type-options", "referrer-policy")}
    assert kept == {"cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "same-origin"}


def test_nobody_can_say_who_she_is_in_a_header(server: Server) -> None:
    with server.signed_in("somsri") as client:
        mine = client.cookies["raksa_session"]
        assert client.get("/", headers={"X-Raksa-Session": "kamol"}).status_code == 403
    answers = [knock(server, mine), knock(server, mine, **{"X-Raksa-Session": "kamol"})]
    answers.append(knock(server, mine, Origin="https://evil.example"))
    assert answers == [101, 403, 403]


def test_somsri_cannot_take_over_kamols_streamlit_session(server: Server) -> None:
    with server.signed_in("kamol") as one, server.signed_in("somsri") as other:
        kamol, somsri = one.cookies["raksa_session"], other.cookies["raksa_session"]
    with stream(server, kamol) as socket:
        his = streamlit_session(socket)
    with stream(server, somsri, session=his) as socket:
        assert streamlit_session(socket) != his
    with stream(server, kamol, session=his) as socket:
        assert streamlit_session(socket) == his, "he himself gets it back: otherwise the test above proves nothing"


def test_an_export_is_the_list_of_its_reader_and_is_logged(server: Server) -> None:
    with server.signed_in("somsri") as client:
        answer = client.get("/export/list.csv?school=10000002&all=1")
        hers = client.get("/export/list.csv")
    assert list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1:] == []
    rows = list(csv.DictReader(io.StringIO(hers.content.decode("utf-8-sig"))))
    assert [row["ชื่อ"] for row in rows] == ["เด็กชายก้อง เก่งกล้า", "เด็กหญิงมะลิ ใจดี"]
    assert "โอกาสออกกลางคันโดยประมาณ" not in rows[0]
    assert hers.headers["content-disposition"] == 'attachment; filename="raksa-2026-06-08.csv"'
    assert hers.headers["cache-control"] == "no-store"
    told = [(line.what, line.about, line.reason) for line in log_of(server, "somsri")[:2]]
    assert told == [
        ("export_csv", f"run {NAME}, all, 2 rows", "teacher"),
        ("export_csv", f"run {NAME}, school=10000002, listed_only=False, 0 rows", "teacher"),
    ]


@pytest.mark.parametrize("username", ["pim", "rung", "admin"])
def test_who_sees_no_learner_exports_none(server: Server, username: str) -> None:
    with server.signed_in(username) as client:
        assert client.get("/export/list.csv").status_code == client.get("/export/list.xlsx").status_code == 403
    assert log_of(server, username)[0].what == "export_refused"


def test_the_log_and_the_server_log_hold_no_token(server: Server) -> None:
    with server.signed_in("somsri") as client:
        token = client.cookies["raksa_session"]
    written = (server.home / "server.log").read_text(encoding="utf-8")
    assert token not in written and session_id(token) not in written
    assert all(token not in str(line) for line in log_of(server, "somsri"))


def log_of(server: Server, who: str) -> list[Entry]:
    accounts = Accounts.open(settings_for(server.home))
    try:
        return list(entries(accounts.people, who=who))
    finally:
        accounts.close()


# ---------------------------------------------------------------------------------------------------------- serving
def test_a_port_in_use_is_said_before_anything_starts(server: Server, tmp_path: Path) -> None:
    from dashboard.serve import serve

    taken = int(server.url.rsplit(":", 1)[1])
    with pytest.raises(RaksaError, match=f"Port {taken} on 127.0.0.1 is in use"):
        serve(Settings(home=tmp_path, port=taken))


def test_the_server_will_not_start_without_the_mapping_that_keeps_people_apart(tmp_path: Path) -> None:
    asgi = Path(__file__).parents[2] / "dashboard" / "asgi.py"
    argv = [sys.executable, "-m", "streamlit", "run", str(asgi), "--server.trustedUserHeaders={}", "--server.port=0"]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False)
    assert ended.returncode != 0
    assert "Start the page with `raksa serve`" in ended.stdout + ended.stderr
