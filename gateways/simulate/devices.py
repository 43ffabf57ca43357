"""Which readers and scales can be simulated, and which of them a meter gets."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, Protocol, TypeVar

from gateways.simulate import readers, scales
from gateways.simulate.scales import Shown, StreamingScale

World = TypeVar("World", contravariant=True)


class MixError(ValueError):
    """The protocols asked for cannot fit these meters; the text says why."""


class Device(Protocol[World]):
    """A device at the end of a cable. `World` is what it measures: a card's number, or what a scale shows."""

    def restart(self) -> None:
        """Power was off: forget what the host had said."""

    def push(self, world: World, /) -> bytes:
        """Return what the device says by itself in this period."""

    def hear(self, data: bytes, world: World, /) -> bytes:
        """Take what the host says and return the answer."""


@dataclass(frozen=True, slots=True)
class Model(Generic[World]):
    """A device that can be bought: its protocol as in the config file, other settings there, and how to make one.

    `digits` are the lengths of the card numbers that a reader can read, in hex digits.
    """

    protocol: str
    make: Callable[[], Device[World]]
    options: dict[str, Any] = field(default_factory=dict)
    digits: frozenset[int] = frozenset()


ReaderModel = Model[str | None]
ScaleModel = Model[Shown]

_EM4100: Final = frozenset({10})
_UID: Final = frozenset({8, 14, 20})
_EPC: Final = frozenset(range(4, 64, 4))

READERS: Final[tuple[ReaderModel, ...]] = (
    Model("rdm6300", readers.rdm6300, digits=_EM4100),
    Model("id20la", readers.id20la, digits=_EM4100),
    Model("pn532_hsu", readers.Pn532, digits=_UID),
    Model("uhf_m100", readers.uhf_bb, {"framing": "BB"}, _EPC),
    Model("uhf_m100", readers.uhf_aa, {"framing": "AA"}, _EPC),
)


def _stream(protocol: str, encode: scales.Encode, **options: Any) -> ScaleModel:
    return Model(protocol, partial(StreamingScale, encode), options)


SCALES: Final[tuple[ScaleModel, ...]] = (
    _stream("cas_22", scales.cas_22),
    _stream("cas_and18", scales.cas_and18),
    _stream("and_standard", scales.and_standard),
    _stream("toledo_continuous", scales.toledo_continuous, checksum=False),
    _stream("toledo_continuous", scales.toledo_continuous_check, checksum=True),
    Model("toledo_8217", scales.Toledo8217, {"unit": "kg"}),
    Model("mt_sics", scales.MtSics, {"identity": scales.SERIAL_NUMBER}),
    _stream("ohaus_defender", scales.ohaus_defender),
    _stream("ohaus_scoutpro", scales.ohaus_scoutpro),
    _stream("kern_ascii", scales.kern_ascii, unit="kg"),
)

PROTOCOLS: Final = tuple(dict.fromkeys([*(m.protocol for m in READERS), *(m.protocol for m in SCALES)]))
USUAL: Final = ("rdm6300", "cas_22")


@dataclass(frozen=True, slots=True)
class Fitting:
    """The devices of one meter."""

    reader: ReaderModel
    scale: ScaleModel


def fit(protocols: Sequence[str], numbers: Iterable[str], rng: random.Random) -> Fitting:
    """Choose a reader that can read these card numbers, and a scale, among `protocols`; raises MixError."""
    lengths = {len(number) for number in numbers}
    if unknown := sorted(set(protocols) - set(PROTOCOLS)):
        raise MixError(f"unknown protocol {unknown[0]}; known are {', '.join(PROTOCOLS)}")
    able = [model for model in READERS if model.protocol in protocols and lengths <= model.digits]
    weighing = [model for model in SCALES if model.protocol in protocols]
    if not able or not weighing:
        missing = "scale" if able else f"reader for card numbers of {', '.join(map(str, sorted(lengths)))} digits"
        raise MixError(f"no {missing} among {', '.join(protocols)}")
    return Fitting(rng.choice(able), rng.choice(weighing))
