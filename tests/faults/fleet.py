"""A district's fleet as rows: gateways with a meter each, heard of or silent as a test says."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from app.access import accounts
from app.db import Database, upsert
from app.fleet.faults.models import Fault, FaultDuty, Incident
from app.fleet.models import GatewayEpoch, GatewayStatus
from app.ids import allocate
from app.metering.fault_watch.watch import check_district
from app.metering.models import MeterAlive, MeterHour
from app.registry.models import Complex, Gateway, Meter, MeterAssignment
from app.registry.service import add_district
from tests.builders import LONG_AGO

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Fleet:
    """`size` gateways GW-0001 … with one meter each, at `complexes` complexes in turn; ids count from 1."""

    def __init__(self, database: Database, size: int, complexes: int = 1, code: str = "W0G") -> None:
        self.database, self.size, self.complexes = database, size, complexes
        self.numbers = range(1, size + 1)
        with database.begin() as session:
            self.id = add_district(session, code, "강서구").id
            for kind, count in (("complex", complexes), ("gateway", size), ("meter", size), ("meter_assignment", size)):
                allocate(session, self.id, kind, count)
            here = {"district_id": self.id}
            places = [here | {"id": n, "code": f"{code}{n:03}", "name": f"단지 {n}"} for n in range(1, complexes + 1)]
            session.execute(sa.insert(Complex), places)
            gateways = [here | {"id": n, "code": f"GW-{n:04}", "created_at": LONG_AGO} for n in self.numbers]
            session.execute(sa.insert(Gateway), gateways)
            session.execute(sa.insert(Meter), [here | {"id": n, "code": f"M-{n:04}"} for n in self.numbers])
            stands = [
                here | {"id": n, "meter_id": n, "gateway_id": n, "complex_id": self.complex_of(n)} for n in self.numbers
            ]
            session.execute(sa.insert(MeterAssignment), [each | {"valid_from": LONG_AGO} for each in stands])

    def complex_of(self, number: int) -> int:
        return (number - 1) % self.complexes + 1

    def person(self, login: str, role: str = "operator", **more: Any) -> int:
        """Somebody who may log in; their account's id."""
        with self.database.begin() as session:
            person = accounts.Person(login, login.title(), role, **more)
            return accounts.add_account(session, self.id, person, LONG_AGO).id

    def duty(
        self, owner_id: int, complex_id: int | None = None, fault_class: str | None = None, above: int | None = None
    ) -> None:
        """Somebody answers for faults."""
        with self.database.begin() as session:
            duty = FaultDuty(complex_id=complex_id, fault_class=fault_class, owner_id=owner_id, escalate_to_id=above)
            duty.district_id, duty.id = self.id, allocate(session, self.id, "fault_duty")[0]
            duty.set_by, duty.set_at = "test", LONG_AGO
            session.add(duty)

    def hear(
        self,
        now: datetime,
        without: Iterable[int] = (),
        faults: dict[int, list[str]] | None = None,
        dead: Iterable[int] = (),
        backlog_s: int = 0,
    ) -> None:
        """Every gateway reports at `now` but those `without`; meters are alive but the `dead`; `faults` by number."""
        heard = [number for number in self.numbers if number not in set(without)]
        if not heard:
            return
        living = [number for number in heard if number not in set(dead)]
        here = {"district_id": self.id}
        with self.database.begin() as session:
            epochs = upsert(session, GatewayEpoch)
            rows: list[dict[str, Any]] = [
                here
                | {"gateway_id": n, "epoch_no": 1, "epoch": f"{n:016x}", "high_seq": 0, "missing": "[]"}
                | {"missing_merged": False, "first_contact_at": now, "last_contact_at": now}
                for n in heard
            ]
            newest = {"last_contact_at": epochs.excluded.last_contact_at}
            keys = ["district_id", "gateway_id", "epoch_no"]
            session.execute(epochs.on_conflict_do_update(index_elements=keys, set_=newest), rows)
            statuses = upsert(session, GatewayStatus)
            told = {name: statuses.excluded[name] for name in ("received_at", "report")}
            reports = [
                here | {"gateway_id": n, "received_at": now, "report": report(n, (faults or {}).get(n, []), backlog_s)}
                for n in heard
            ]
            session.execute(statuses.on_conflict_do_update(index_elements=keys[:2], set_=told), reports)
            alive = [
                here
                | {"meter_id": n, "gateway_id": n, "complex_id": self.complex_of(n), "boot_id": "boot"}
                | {"mono_ms": int(now.timestamp() * 1000), "received_at": now}
                | {"started_at": now - MINUTE, "ended_at": now}
                for n in living
            ]
            if alive:
                session.execute(upsert(session, MeterAlive).on_conflict_do_nothing(), alive)

    def discharges(self, number: int, hours: dict[datetime, int]) -> None:
        """So many discharges of a meter in each hour."""
        nothing = dict.fromkeys(("weighed_g", "billable_count", "billable_g"), 0)
        nothing |= dict.fromkeys(("suspense_count", "suspense_g", "event_count"), 0)
        place = {"district_id": self.id, "complex_id": self.complex_of(number), "meter_id": number}
        rows = [place | nothing | {"hour": hour, "weighed_count": count} for hour, count in hours.items()]
        with self.database.begin() as session:
            session.execute(sa.insert(MeterHour), rows)

    def check(self, now: datetime) -> Any:
        """One run of the watch."""
        return check_district(self.database, self.id, now)

    def minutes(self, start: datetime, count: int, step: int = 1, **heard: Any) -> datetime:
        """Let `count` minutes pass, the fleet reporting and the watch checking in the first and every `step`-th one.

        The moment after.
        """
        for minute in range(0, count, step):
            self.hear(start + minute * MINUTE, **heard)
            self.check(start + minute * MINUTE)
        return start + count * MINUTE

    def faults(self) -> list[Fault]:
        """All faults by id."""
        with self.database.session() as session:
            return list(session.scalars(sa.select(Fault).where(Fault.district_id == self.id).order_by(Fault.id)))

    def incidents(self) -> list[Incident]:
        """All incidents by id."""
        with self.database.session() as session:
            here = Incident.district_id == self.id
            return list(session.scalars(sa.select(Incident).where(here).order_by(Incident.id)))


def report(number: int, faults: list[str], backlog_s: int) -> str:
    """A status report as it is stored."""
    meter = {"meter": f"M-{number:04}", "gross_g": 1, "fill_percent": 1, "zero_drift_g": 0, "lid": "closed"}
    spool = {"depth": 0, "oldest_age_s": backlog_s}
    return msgspec.json.encode(
        {"clock": "synced", "firmware": "1", "spool": spool, "meters": [meter | {"faults": faults}]}
    ).decode()
