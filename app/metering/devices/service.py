"""Moves of meters that respect what they weighed; committing is left to the caller's `with database.begin()`."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.metering.devices.queries import free_from
from app.registry.devices import service as devices
from app.registry.devices.queries import Standing, find_meter
from app.registry.devices.service import To
from app.registry.service import changing


def move(session: Session, district_id: int, code: str, to: To, reason: str, actor: str, now: datetime) -> Standing:
    """As `devices.move`, not before what the meter weighed or was alive where it stands: that was booked there."""
    return devices.move(session, district_id, code, to, reason, actor, now, _free_from(session, district_id, code, now))


def retire(session: Session, district_id: int, code: str, at: datetime, reason: str, actor: str, now: datetime) -> None:
    """As `devices.retire`, not before what the meter weighed or was alive where it stands."""
    devices.retire(session, district_id, code, at, reason, actor, now, _free_from(session, district_id, code, now))


def _free_from(session: Session, district_id: int, code: str, now: datetime) -> datetime | None:
    changing(session, district_id)  # ingest waits: nothing is booked between the look and the change
    return free_from(session, find_meter(session, district_id, code, now))
