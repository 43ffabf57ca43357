"""A gateway's uplink that dies by SIGKILL at a chosen moment: run as a program by test_kills.py.

    python -m tests.gateways.link.killed URL SPOOL

Reads a moment's number from each line of standard input, forks an uplink that dies at that moment (0: at none), and
answers with the number of moments that it lived through and its exit status. Moments are: before and after each POST,
before and after each commit of the spool that the uplink makes.
"""

import functools
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import structlog

from gateways.clock import Clock
from gateways.link.api import Server
from gateways.link.uplink import Uplink, UplinkSettings
from gateways.spool import Spool
from tests.gateways.fake_server import key_of
from tests.gateways.link.rig import READING

SETTINGS = UplinkSettings(timeout_s=5.0, backoff_first_s=0.001, backoff_last_s=0.002, status_every_s=3600)
BATCH = 7


class Moments:
    """Counts; kills this process at the chosen one."""

    def __init__(self, deadly: int) -> None:
        self.lived = 0
        self._deadly = deadly

    def pass_one(self) -> None:
        if self.lived + 1 == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        self.lived += 1


class DeadlyConnection(sqlite3.Connection):
    """A connection whose commits are moments."""

    moments: Moments

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        if sql != "COMMIT":
            return super().execute(sql, *args)
        self.moments.pass_one()
        cursor = super().execute(sql, *args)
        self.moments.pass_one()
        return cursor


def deliver(url: str, path: Path, deadly: int) -> int:
    """Deliver until nothing waits; return the moments that passed."""
    moments = Moments(deadly)
    DeadlyConnection.moments = moments
    sqlite3.connect = functools.partial(sqlite3.connect, factory=DeadlyConnection)  # type: ignore[assignment]
    spool = Spool(path)
    server = Server(url, clock := Clock(), key_of("W0G-GW-001"), timeout_s=5.0)
    send = server._http.send

    def deadly_send(*args: Any, **kwargs: Any) -> Any:
        moments.pass_one()
        reply = send(*args, **kwargs)
        moments.pass_one()
        return reply

    server._http.send = deadly_send  # type: ignore[method-assign]
    uplink = Uplink(server, spool, clock, lambda: [READING], SETTINGS)
    uplink._delivery._most = uplink._delivery._limit = BATCH
    for _ in range(100):
        uplink.step()
        if not spool.depth().records and uplink._status_at > 0:
            break
    server.close()
    spool.close()
    return moments.lived


def main() -> None:
    url, path = sys.argv[1], Path(sys.argv[2])
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            lived = deliver(url, path, int(line))
            os.write(writing, str(lived).encode())
            os._exit(0)
        os.close(writing)
        _, status = os.waitpid(child, 0)
        lived_text = os.read(reading, 20).decode() or "-1"
        os.close(reading)
        print(lived_text, os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    main()
