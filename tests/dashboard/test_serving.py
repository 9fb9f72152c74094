"""The running server: which names it answers to, what it writes about requests, what it says when something is away."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil
import pytest
from people_database import Postgres
from served import Server, free_port, post_login, serving, wait_for
from small_run import settings_for, with_people, write_run
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from test_doors import knock, stream

from dashboard.gate import hosts
from dashboard.serve import address, serve
from raksa.errors import RaksaError
from raksa.settings import Settings
from tests.cast import CHILDREN, PASSWORD

HTML = {"Accept": "text/html"}


# --------------------------------------------------------------------------------------------------------------- names
def test_a_name_that_is_not_ours_is_refused(server: Server) -> None:
    """A page elsewhere can point its own name at this machine; its requests then carry that name (DNS rebinding)."""
    for path in ("/", "/login", "/health", "/static/js/index.js"):
        assert httpx.get(f"{server.url}{path}", headers={"Host": "evil.example"}).status_code == 400, path
    forwarded = httpx.get(f"{server.url}/login", headers={"Host": "evil.example", "X-Forwarded-Host": "localhost"})
    assert forwarded.status_code == 400
    with server.signed_in("somsri") as client:
        mine = client.cookies["raksa_session"]
    assert knock(server, mine) == 101
    assert knock(server, mine, Host="evil.example", Origin="http://evil.example") == 403


def test_the_names_are_the_machine_itself_and_those_of_the_setting() -> None:
    settings = Settings(host="10.1.2.3", public_host="raksa.example.go.th, Raksa.local:8443")
    assert hosts(settings) == {
        "localhost", "127.0.0.1", "[::1]", "10.1.2.3", "raksa.example.go.th", "raksa.local",
    }  # fmt: skip


def test_served_on_every_address_without_a_name_nobody_could_come(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(RaksaError, match="setting public_host"):
        serve(Settings(home=tmp_path, host="0.0.0.0", port=free_port()), say=said.append)
    assert said == [], "no address is named where nothing is served"


def test_the_address_that_is_printed_is_one_to_open() -> None:
    assert address(Settings()) == "http://127.0.0.1:8501"
    assert address(Settings(host="0.0.0.0", port=80, public_host="raksa.example.go.th")) == "http://localhost:80"
    assert address(Settings(host="fd00::7")) == "http://[fd00::7]:8501"
    assert address(Settings(public_url="https://raksa.example.go.th")) == "https://raksa.example.go.th"


# ------------------------------------------------------------------------------------------------------ the access log
@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("talker"), extra=0, log="json", public_host="raksa.example.go.th") as served:
        yield served


def lines(server: Server) -> list[dict[str, object]]:
    return [json.loads(line) for line in server.written.splitlines() if line.startswith('{"at"')]


def test_a_line_for_each_request_says_what_and_how_long_but_not_who(talker: Server) -> None:
    with talker.signed_in("somsri") as client:
        token = client.cookies["raksa_session"]
        client.get("/export/list.csv?search=มะลิ")
        client.get("/lists?school=10000001")
    ours = [line for line in lines(talker) if line["who"] != "-"]
    assert [(line["method"], line["route"], line["status"]) for line in ours[-2:]] == [
        ("GET", "/export/list.csv", 200),
        ("GET", "/lists", 200),
    ]
    assert set(ours[-1]) == {"at", "method", "route", "status", "ms", "who"}
    assert len({line["who"] for line in ours[-2:]}) == 1
    assert token not in talker.written and "somsri" not in talker.written


def test_no_name_of_a_child_gets_into_the_log_however_it_is_asked(talker: Server) -> None:
    names = [word for one in CHILDREN for word in (one.first_name, one.last_name)]
    with talker.signed_in("kamol") as client:
        for name in names:
            client.get(f"/{name}")
            client.get(f"/_stcore/{name}/{name}")
            client.get(f"/app/static/fonts/{name}")
            client.get(f"/export/{name}.csv?search={name}")
            client.get("/", headers={"Referer": f"/lists?search={quote(name)}", "User-Agent": quote(name)})
            client.request(f"X{name.encode().hex()}", "/")
    written = talker.written.casefold()
    spelt = [way.casefold() for name in names for way in (name, quote(name), name.encode().hex())]
    assert not [way for way in spelt if way in written]
    assert {"*", "/_stcore/*", "/app/static/fonts/*"} <= {line["route"] for line in lines(talker)}


def test_the_name_of_the_setting_is_served(talker: Server) -> None:
    assert httpx.get(f"{talker.url}/login", headers={"Host": "raksa.example.go.th"}).status_code == 200


# ---------------------------------------------------------------------------------------------------- what is missing
def test_health_names_the_missing_run(talker: Server) -> None:
    pointer = talker.home / "current.json"
    held = pointer.read_bytes()
    try:
        pointer.write_text(json.dumps(json.loads(held) | {"run": None}), encoding="utf-8")
        answer = httpx.get(f"{talker.url}/health")
        assert (answer.status_code, answer.json()) == (503, {"status": "missing", "missing": ["run"]})
    finally:
        pointer.write_bytes(held)
    assert httpx.get(f"{talker.url}/health").json() == {"status": "ok"}


def seen_on_the_page(server: Server, cookie: str) -> str:
    """Everything Streamlit sends for one run of the pages."""
    ask, told = BackMsg(), []
    ask.rerun_script.query_string = ""
    with stream(server, cookie) as socket:
        socket.send(ask.SerializeToString())
        while True:
            part = ForwardMsg()
            part.ParseFromString(socket.recv(timeout=30))
            told.append(str(part.delta.new_element.html.body) + str(part.delta.new_element.markdown.body))
            if part.WhichOneof("type") == "script_finished":
                return "\n".join(told)


def test_while_the_people_database_is_away_nothing_is_shown_and_afterwards_work_goes_on(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.new_database().render_as_string(hide_password=False)
    with serving(tmp_path, extra=0, database_url=url) as server, server.signed_in("somsri") as client:
        cookie = client.cookies["raksa_session"]
        assert "มะลิ" in seen_on_the_page(server, cookie)
        with stream(server, cookie) as open_tab:
            postgres.stop()
            try:
                for path in ("/", "/export/list.csv", "/sessions"):
                    answer = client.get(path)
                    assert answer.status_code == 503 and "ฐานข้อมูลบุคคลไม่ตอบ" in answer.text, path
                    assert "does not answer" in answer.text and "มะลิ" not in answer.text
                with server.browser() as other:
                    assert post_login(other, "wichai", PASSWORD).status_code == 503
                missing = httpx.get(f"{server.url}/health")
                assert (missing.status_code, missing.json()["missing"]) == (503, ["people database"])
                ask = BackMsg()
                ask.rerun_script.query_string = ""
                open_tab.send(ask.SerializeToString())
                shown = ""
                while "ฐานข้อมูลบุคคลไม่ตอบ" not in shown:
                    part = ForwardMsg()
                    part.ParseFromString(open_tab.recv(timeout=30))
                    shown += str(part.delta.new_element.html.body)
                assert "มะลิ" not in shown
            finally:
                postgres.start()
        assert client.get("/export/list.csv").status_code == 200, "the same sign-in goes on by itself"
        assert "มะลิ" in seen_on_the_page(server, cookie)
        assert "password" not in missing.text and url not in server.written


# ----------------------------------------------------------------------------------------------------- several at once
_SERVE = """
import sys
from pathlib import Path
from dashboard.serve import serve
from raksa.settings import Settings
serve(Settings(home=Path(sys.argv[1]), port=int(sys.argv[2]), processes=2))
"""


def two_free_ports() -> int:
    while True:
        port = free_port()
        try:
            httpx.get(f"http://127.0.0.1:{port + 1}")
        except httpx.ConnectError:
            return port


def test_two_processes_know_each_others_sign_ins_and_one_that_dies_comes_back(tmp_path: Path) -> None:
    write_run(tmp_path)
    with_people(tmp_path).close()
    port, log = two_free_ports(), tmp_path / "server.log"
    one, two = (Server(f"http://127.0.0.1:{p}", tmp_path) for p in (port, port + 1))
    argv = [sys.executable, "-u", "-c", _SERVE, str(tmp_path), str(port)]
    with log.open("wb") as out:
        keeper = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_for(one.url, keeper, log)
        wait_for(two.url, keeper, log)
        children = psutil.Process(keeper.pid).children()
        assert len(children) == 2
        with one.signed_in("somsri") as client:
            mine = {"Cookie": f"raksa_session={client.cookies['raksa_session']}"}
        assert httpx.get(f"{two.url}/export/list.csv", headers=mine).status_code == 200
        time.sleep(2)  # the keeper, too, has seen that they answer
        (died,) = (child for child in children if f"--server.port={port}" in child.cmdline())
        died.kill()
        died.wait()
        assert httpx.get(f"{two.url}/export/list.csv", headers=mine).status_code == 200, "the other serves on"
        wait_for(one.url, keeper, log)
        assert httpx.get(f"{one.url}/export/list.csv", headers=mine).status_code == 200, "nobody signs in again"
        assert f"The server on port {port} ended with code -9; it is started again." in log.read_text(encoding="utf-8")
        children = psutil.Process(keeper.pid).children()
        keeper.send_signal(signal.SIGTERM)
        assert keeper.wait(timeout=15) == 0
        assert not [child for child in children if child.is_running()]
    finally:
        for child in psutil.Process(keeper.pid).children() if keeper.poll() is None else []:
            child.kill()
        keeper.kill()


def test_a_process_that_cannot_begin_is_not_started_for_ever(tmp_path: Path) -> None:
    """Its people database cannot be opened: the folder in its place."""
    write_run(tmp_path)
    (tmp_path / "raksa.db").mkdir()
    with pytest.raises(RaksaError, match=r"ended with code \d before it answered anybody"):
        serve(settings_for(tmp_path).model_copy(update={"port": free_port()}))


def test_every_test_that_the_security_page_names_is_there() -> None:
    root = Path(__file__).parents[2]
    for place, name in re.findall(r"`([\w/]+\.py)::(\w+)`", (root / "docs/security.md").read_text(encoding="utf-8")):
        file = root / place if "/" in place else root / "tests/dashboard" / place
        assert f"def {name}(" in file.read_text(encoding="utf-8"), f"{place}::{name}"
