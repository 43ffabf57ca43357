"""Child processes that never outlive this one, and signals that ask it to stop."""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from app.texts import Refused, Text

PR_SET_PDEATHSIG = 1  # prctl(2)
STOP_WITHIN = 12.0  # seconds; a simulated gateway lets a session under way end for 5

libc = ctypes.CDLL(None)

NO_PROGRAM = Text(
    "{path} 프로그램이 없습니다. 다시 설치하세요: make install",
    "The program {path} is missing. Install it again: make install",
)
RUNNING = Text(
    "데모가 이 폴더에서 이미 돌고 있습니다({path}). 먼저 그것을 Ctrl-C로 멈추세요.",
    "A demo runs in this folder already ({path}). Stop that one with Ctrl-C first.",
)


def program(name: str) -> str:
    """The path of a program of this installation; raises Refused where it is missing."""
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        raise Refused(NO_PROGRAM.fill(path=path))
    return str(path)


def stop_on_signals() -> threading.Event:
    """An event that Ctrl-C or SIGTERM sets, from now on instead of ending the process."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock file; raises Refused while another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(RUNNING.fill(path=path.absolute())) from error
        yield


@contextmanager
def running(command: Sequence[str], log: IO[bytes] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A child process for the time of the block, writing to `log` or where this process writes.

    It has a session of its own, so that Ctrl-C in a terminal reaches only its parent, which stops things in order.
    """
    process = subprocess.Popen(  # noqa: S603 - our own programs
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=partial(_end_with, os.getpid()),
    )
    try:
        yield process
    finally:
        _end(process)


def _end_with(parent: int) -> None:
    """In the child: stop in order when the parent is gone, even by SIGKILL."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it went before it could be asked for
        os.kill(os.getpid(), signal.SIGTERM)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
