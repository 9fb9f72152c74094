"""Start the server of the pages."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from raksa.errors import RaksaError
from raksa.settings import Settings


def command(settings: Settings, *, open_browser: bool = False) -> tuple[list[str], dict[str, str]]:
    """What to run and its environment. The folder and the database travel by environment, not on the
    command line, where everybody on the machine could read a database password."""
    flags = {
        "server.address": settings.host,
        "server.port": settings.port,
        "server.headless": str(not open_browser).lower(),
        "server.showEmailPrompt": "false",
        # Whatever config.toml a folder or a home directory holds, these stay as they are.
        "server.trustedUserHeaders": '{"X-Raksa-Session": "session"}',
        "server.enableXsrfProtection": "true",
        "server.enableCORS": "true",
        "server.enableAgentApi": "false",
        "server.enableStaticServing": "true",
        "server.fileWatcherType": "none",
        "client.showErrorDetails": "none",
        "client.disableDataExport": "true",
        "client.toolbarMode": "minimal",
        "browser.gatherUsageStats": "false",
    }
    argv = [sys.executable, "-m", "streamlit", "run", str(Path(__file__).with_name("asgi.py"))]
    argv += [f"--{name}={value}" for name, value in flags.items()]
    environment = {**os.environ, "RAKSA_HOME": str(settings.home.resolve())}
    if settings.database_url:
        environment["RAKSA_DATABASE_URL"] = settings.database_url
    return argv, environment


def _stop(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def serve(settings: Settings, *, open_browser: bool = False) -> None:
    """Serve the pages until interrupted. Raises RaksaError if the port is taken or the server ends by
    itself."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((settings.host, settings.port)) == 0:
            raise RaksaError(
                f"Port {settings.port} on {settings.host} is in use. Stop what runs there, or set RAKSA_PORT."
            )
    argv, environment = command(settings, open_browser=open_browser)
    server = subprocess.Popen(argv, env=environment)
    # Whoever ends us (a service manager, kill) ends the server too: SIGTERM takes the same way out as Ctrl+C.
    signal.signal(signal.SIGTERM, _stop)
    try:
        ended = server.wait()
    except KeyboardInterrupt:
        return
    finally:
        server.terminate()
        server.wait()
    if ended:
        raise RaksaError(f"The server ended with code {ended}; its last lines above say why.")
