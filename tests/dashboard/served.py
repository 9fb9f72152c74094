"""A real server over a small run, as a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from small_run import MORNING, settings_for, write_run

from dashboard.serve import command
from raksa.accounts import Accounts
from raksa.audit import Entry, entries
from raksa.settings import Settings
from tests.cast import ADULTS, PASSWORD


@dataclass(frozen=True)
class Server:
    url: str
    home: Path
    database_url: str = ""

    @contextmanager
    def signed_in(self, username: str, password: str = PASSWORD) -> Iterator[httpx.Client]:
        """A client with the cookie of a person, got through the form."""
        with self.browser() as client:
            answer = post_login(client, username, password)
            assert (answer.status_code, answer.headers["location"]) == (303, "/")
            yield client

    def browser(self) -> httpx.Client:
        """Somebody who asks for pages, without a cookie yet."""
        return httpx.Client(base_url=self.url, headers={"Accept": "text/html"})

    @contextmanager
    def accounts(self) -> Iterator[Accounts]:
        """The people database of the running server, as an administrator at the machine reaches it."""
        settings = settings_for(self.home).model_copy(update={"database_url": self.database_url})
        opened = Accounts.open(settings)
        try:
            yield opened
        finally:
            opened.close()

    def log_of(self, who: str) -> list[Entry]:
        with self.accounts() as accounts:
            return list(entries(accounts.people, who=who))

    @property
    def written(self) -> str:
        """What the server has said so far."""
        return (self.home / "server.log").read_text(encoding="utf-8")


def post_login(client: httpx.Client, username: str, password: str) -> httpx.Response:
    form = client.get("/login").text
    csrf = form.split('name="csrf" value="')[1].split('"')[0]
    return client.post("/login", data={"csrf": csrf, "username": username, "password": password})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(home: Path, extra: int = 120, **settings: str) -> Iterator[Server]:
    """The server over a small run with these settings, killed again whatever happens."""
    write_run(home, extra=extra)
    port = free_port()
    served = Server(f"http://127.0.0.1:{port}", home, settings.get("database_url", ""))
    with served.accounts() as accounts:
        for one in ADULTS:
            accounts.create_person(
                one.username, one.name, one.role, one.scopes, PASSWORD, MORNING, must_change_password=False
            )
    argv, environment = command(Settings(home=home, port=port))
    environment |= {f"RAKSA_{name.upper()}": value for name, value in settings.items()}
    log = home / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(argv, env=environment, stdout=out, stderr=subprocess.STDOUT, cwd=os.sep)
    try:
        wait_for(served.url, process, log)
        yield served
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        finally:
            process.kill()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path, status: int = 200) -> None:
    """Until the server at this address says that it can serve people."""
    for _ in range(240):
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            if httpx.get(f"{url}/health").status_code == status:
                return
        except httpx.TransportError:  # the port is open before the server answers
            pass
        time.sleep(0.25)
    raise AssertionError(f"no answer after 60 s: {log.read_text(encoding='utf-8')}")
