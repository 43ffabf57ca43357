"""One meter's devices on pseudo-terminals, and a resident: just enough physics for a gateway to book a discharge."""

import os
import pty
import select
import threading
import time
import tty
from pathlib import Path
from typing import Self

STEP_S = 0.05
OPENS_S = 0.3
CARD = b"\x020D00319CD07\x30\x03"


def cas_frame(grams: int) -> bytes:
    """A stable frame of 22 bytes (docs of the protocol: gateways/frames/cas22.py)."""
    return b"ST,GS,1\xc4," + f"{grams / 1000:08.2f}".encode() + b" kg\r\n"


class World:
    """Use as a context manager. `reader`, `scale` and `lid` are paths; the lid speaks the simulation's protocol."""

    def __init__(self, folder: Path) -> None:
        self.gross_g = 12_000
        self.card_held = False
        self.throws_g = 0  # what the resident throws in while the lid is open, who then closes it
        self._ends = {name: pty.openpty() for name in ("reader", "scale", "lid")}
        for name, (_, slave) in self._ends.items():
            tty.setraw(slave)
            (folder / name).symlink_to(os.ttyname(slave))
        self.reader, self.scale, self.lid = (folder / name for name in self._ends)
        self._open_since: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for end in (end for ends in self._ends.values() for end in ends):
            os.close(end)

    def _live(self) -> None:
        while not self._stop.wait(STEP_S):
            self._say("scale", cas_frame(self.gross_g))
            if self.card_held:
                self._say("reader", CARD)
            self._move_lid(self._heard("lid"))

    def _move_lid(self, heard: bytes) -> None:
        if b"O" in heard and self._open_since is None:
            self._open_since = time.monotonic()
            self._say("lid", b"LID OPEN\r\n")
        if self._open_since is not None and time.monotonic() - self._open_since > OPENS_S:
            self.gross_g += self.throws_g
            self._open_since = None
            self._say("lid", b"LID CLOSED\r\n")
        elif b"S" in heard:
            self._say("lid", b"LID OPEN\r\n" if self._open_since is not None else b"LID CLOSED\r\n")

    def _say(self, device: str, data: bytes) -> None:
        master = self._ends[device][0]
        if select.select([], [master], [], 0)[1]:  # full while nobody listens
            os.write(master, data)

    def _heard(self, device: str) -> bytes:
        master = self._ends[device][0]
        return os.read(master, 256) if select.select([master], [], [], 0)[0] else b""
