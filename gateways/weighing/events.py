"""What a session is told and what it answers. Times are monotonic seconds of this boot."""

from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from gateways.cards import Card
from gateways.frames import WeightSample
from gateways.weighing.stability import StableWeight

Outcome = Literal[
    "settled",
    "late_close",
    "recovered",
    "unsettled",
    "empty_open",
    "negative",
    "collection",
    "unattended_step",
    "refused_full",
    "aborted",
]

# What the allow-list says of a card: whose it is, or why it may not. `unknown`: not on the list.
Access = Literal["household", "collector", "service", "unknown", "blocked"]

# What a session is for.
Kind = Literal["deposit", "collection", "service"]


@dataclass(frozen=True, slots=True)
class CardSeen:
    """The reader sent a valid frame of this card."""

    at: float
    card: Card
    access: Access = "household"


@dataclass(frozen=True, slots=True)
class Weighed:
    """The scale sent a valid frame."""

    at: float
    sample: WeightSample


@dataclass(frozen=True, slots=True)
class LidMoved:
    """The lid's controller said how the lid stands; repeating itself is harmless."""

    at: float
    is_open: bool


@dataclass(frozen=True, slots=True)
class LidLost:
    """Nobody knows how the lid stands: its port closed."""

    at: float


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""

    at: float


@dataclass(frozen=True, slots=True)
class Committed:
    """The draft of the last `Commit` is on disk."""

    at: float


@dataclass(frozen=True, slots=True)
class NotBegun:
    """The session of the last `BeginSession` could not be written: its lid stays shut."""

    at: float


@dataclass(frozen=True, slots=True)
class OutOfOrder:
    """Why no new session may begin, as reasons of `messages.py`: `disk_full`, `wrong_device`, …; empty: all is well.

    A session under way goes on: what it weighs is still spooled.
    """

    at: float
    reasons: frozenset[str]


@dataclass(frozen=True, slots=True)
class ServiceRequested:
    """A command of the server asks for the lid to open without a card."""

    at: float


Event = CardSeen | Weighed | LidMoved | LidLost | Tick | Committed | NotBegun | OutOfOrder | ServiceRequested


class OpenSession(msgspec.Struct, frozen=True):
    """What must be on disk before the lid opens: whose session it is, and the weight it began with.

    Only a deposit must have a weight to begin with: a bin whose scale fails can still be emptied and repaired. `card`
    is None for service by a command of the server. `flags` are those that the record will carry. What has a default
    may be missing: an earlier version did not write it.
    """

    card: Card | None
    baseline: StableWeight | None
    kind: Kind = "deposit"
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A discharge or event without its number, dated by the monotonic second at which it was decided."""

    at: float
    outcome: Outcome
    card: Card | None
    gross_before_g: int | None
    gross_after_g: int | None
    net_g: int | None
    flags: list[str]
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BeginSession:
    """Write the session to disk. Effects after this one may be carried out only once it is durable; else `NotBegun`."""

    session: OpenSession


@dataclass(frozen=True, slots=True)
class OpenLid:
    """Command the lid to open."""


@dataclass(frozen=True, slots=True)
class CloseLid:
    """Command the lid to close, where it has a motor; a lid without one ignores this."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Sound the alarm at the bin (`on`), or end it."""

    on: bool


@dataclass(frozen=True, slots=True)
class Tell:
    """Show and say something at the bin: a key of `messages.py` that begins with `bin_`, and its values."""

    what: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReportCard:
    """The server hears at once of a card that is not on the list or blocked (`card_unknown`, `card_blocked`)."""

    reason: str
    card: Card


@dataclass(frozen=True, slots=True)
class Commit:
    """Spool the draft (and close the session, if it had one) in one transaction, then tell `Committed`."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class Note:
    """Something for the log; holds no card number."""

    what: str
    details: dict[str, Any] = field(default_factory=dict)


Effect = BeginSession | OpenLid | CloseLid | Alarm | Tell | ReportCard | Commit | Note
