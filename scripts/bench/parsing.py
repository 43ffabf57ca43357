"""Measures what a frame costs its parser: CPU per frame, of ten a second, beside a script that trusts what it gets."""

import time
from collections.abc import Callable
from decimal import Decimal
from statistics import median
from typing import Final

from gateways.frames import Options, Parser
from gateways.frames.protocols import PROTOCOLS

MOST_US: Final = 20.0
_FRAMES: Final = 5_000
# One good frame of each protocol; sources: tests/gateways/frames/frames.txt.
FRAMES: Final = {
    "rdm6300": b"\x020D00319CD070\x03",
    "id20la": b"\x020C000621A58E\r\n\x03",
    "pn532_hsu": bytes.fromhex("0000FF00FF000000FF0CF4D54B01010004080424D34F592F00"),
    "uhf_m100": bytes.fromhex("BB02220011C43000E200001D7315016521408FC6B83EC27E"),
    "cas_22": b"ST,GS,1\xc4,000013.5 kg\r\n",
    "cas_and18": b"ST,GS,+0013.50kg\r\n",
    "and_standard": b"ST,+0001.234 kg\r\n",
    "toledo_continuous": b"\x02,0   4123     0\r\x1b",
    "toledo_8217": b"\x0201.250\r",
    "mt_sics": b"S S     561.348 kg\r\n",
    "ohaus_defender": b"   0.360 kg    G\r\n",
    "ohaus_scoutpro": b"        0.00 g     \r\n",
    "kern_ascii": b"       0.665 g  \r\n",
}
ABOUT: Final = """## Parsing

CPU of one frame in microseconds, the median of the rounds; whole, and cut in two pieces as ports do. The floor is what
a script that checks nothing pays for 22 bytes: it cuts the field out and makes a decimal of it.

| protocol | whole | in two | of the floor | asked for | |
|---|--:|--:|--:|--:|---|
"""


def section(rounds: int) -> str:
    """The table of the report."""
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in FRAMES}
    for _ in range(rounds):
        floor = _cpu_us(lambda: Decimal(FRAMES["cas_22"][9:17].decode()) * 1000)
        for name, frame in FRAMES.items():
            parser = PROTOCOLS[name].make(Options(unit="kg"))
            half = len(frame) // 2
            whole, two = _pieces_us(parser, [frame]), _pieces_us(parser, [frame[:half], frame[half:]])
            if parser.stats.frames < 2 * _FRAMES:
                raise AssertionError(f"{name} does not read its own frame: there is nothing to measure")
            found[name].append((whole, two, floor))
    return ABOUT + "\n".join(_row(name, times) for name, times in found.items()) + "\n"


def _row(name: str, times: list[tuple[float, float, float]]) -> str:
    whole, two = median(each[0] for each in times), median(each[1] for each in times)
    ratio = median(each[0] / each[2] for each in times)
    met = "met" if two < MOST_US else "missed"
    return f"| {name} | {whole:.1f} | {two:.1f} | {ratio:.0f} x | < {MOST_US:.0f} | {met} |"


def _pieces_us(parser: Parser, pieces: list[bytes]) -> float:
    return _cpu_us(lambda: [parser.feed(piece) for piece in pieces])


def _cpu_us(work: Callable[[], object]) -> float:
    started = time.process_time()
    for _ in range(_FRAMES):
        work()
    return (time.process_time() - started) / _FRAMES * 1_000_000


if __name__ == "__main__":
    print(section(5))
