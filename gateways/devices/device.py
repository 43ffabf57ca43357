"""A reader or a scale: its port, its parser, and what has to be said to it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Literal

import structlog

from gateways.config import DeviceConfig
from gateways.devices.dialogue import Conversation, Identity
from gateways.devices.portlog import PortLog
from gateways.devices.ports import SerialPort
from gateways.frames import DeviceProtocol, Line, Options, Reading, Reply, TagRead, WeightSample

log = structlog.get_logger()

# Longer than any start-up message, shorter than a minute of any stream.
_TALKS_NONSENSE_BYTES: Final = 400


class Device:
    """Call `poll` regularly, `read` when the port has data; neither blocks nor raises. `mono` gives monotonic seconds.

    A device that must prove its identity yields nothing until it has. Raises ValueError, in words, for a protocol or
    options that cannot be (`load_config` has refused those before).
    """

    def __init__(
        self,
        config: DeviceConfig,
        kind: Literal["reader", "scale"],
        mono: Callable[[], float],
        log: PortLog | None = None,
        protocol: DeviceProtocol | None = None,
    ) -> None:
        self.kind: Literal["reader", "scale"] = kind
        self._protocol = protocol or _protocol(config.protocol)
        if self._protocol.kind != kind:
            raise ValueError(f"{config.protocol} is no protocol of a {kind}")
        options = Options(config.unit, config.checksum, config.framing)
        dialogue = self._protocol.dialogue_for(options)
        if config.identity and dialogue.identify is None:
            raise ValueError(f"{config.protocol} cannot be asked for an identity: leave the setting out")
        self._parser = self._protocol.make(options)
        self.port = SerialPort(config.port, mono, line_of(config, self._protocol))
        self._identity = Identity(config.identity)
        self._conversation = Conversation(dialogue, self._identity)
        self._log = log
        self._is_first_weight = True
        self._nonsense_bytes = 0

    @property
    def is_open(self) -> bool:
        """Whether the port is open."""
        return self.port.is_open

    @property
    def identity_ok(self) -> bool | None:
        """Whether this is the device of the settings; None while it has not said. True if none is configured."""
        return {"proven": True, "wrong": False}.get(self._identity.proof)

    @property
    def sends_stability(self) -> bool:
        """Whether the protocol's frames say if a weight is stable."""
        return self._protocol.sends_stability

    def poll(self, at: float) -> None:
        """Reopen the port when its turn has come, and say what is due."""
        if self.port.poll():
            # Half a frame from before the gap and half a frame from after it make no frame.
            self._parser.reset()
            self._is_first_weight = True
            self._nonsense_bytes = 0
            self._conversation.begin(at)
        if self._conversation.gave_up(at):
            # A byte of 00 that was lost in a card's number would be made up for by the zeros of the next answer.
            self._parser.reset()
        if self.port.is_open and (command := self._conversation.due(at)) is not None:
            self.port.write(command)

    def read(self, at: float) -> list[TagRead | WeightSample]:
        """Return the cards or weights that have arrived whole, oldest first; answers are kept inside."""
        data = self.port.read()
        if not data:
            return []
        frames = self._parser.stats.frames
        readings = self._parser.feed(data)
        self._nonsense_bytes = 0 if self._parser.stats.frames > frames else self._nonsense_bytes + len(data)
        kept = [reading for reading in readings if self._keep(at, reading)]
        if self._log is not None:
            self._log.received(self.port.path, at, self.kind, len(data), kept, self._parser.stats)
        # The next question goes out at once: a polled scale is as fast as its answers.
        if readings and (command := self._conversation.due(at)) is not None:
            self.port.write(command)
        return [reading for reading in kept if not isinstance(reading, Reply)]

    def _keep(self, at: float, reading: Reading) -> bool:
        if isinstance(reading, Reply):
            self._take_reply(at, reading)
            return False
        self._conversation.heard(at)
        if isinstance(reading, WeightSample) and self._is_first_weight:
            # Its first bytes may have been lost with what was in the port before: "110.5 kg" ends in "10.5 kg".
            self._is_first_weight = False
            return False
        return bool(self.identity_ok)

    def _take_reply(self, at: float, reply: Reply) -> None:
        if reply.name == "ack":
            return  # the answer proper is still to come
        self._conversation.heard(at)
        if reply.name == "identity":
            before = self._identity.proof
            self._identity.answered(at, reply.value)
            if self._identity.proof != before:
                log.warning("identity_" + self._identity.proof, path=self.port.path, answer=reply.value)

    def stats(self) -> dict[str, Any]:
        """Return the PORT object of docs/gateway-api.md.

        `last_error` of an open port may also be `wrong_device`, `identity_unanswered`, or `no_frames`: it talks, but
        not this protocol (another device is plugged in here, or the line is set wrongly).
        """
        return self.port.stats(self._parser.stats, self._complaint())

    def _complaint(self) -> str | None:
        if self._identity.proof == "wrong":
            return "wrong_device"
        if self._nonsense_bytes >= _TALKS_NONSENSE_BYTES:
            return "no_frames"
        return "identity_unanswered" if self._identity.proof == "unanswered" else None

    def close(self) -> None:
        """Release the port."""
        self.port.close()


def line_of(config: DeviceConfig, protocol: DeviceProtocol) -> Line:
    """Return the line settings: the protocol's, but for what the config overrides."""
    names = ("baudrate", "bytesize", "parity", "stopbits")
    given = {name: value for name in names if (value := getattr(config, name)) is not None}
    return replace(protocol.line, **given)


def _protocol(name: str) -> DeviceProtocol:
    # Every protocol is one module; they are loaded when a device is made.
    from gateways.frames.protocols import PROTOCOLS

    if name not in PROTOCOLS:
        raise ValueError(f"there is no protocol {name!r}")
    return PROTOCOLS[name]
