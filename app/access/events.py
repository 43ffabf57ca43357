"""What happens to a gateway is booked once, with who did it, and never changed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.access.models import GatewayEvent
from app.db import Executor
from app.ids import allocate


class Event(NamedTuple):
    """One event to book. `at` is when it happened, `actor` a person's name or None: the box, or the service for it."""

    gateway_id: int
    kind: str
    at: datetime
    detail: str = ""
    actor: str | None = None
    claimed_at: datetime | None = None
    clock: str | None = None
    epoch: str | None = None
    notice_id: int | None = None


def book_events(executor: Executor, district_id: int, events: Iterable[Event], booked_at: datetime) -> None:
    """Add events of one district to the book, in the caller's transaction."""
    waiting = list(events)
    if not waiting:
        return
    ids = allocate(executor, district_id, "gateway_event", len(waiting))
    same: dict[str, Any] = {"district_id": district_id, "booked_at": booked_at}
    # What a box wrote may hold a NUL, which PostgreSQL stores in no text.
    rows = [
        event._asdict() | same | {"id": id_, "detail": event.detail.replace("\0", "␀")}
        for event, id_ in zip(waiting, ids, strict=True)
    ]
    executor.execute(sa.insert(GatewayEvent), rows)
