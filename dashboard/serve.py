"""Start the server processes of the pages, watch them, and stop them.

One process serves about a hundred people who click every few seconds, on one core. With `processes = N` there are N on
neighbouring ports, and a proxy that sends each browser to one of them (deploy/nginx.conf). What they share stands in
the people database: who is signed in on one is signed in on all.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

import httpx

from raksa.errors import RaksaError
from raksa.settings import Settings

_PATIENCE = 10.0  # seconds a process has to finish what it is answering
_LOOK_EVERY = 0.5
_EVERYWHERE = ("0.0.0.0", "::")


def command(
    settings: Settings, *, port: int | None = None, open_browser: bool = False
) -> tuple[list[str], dict[str, str]]:
    """What to run for one process and its environment. The folder and the database travel by environment, not on the
    command line, where everybody on the machine could read a database password."""
    flags = {
        "server.address": settings.host,
        "server.port": port or settings.port,
        "server.headless": str(not open_browser).lower(),
        "server.showEmailPrompt": "false",
        # Whatever config.toml a folder or a home directory holds, these stay as they are.
        "server.trustedUserHeaders": '{"X-Raksa-Session": "session"}',
        "server.enableXsrfProtection": "true",
        "server.enableCORS": "true",
        "server.enableAgentApi": "false",
        "server.enableStaticServing": "true",
        "server.fileWatcherType": "none",
        # Streamlit collects all garbage after every click, which took two fifths of a click (docs/performance.md). What
        # sessions leave behind is collected by Python itself, as anywhere else.
        "runner.postScriptGC": "false",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": "false",  # else an error offers to be looked up at Google and ChatGPT
        "client.disableDataExport": "true",
        "client.toolbarMode": "minimal",
        "browser.gatherUsageStats": "false",
    }
    argv = [sys.executable, "-m", "streamlit", "run", str(Path(__file__).with_name("asgi.py"))]
    argv += [f"--{name}={value}" for name, value in flags.items()]
    environment = {**os.environ, "RAKSA_HOME": str(settings.home.resolve()), "RAKSA_HOST": settings.host}
    if settings.database_url:
        environment["RAKSA_DATABASE_URL"] = settings.database_url
    return argv, environment


@dataclass
class _Process:
    port: int
    running: subprocess.Popen[bytes]
    answered: bool = False  # one that ends before it ever answered would only end again


def _stop(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def serve(settings: Settings, *, open_browser: bool = False, say: Callable[[str], None] | None = None) -> None:
    """Serve the pages until interrupted; a process that dies is started again.

    Raises RaksaError if a port is taken, nobody could reach the page by a name, or a process ends before it answered.
    """
    say = say or partial(print, flush=True)
    if settings.host in _EVERYWHERE and not settings.public_host:
        raise RaksaError(
            f"The page would be served on every address ({settings.host}), but no name is allowed. "
            "Write the name people type into their browser into the setting public_host, such as raksa.example.go.th."
        )
    ports = range(settings.port, settings.port + settings.processes)
    for port in ports:
        if _taken(settings.host, port):
            raise RaksaError(f"Port {port} on {settings.host} is in use. Stop what runs there, or set RAKSA_PORT.")
    say(f"\nThe page is at {address(settings)} (stop with Ctrl+C)")

    def begin(port: int) -> _Process:
        argv, environment = command(settings, port=port, open_browser=open_browser and port == settings.port)
        return _Process(port, subprocess.Popen(argv, env=environment))

    # Whoever ends us (a service manager, kill) ends the processes too: SIGTERM takes the same way out as Ctrl+C.
    signal.signal(signal.SIGTERM, _stop)
    processes: list[_Process] = []
    try:
        processes += (begin(port) for port in ports)
        while True:
            time.sleep(_LOOK_EVERY)
            for place, one in enumerate(processes):
                ended = one.running.poll()
                if ended is None:
                    one.answered = one.answered or _answers(settings.host, one.port)
                    continue
                if not one.answered:
                    raise RaksaError(
                        f"The server on port {one.port} ended with code {ended} before it answered anybody; "
                        "its last lines above say why."
                    )
                say(f"The server on port {one.port} ended with code {ended}; it is started again.")
                processes[place] = begin(one.port)
    except KeyboardInterrupt:
        return
    finally:
        _end([one.running for one in processes])


def address(settings: Settings) -> str:
    """Where a person opens the page: `public_url` where it was set, else this machine."""
    if settings.public_url != Settings.model_fields["public_url"].default:
        return settings.public_url
    host = "localhost" if settings.host in _EVERYWHERE else settings.host
    return f"http://{_in_address(host)}:{settings.port}"


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _answers(host: str, port: int) -> bool:
    """Whether it answers at all, be it that something is missing. Streamlit opens the port long before."""
    try:
        httpx.get(f"http://{_in_address(host)}:{port}/health", timeout=1, trust_env=False)
    except httpx.HTTPError:
        return False
    return True


def _taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Ask all at once, so that the wait is one and not N; then insist."""
    for one in processes:
        one.terminate()
    deadline = time.monotonic() + _PATIENCE
    for one in processes:
        try:
            one.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            one.kill()
            one.wait()
