"""What is on a port? Listens, or asks, and ranks the protocols by how much of what came is inside their frames.

A line of 7 bits read at 8N1 shows its parity bit, or its second stop bit, as bit 7. So one listening at 8N1 tells of
7E1, 7O1 and 7N2 as well, and only the baud rates have to be tried one after another. A wrong baud rate still gives
bytes, so a line without any is silent at every rate.
"""

import select
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gateways.devices.ports import SerialPort
from gateways.frames import DeviceProtocol, Line, Options, Reading, Reply, TagRead, WeightSample
from gateways.frames.protocols import PROTOCOLS

_FIRST_BAUD: Final = 9600
_OTHER_BAUDS: Final = (2400, 4800, 19200, 38400, 57600, 115200, 1200)
_OTHER_LISTEN_S: Final = 2.0
_ANSWER_S: Final = 0.4
_GOOD_SCORE: Final = 0.8
_FAIR_SCORE: Final = 0.2
_SHOWN_READINGS: Final = 5
_POLLS: Final = 3


def _seven_bits(is_right: Callable[[int], bool]) -> bytes:
    """A table that takes bit 7 off, and makes a byte whose bit 7 is wrong the NUL that a port set so would give."""
    return bytes(byte & 0x7F if is_right(byte) else 0 for byte in range(256))


# How bytes of 8N1 look through a line set otherwise.
_VIEWS: Final[dict[Line, bytes]] = {
    Line(): bytes(range(256)),
    Line(bytesize=7, parity="E"): _seven_bits(lambda byte: byte.bit_count() % 2 == 0),
    Line(bytesize=7, parity="O"): _seven_bits(lambda byte: byte.bit_count() % 2 == 1),
    Line(bytesize=7, stopbits=2): _seven_bits(lambda byte: byte >= 0x80),
}


class PortUnusableError(Exception):
    """The port cannot be opened; the text is an error of `PortCounts`."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A protocol with line settings and options, and what it made of the bytes. No card number is kept."""

    protocol: DeviceProtocol
    line: Line
    options: Options
    score: float  # share of the bytes inside whole frames
    frames: int
    noise_bytes: int
    rejects: dict[str, int]
    readings: list[dict[str, Any]]  # the last ones, cards by their last four digits
    identity: str | None
    asked: bool

    @property
    def is_good(self) -> bool:
        """Whether to look no further."""
        return self.score >= _GOOD_SCORE and (self.asked or self.frames > 1)


@dataclass(slots=True)
class Findings:
    """What came from a port: the number of bytes, the share of them that is printable, the candidates, best first."""

    byte_count: int = 0
    printable: float = 0.0
    candidates: list[Candidate] = field(default_factory=list)

    def add(self, data: bytes, candidates: Sequence[Candidate]) -> bool:
        """Take the outcome of one listening; true if it settles the question."""
        if data:
            count = sum(byte in range(0x20, 0x7F) or byte in b"\r\n" for byte in data)
            self.printable = (self.printable * self.byte_count + count) / (self.byte_count + len(data))
            self.byte_count += len(data)
        self.candidates = _best_per_protocol([*self.candidates, *candidates])
        return any(candidate.is_good for candidate in self.candidates)


def probe(path: str, seconds: float, *, ask: bool, mono: Callable[[], float] = time.monotonic) -> Findings:
    """Find out what is on the port; raises PortUnusableError. Nothing is sent unless `ask`.

    `seconds` are for listening at 9600 baud. Other rates follow only if something came that no protocol explains.
    """
    findings = Findings()
    data = _listen(path, Line(_FIRST_BAUD), seconds, mono)
    if findings.add(data, judge(data, _FIRST_BAUD)):
        return findings
    for baudrate in _OTHER_BAUDS if data else ():
        data = _listen(path, Line(baudrate), min(seconds, _OTHER_LISTEN_S), mono)
        if findings.add(data, judge(data, baudrate)):
            return findings
    for protocol, line, options in _questions() if ask else ():
        data = _ask(path, protocol, line, options, mono)
        if findings.add(data, _judged(protocol, line, options, data, asked=True)):
            break
    return findings


def judge(data: bytes, baudrate: int) -> list[Candidate]:
    """Return what each protocol makes of bytes that were read at 8N1, in each view of them."""
    candidates: list[Candidate] = []
    for view, table in _VIEWS.items() if data else ():
        seen, line = data.translate(table), replace(view, baudrate=baudrate)
        for protocol in PROTOCOLS.values():
            options = protocol.infer(seen)
            options = replace(options, unit="kg") if protocol.needs_unit else options
            candidates += _judged(protocol, line, options, seen, asked=False)
    return _best_per_protocol(candidates)


def _judged(
    protocol: DeviceProtocol, line: Line, options: Options, data: bytes, *, asked: bool
) -> tuple[Candidate, ...]:
    """The candidate, or nothing if no frame is in the data."""
    parser = protocol.make(options)
    readings = parser.feed(data)
    if not readings:
        return ()
    names = [reading.value for reading in readings if isinstance(reading, Reply) and reading.name == "identity"]
    return (
        Candidate(
            protocol=protocol,
            line=line,
            options=options,
            score=round(1 - parser.stats.noise_bytes / len(data), 3),
            frames=parser.stats.frames,
            noise_bytes=parser.stats.noise_bytes,
            rejects=dict(parser.stats.rejects),
            readings=[_masked(reading) for reading in readings[-_SHOWN_READINGS:]],
            identity=names[-1] if names else None,
            asked=asked,
        ),
    )


def _masked(reading: Reading) -> dict[str, Any]:
    if isinstance(reading, TagRead):
        return {"kind": "card", "last4": reading.number[-4:]}
    if isinstance(reading, WeightSample):
        fault = {"fault": reading.fault} if reading.fault else {}
        return {"kind": "weight", "grams": reading.grams, "stable": reading.stable, **fault}
    # What other replies say may be anything that a device remembers.
    return {"kind": "reply", "name": reading.name} | ({"value": reading.value} if reading.name == "identity" else {})


def _best_per_protocol(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The best of each protocol, best first; where two do equally well, the one on its usual line."""
    ranked = sorted(
        (candidate for candidate in candidates if candidate.score >= _FAIR_SCORE),
        key=lambda candidate: (
            -candidate.score,
            -candidate.frames,
            candidate.line != candidate.protocol.line,
            candidate.line not in candidate.protocol.other_lines,
        ),
    )
    best: dict[str, Candidate] = {}
    for candidate in ranked:
        best.setdefault(candidate.protocol.name, candidate)
    return list(best.values())


def _questions() -> Iterator[tuple[DeviceProtocol, Line, Options]]:
    """Whom to ask, and how the line is set: the usual lines of all protocols, then the others."""
    asked = [protocol for protocol in PROTOCOLS.values() if protocol.dialogue.poll or protocol.dialogue.identify]
    lines = [(protocol, protocol.line) for protocol in asked]
    lines += [(protocol, line) for protocol in asked for line in protocol.other_lines]
    for protocol, line in lines:
        for framing in (None, *protocol.dialogues):
            yield protocol, line, Options(unit="kg" if protocol.needs_unit else None, framing=framing)


def _listen(path: str, line: Line, seconds: float, mono: Callable[[], float]) -> bytes:
    port = _opened(path, line, mono)
    try:
        return _gather(port, seconds, mono)
    finally:
        port.close()


def _ask(path: str, protocol: DeviceProtocol, line: Line, options: Options, mono: Callable[[], float]) -> bytes:
    """Say what the protocol's host says; return all answers."""
    dialogue = protocol.dialogue_for(options)
    commands = [*dialogue.start, dialogue.identify, *[dialogue.poll] * _POLLS]
    answers = b""
    port = _opened(path, line, mono)
    try:
        for command in filter(None, commands):
            port.write(command)
            answer = _gather(port, _ANSWER_S, mono)
            answers += answer
            if not answer and command is dialogue.poll:
                break  # who ignores one question ignores the next
    finally:
        port.close()
    return answers


def _opened(path: str, line: Line, mono: Callable[[], float]) -> SerialPort:
    port = SerialPort(path, mono, line)
    if not port.poll():
        raise PortUnusableError(port.counts.last_error or "missing")
    return port


def _gather(port: SerialPort, seconds: float, mono: Callable[[], float]) -> bytes:
    """All that comes in so many seconds; raises PortUnusableError if the port goes away."""
    data = bytearray()
    until = mono() + seconds
    while (left := until - mono()) > 0:
        if not port.is_open:
            raise PortUnusableError(port.counts.last_error or "unplugged")
        if select.select([port], [], [], left)[0]:
            data += port.read()
    return bytes(data)
