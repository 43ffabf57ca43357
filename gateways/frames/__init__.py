"""Pure parsers from serial bytes to readings; one file per protocol.

A parser is fed whatever the port had to give and returns the readings that are complete by then. It never raises on
input, holds back at most one frame's bytes, and its readings do not depend on how the bytes were cut into chunks.

A protocol is one module of this package with a `PROTOCOL`; `protocols.py` finds it by itself (docs/adding-a-device.md).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class TagRead:
    """A card number as the reader sent it, in upper-case hex. Personal data: hash it before anything else.

    EM4100: 10 digits (all 40 bits); ISO 14443A: the UID's 8, 14 or 20; EPC Gen2: the whole EPC.
    """

    number: str


@dataclass(frozen=True, slots=True)
class WeightSample:
    """One scale frame. `grams` is None whenever the frame holds no usable weight; `fault` then says why.

    Faults are `motion`, `overload`, `underload`, `power_up` (not yet zeroed), `not_ready` (the scale refuses just now),
    `error`, and `port must be 8N1`.

    `stable` is true only if every stability mark of the frame says so. `raw` are the frame's bytes as evidence. `net`:
    a tare is in force, so this is no gross weight; two such weights differ by the tare as soon as somebody presses the
    key, and no session may count with them.
    """

    grams: int | None
    stable: bool
    fault: str | None
    raw: bytes
    net: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A valid frame that is neither a card nor a weight: an acknowledgement, an error, an identity.

    `name` says which: `ack`, `nack`, `no_card`, `identity`, `error`, `zeroed`, `tare`, `count`, `status`, or `done` for
    any other command that was carried out; `value` is what it tells, e.g. a serial number.
    """

    name: str
    value: str | None
    raw: bytes


Reading = TagRead | WeightSample | Reply


@dataclass(slots=True)
class FrameStats:
    """Counts since the parser was made: whole valid frames, rejected frames by reason, bytes outside any frame."""

    frames: int = 0
    noise_bytes: int = 0
    rejects: Counter[str] = field(default_factory=Counter)


class Parser(Protocol):
    """What every parser offers."""

    stats: FrameStats

    def reset(self) -> None:
        """Forget a half-received frame: the port was reopened. The counts stay."""

    def feed(self, data: bytes) -> Sequence[Reading]:
        """Return the readings completed by `data`, in order; damaged frames only count in `stats`."""


@dataclass(frozen=True, slots=True)
class Line:
    """How a serial port is set: baud rate, data bits, parity (`N`, `E`, `O`), stop bits."""

    baudrate: int = 9600
    bytesize: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What the host has to say, for a device that does not talk by itself.

    `start` is sent after every opening of the port, `poll` every `poll_every_s` seconds, or as soon as the device has
    answered the one before if that is later. `identify` asks for the `Reply` named `identity`.
    """

    start: tuple[bytes, ...] = ()
    poll: bytes | None = None
    poll_every_s: float = 0.1
    identify: bytes | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What a device's settings tell its parser. Each protocol uses what its frames leave open."""

    unit: str | None = None  # kg, g, t or lb, for a protocol that sends none
    checksum: bool | None = None  # whether an optional check byte is sent
    framing: str | None = None  # UHF modules: BB or AA; None reads both


@dataclass(frozen=True, slots=True)
class DeviceProtocol:
    """One protocol of a reader or scale.

    `name` as in settings and `decode --protocol`. `make` makes a parser and raises ValueError, in words, for options
    that cannot be. `sends_stability` is false for devices whose frames carry no mark of stability. `line` is how such
    devices leave the factory, `other_lines` how else they are met. `dialogues` are those of other framings than the
    usual one. `infer` tells options from recorded bytes; for `decode` and `probe`: a live port is configured, not
    guessed about.
    """

    name: str
    kind: Literal["reader", "scale"]
    make: Callable[[Options], Parser]
    line: Line
    dialogue: Dialogue = Dialogue()
    needs_unit: bool = False
    sends_stability: bool = True
    other_lines: tuple[Line, ...] = ()
    dialogues: Mapping[str, Dialogue] = field(default_factory=dict)
    infer: Callable[[bytes], Options] = field(default=lambda _data: Options())

    def dialogue_for(self, options: Options) -> Dialogue:
        """Return what to say to a device with these options."""
        return self.dialogues.get(options.framing or "", self.dialogue)
