"""The gateway's own ledger: what must not be lost until the server has it. docs/spool.md says what is kept how long."""

from gateways.spool.opening import open_spool
from gateways.spool.rows import (
    AliveRow,
    CardsStatus,
    CommandResult,
    CommandRow,
    Depth,
    NoticeRow,
    Pending,
    Room,
    Stamp,
    TouchRow,
)
from gateways.spool.spool import Spool, SpoolFullError

__all__ = [
    "AliveRow",
    "CardsStatus",
    "CommandResult",
    "CommandRow",
    "Depth",
    "NoticeRow",
    "Pending",
    "Room",
    "Spool",
    "SpoolFullError",
    "Stamp",
    "TouchRow",
    "open_spool",
]
