"""Starts the service, or one of the apps it is compared with, exactly as production would: gunicorn with threads."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

Address = tuple[str, int]
THREADS = 16


@contextlib.contextmanager
def serving(app: str, url: str, workers: int) -> Iterator[Address]:
    """The WSGI app `module:factory()` on a free port of this machine, until the block ends."""
    address = ("127.0.0.1", _free_port())
    command = [
        sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--workers", str(workers),
        "--threads", str(THREADS), "--keep-alive", "60", "--log-level", "warning",
        "--bind", f"{address[0]}:{address[1]}", app,
    ]  # fmt: skip
    environment = {"JONGNYANG_DATABASE_URL": url, "JONGNYANG_SECRET_KEY": "bench", "JONGNYANG_LOG_LEVEL": "INFO"}
    # The log is written as in production, and thrown away.
    process = subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.DEVNULL)
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(address: Address, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError("The server stopped while starting.")
        with contextlib.suppress(OSError), socket.create_connection(address, 1):
            return
        time.sleep(0.1)
    raise RuntimeError("The server did not start within 20 seconds.")
