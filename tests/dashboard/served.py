"""A real server over a small run, as a process of its own."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from small_run import with_people, write_run

from dashboard.serve import command
from raksa.settings import Settings
from tests.cast import PASSWORD


@dataclass(frozen=True)
class Server:
    url: str
    home: Path

    @contextmanager
    def signed_in(self, username: str) -> Iterator[httpx.Client]:
        """A client with the cookie of a person, got through the form."""
        with httpx.Client(base_url=self.url, headers={"Accept": "text/html"}) as client:
            answer = post_login(client, username, PASSWORD)
            assert (answer.status_code, answer.headers["location"]) == (303, "/")
            yield client


def post_login(client: httpx.Client, username: str, password: str) -> httpx.Response:
    form = client.get("/login").text
    csrf = form.split('name="csrf" value="')[1].split('"')[0]
    return client.post("/login", data={"csrf": csrf, "username": username, "password": password})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """The server, killed again whatever happens."""
    write_run(home, extra=120)
    with_people(home).close()
    settings = Settings(home=home, port=free_port())
    argv, environment = command(settings)
    log = home / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(argv, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        served = Server(f"http://127.0.0.1:{settings.port}", home)
        _wait(served, process, log)
        yield served
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        finally:
            process.kill()


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(120):
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            if httpx.get(f"{server.url}/health").status_code == 200:
                return
        except httpx.TransportError:  # the port is open before the server answers
            pass
        time.sleep(0.25)
    raise AssertionError(f"no answer after 30 s: {log.read_text(encoding='utf-8')}")
