"""The service as a process of its own, to be killed like one."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

START_SECONDS = 60


class ServerProcess:
    """`jongnyang serve` on a port that stays the same over restarts."""

    def __init__(self, database_url: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address: tuple[str, int] = probe.getsockname()
        self._log = (folder / "server.log").open("ab")
        self._environment = os.environ | {
            "JONGNYANG_DATABASE_URL": database_url,
            "JONGNYANG_SECRET_KEY": "only for ordeals",
            "JONGNYANG_BIND": f"{self.address[0]}:{self.address[1]}",
            "JONGNYANG_LOG_LEVEL": "WARNING",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self._process = subprocess.Popen(
            [str(Path(sys.executable).with_name("jongnyang")), "serve"],
            env=self._environment,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        until = time.monotonic() + START_SECONDS
        while not self._is_ready():
            assert self._process.poll() is None, "the service ended while starting; see server.log"
            assert time.monotonic() < until, "the service did not become ready"
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        with suppress(OSError, urllib.error.URLError):
            url = f"http://{self.address[0]}:{self.address[1]}/readyz"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        return False

    def kill(self) -> None:
        """SIGKILL the master and every worker at once, as a power cut would."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def close(self) -> None:
        """Kill what runs and let go of the log."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._log.close()
