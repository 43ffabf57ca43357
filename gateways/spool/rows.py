"""What the spool hands out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gateways.cards import Card


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a record was decided: boot and milliseconds since it."""

    boot_id: str
    mono_ms: int


@dataclass(frozen=True, slots=True)
class Pending:
    """Records of one epoch that wait for the server, in order of their numbers."""

    epoch: str
    seqs: list[int]
    bodies: list[bytes]


@dataclass(frozen=True, slots=True)
class AliveRow:
    """A spooled alive interval: its row, its meter and its bytes."""

    id: int
    meter: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits: records, and the oldest one's stamp."""

    records: int
    oldest: Stamp | None


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """What an operator must hear once; the fields of the wire (docs/gateway-api.md, Status)."""

    id: int
    kind: str
    detail: str
    at: str
    clock: str
    boot_id: str
    mono_ms: int


@dataclass(frozen=True, slots=True)
class TouchRow:
    """The newest refusal of a card at a meter; `id` changes with each repetition and is not sent."""

    id: int
    meter: str
    card: Card
    reason: str
    at: str
    clock: str
    boot_id: str
    mono_ms: int


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A command that was taken and has no result yet; `body` is what `receive_command` was given."""

    id: str
    kind: str
    body: bytes
    expires_at: datetime


CommandState = Literal["done", "refused", "failed", "expired"]


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What became of a command."""

    id: str
    state: CommandState
    detail: str


@dataclass(frozen=True, slots=True)
class CardsTerm:
    """Which allow-list is kept (`version` is None if the whole must be fetched), and how long it holds, by the server's
    time in UTC."""

    version: str | None = None
    received_at: datetime | None = None
    valid_for_s: int = 0

    def is_expired(self, now: datetime) -> bool:
        """Whether the list may no longer be relied on at `now` (UTC); so is a list that never came."""
        return self.received_at is None or now >= self.received_at + timedelta(seconds=self.valid_for_s)


@dataclass(frozen=True, slots=True)
class CardsStatus(CardsTerm):
    """The same, with the number of its cards."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes that the spool fills (its write-ahead log included, pages free for reuse not) and bytes free on its disk.

    `refusing`: no new session may begin until there is room again.
    """

    spool_bytes: int
    free_bytes: int
    refusing: bool
