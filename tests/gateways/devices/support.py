"""A clock to set, cables to pull, and a small protocol with every kind of dialogue."""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import xor
from typing import Any

from gateways.frames import (
    DeviceProtocol,
    Dialogue,
    FrameStats,
    Line,
    Reading,
    Reply,
    WeightSample,
)
from gateways.frames.cas22 import Cas22Parser
from gateways.frames.rdm6300 import Rdm6300Parser
from gateways.simulate.pty import Cable
from tests.gateways.fake_server import wait_until

CARD_KEY = bytes(range(32))
CONFIG = """\
server = "https://meters.example.go.kr"
key_file = "key"
spool = "spool.db"

[[meters]]
meter = "W0G-001-01-1"
[meters.reader]
port = "/dev/r"
protocol = "rdm6300"
[meters.scale]
port = "/dev/s"
protocol = "cas_22"
[meters.lid]
port = "/dev/l"
driver = "simulated"
"""


class Now:
    """Monotonic seconds that pass when told."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


class TalkParser:
    """`W grams`, `I serial`, `A` (acknowledged), `N` (nothing), each ended by CR."""

    def __init__(self) -> None:
        self.stats = FrameStats()
        self._buffer = b""

    def reset(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Reading]:
        *lines, self._buffer = (self._buffer + data).split(b"\r")
        readings = [reading for line in lines if (reading := self._read(line)) is not None]
        self.stats.frames += len(readings)
        return readings

    def _read(self, line: bytes) -> Reading | None:
        verb, _, value = line.partition(b" ")
        if verb == b"W" and value.isdigit():
            return WeightSample(int(value), True, None, line)
        if verb in (b"I", b"A", b"N"):
            names = {b"I": "identity", b"A": "ack", b"N": "nothing"}
            return Reply(names[verb], value.decode() or None, line)
        self.stats.rejects["verb"] += 1
        return None


TALK = DeviceProtocol(
    "talk",
    "scale",
    lambda _options: TalkParser(),
    Line(),
    Dialogue((b"start1\r", b"start2\r"), b"poll\r", 0.1, b"who\r"),
)
CAS = DeviceProtocol("cas_22", "scale", lambda _options: Cas22Parser(), Line())
RDM = DeviceProtocol("rdm6300", "reader", lambda _options: Rdm6300Parser(), Line())


def heard(cable: Cable, expected: bytes) -> bool:
    """Whether the far end of the cable receives exactly these bytes now."""
    got = bytearray()

    def arrived() -> bool:
        got.extend(cable.read())
        return len(got) >= len(expected)

    wait_until(arrived, 2.0)
    return bytes(got) == expected


def gather(read: Callable[[], Sequence[Any]], count: int) -> list[Any]:
    """Read until `count` things have come."""
    got: list[Any] = []
    wait_until(lambda: (got.extend(read()), len(got) >= count)[1], 2.0)
    return got


def card_frame(number: str) -> bytes:
    """An RDM6300 frame of a card number of 10 hex digits."""
    checksum = reduce(xor, bytes.fromhex(number))
    return b"\x02%s%02X\x03" % (number.encode("ascii"), checksum)


def weight_frame(grams: int, *, stable: bool = True) -> bytes:
    """A CAS 22-byte frame of device 01; `grams` is 0 or more and a multiple of 10."""
    kilograms, rest = divmod(grams, 1000)
    header, lamp = (b"ST", 0xC4) if stable else (b"US", 0x84)
    return b"%s,GS,1%c,%05d.%02d kg\r\n" % (header, lamp, kilograms, rest // 10)
