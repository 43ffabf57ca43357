"""One check of a district: what is seen now becomes faults, ends them, joins them in an incident and escalates.

Everything happens in the caller's transaction, by a number of statements that does not grow with the fleet; those who
must be told take a few each. The same check twice at the same instant changes nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.fleet.faults import book, remembering
from app.fleet.faults.answering import Duties, read_duties
from app.fleet.faults.book import Device, New
from app.fleet.faults.escalating import escalate
from app.fleet.faults.handing_over import NETWORK, hand_over
from app.fleet.faults.judging import AT_REST, WELL, Outage, Seen, judge_network, step
from app.fleet.faults.models import Fault, Incident
from app.fleet.faults.notices import Subject, Teller, read_subjects
from app.fleet.faults.policy import REPORTED, SEEN, Policy
from app.fleet.faults.remembering import Key, Known
from app.fleet.faults.rules import read_policy
from app.ids import allocate

SAME = timedelta(days=1)  # what comes back sooner is the same fault; so long holds what a person closed, too
SILENCE = "gateway_silent"
BEFORE = timedelta(hours=1)  # how much earlier than its incident a gateway's silence may have opened to be part of it


class Summary(NamedTuple):
    """What a check did: ids of faults, and of the incident that opened or closed."""

    opened: list[int]
    closed: list[int]
    incident_opened: int | None
    incident_closed: int | None
    escalated: list[int]


def check(
    session: Session,
    district_id: int,
    devices: Mapping[str, Device],
    seen: Mapping[Key, Seen],
    counted_from: datetime,
    now: datetime,
) -> Summary:
    """Judge what was seen of the `devices` that are in use, by their keys; what is not in `seen` is not known."""
    duties = read_duties(session, district_id)
    one = _Check(session, district_id, devices, read_policy(session, district_id), duties, counted_from, now)
    return one.run(seen)


class _Check:
    def __init__(
        self,
        session: Session,
        district_id: int,
        devices: Mapping[str, Device],
        policy: Policy,
        duties: Duties,
        counted_from: datetime,
        now: datetime,
    ) -> None:
        self.session, self.district_id, self.devices = session, district_id, devices
        self.policy, self.duties = policy, duties
        self.counted_from, self.now = counted_from, now
        self.teller = Teller(session, district_id, duties, now)

    def run(self, seen: Mapping[Key, Seen]) -> Summary:
        before = remembering.recall(self.session, self.district_id)
        after = {key: self._judge(key, before.get(key, Known(AT_REST)), seen) for key in {*seen, *before}}
        incident = self._open_incident()
        outage = self._judge_network(incident, after)
        incident_opened = None
        if outage.holds and incident is None:
            incident = self._begin_incident(after)
            incident_opened = incident.id
        ended = {key: known for key, known in before.items() if known.watch.holds and not after[key].watch.holds}
        closed = self._close(ended)
        opened = self._open(before, after, incident)
        incident_closed = None
        if incident is not None and not outage.holds:
            incident_closed = self._end_incident(incident)
        elif incident is not None:
            incident.calm_since = outage.calm_since
        self._release_left_over(after)
        remembering.remember(self.session, self.district_id, before, after)
        hand_over(self.session, self.district_id, self.duties, self.teller, self.now)
        escalated = escalate(self.session, self.district_id, self.policy, self.duties, self.teller, self.now)
        return Summary(opened, closed, incident_opened, incident_closed, escalated)

    def _judge(self, key: Key, known: Known, seen: Mapping[Key, Seen]) -> Known:
        device, condition = key
        here = device in self.devices and (known.fault_id is None or known.complex_id == self._complex_of(key))
        observed = seen.get(key) if here else WELL  # what is no longer in use there is no longer broken there
        if observed is None:
            return known
        wait = self.policy.hysteresis(condition)
        watch = step(known.watch, observed, wait, self.now, self.counted_from)
        return known._replace(watch=watch) if watch.holds else Known(watch)

    def _judge_network(self, incident: Incident | None, after: Mapping[Key, Known]) -> Outage:
        silent = [known.watch for (_, condition), known in after.items() if condition == SILENCE]
        gateways = sum(device.meter_id is None for device in self.devices.values())
        outage = Outage() if incident is None else Outage(True, incident.calm_since)
        return judge_network(outage, silent, gateways, self.policy.network, self.now, self.counted_from)

    def _open_incident(self) -> Incident | None:
        mine = (Incident.district_id == self.district_id, Incident.closed_at.is_(None))
        return self.session.scalar(sa.select(Incident).where(*mine))

    def _begin_incident(self, after: Mapping[Key, Known]) -> Incident:
        """Open an incident, give it the faults that it began with, and tell each who answers for a silent gateway."""
        silent = [key for key, known in after.items() if key[1] == SILENCE and known.watch.bad_since is not None]
        incident = Incident(
            district_id=self.district_id,
            id=allocate(self.session, self.district_id, "incident")[0],
            opened_at=self.now,
            silent=len(silent),
            gateways=sum(device.meter_id is None for device in self.devices.values()),
            owner_id=self.duties.answer(None, NETWORK).owner_id,
            due_at=self.now + self.policy.due("network"),
            escalation_level=0,
        )
        self.session.add(incident)
        self.session.flush()
        self._join(incident)
        self._tell_of_outage(incident, silent)
        return incident

    def _tell_of_outage(self, incident: Incident, silent: Iterable[Key]) -> None:
        complexes = {self.devices[device].complex_id for device, _ in silent}
        owners = {self.duties.answer(complex_id, NETWORK).owner_id for complex_id in complexes}
        self.teller.tell_of_incident("incident_opened", incident, owners | {incident.owner_id}, "opened")

    def _join(self, incident: Incident) -> None:
        """Silences that opened on their own shortly before are part of it; who was not told of them yet will not be."""
        statement = sa.select(Fault.id).where(
            *(Fault.district_id == self.district_id, Fault.condition == SILENCE, Fault.state != "closed"),
            *(Fault.incident_id.is_(None), Fault.opened_at >= incident.opened_at - BEFORE),
        )
        ids = self.session.scalars(statement).all()
        book.put_into_incident(self.session, self.district_id, ids, incident.id, self.now)
        for id_ in ids:
            self.teller.end("fault", id_)

    def _end_incident(self, incident: Incident) -> int:
        incident.closed_at, incident.calm_since = self.now, None
        self.teller.tell_of_incident("incident_closed", incident, self.teller.end("incident", incident.id), "closed")
        return incident.id

    def _open(self, before: Mapping[Key, Known], after: dict[Key, Known], incident: Incident | None) -> list[int]:
        """Open what holds now and did not, the same fault again where it was closed less than a day ago."""
        held = {key for key, known in before.items() if known.watch.holds}
        begun = [key for key, known in after.items() if known.watch.holds and key not in held]
        recent = self._closed_lately(begun) if begun else {}
        again = {recent[key]: key for key in begun if key in recent}
        again |= {known.fault_id: key for key, known in after.items() if known.fault_id and self._held_too_long(known)}
        faults = {self._fault_of_new(key, incident): key for key in sorted(begun) if key not in recent}
        ids = book.open_faults(self.session, self.district_id, list(faults), self.now)
        ids_of = dict(zip(faults.values(), ids, strict=True)) | {key: id_ for id_, key in again.items()}
        for key, id_ in ids_of.items():
            after[key] = after[key]._replace(fault_id=id_)
        self._reopen(again, incident)
        self._tell_opened([id_ for key, id_ in ids_of.items() if incident is None or key[1] != SILENCE])
        if incident is not None and any(key[1] == SILENCE for key in ids_of):
            self._tell_of_outage(incident, [key for key in ids_of if key[1] == SILENCE])
        return sorted(ids_of.values())

    def _fault_of_new(self, key: Key, incident: Incident | None) -> New:
        device, condition = self.devices[key[0]], key[1]
        fault_class = SEEN.get(condition) or condition.removeprefix(REPORTED)
        return New(
            device,
            condition,
            fault_class,
            self.duties.answer(device.complex_id, fault_class).owner_id,
            self.now + self.policy.due(fault_class),
            incident_id=incident.id if incident is not None and condition == SILENCE else None,
        )

    def _reopen(self, again: Mapping[int, Key], incident: Incident | None) -> None:
        due_at = {id_: self.now + self.policy.due(self._class_of(key)) for id_, key in again.items()}
        book.reopen_faults(self.session, self.district_id, due_at, self.now)
        if incident is not None:
            ids = [id_ for id_, key in again.items() if key[1] == SILENCE]
            book.put_into_incident(self.session, self.district_id, ids, incident.id, self.now)

    def _complex_of(self, key: Key) -> int | None:
        return self.devices[key[0]].complex_id

    def _class_of(self, key: Key) -> str:
        return SEEN.get(key[1]) or key[1].removeprefix(REPORTED)

    def _held_too_long(self, known: Known) -> bool:
        """A person closed it, and a day later it has still not recovered."""
        bad = known.watch.holds and known.watch.bad_since is not None
        return bad and known.closed_at is not None and self.now - known.closed_at >= SAME

    def _closed_lately(self, begun: Iterable[Key]) -> dict[Key, int]:
        """The faults that ended less than a day ago of what has begun anew at the same complex."""
        statement = sa.select(Fault.id, Fault.gateway_id, Fault.meter_id, Fault.complex_id, Fault.condition).where(
            *(Fault.district_id == self.district_id, Fault.closed_at > self.now - SAME, Fault.source == "detected")
        )
        found = {
            ((Device(gateway_id, meter_id, None, "").key, condition), complex_id): id_
            for id_, gateway_id, meter_id, complex_id, condition in self.session.execute(
                statement.order_by(Fault.closed_at)
            )
        }
        return {key: found[key, place] for key in begun for place in [self._complex_of(key)] if (key, place) in found}

    def _close(self, ended: Mapping[Key, Known]) -> list[int]:
        """Close what has recovered, and tell whoever was told of it; of an incident's faults its own end tells."""
        ids = sorted(known.fault_id for known in ended.values() if known.fault_id and known.state != "closed")
        if not ids:
            return []
        book.close_faults(self.session, self.district_id, ids, self.now)
        for id_, subject in self._subjects(ids, alone=True).items():
            self.teller.tell("fault_closed", subject, self.teller.end("fault", id_), "closed")
        return ids

    def _release_left_over(self, after: Mapping[Key, Known]) -> None:
        """What is still bad when its incident is over becomes a fault of its own, and its owner hears of it."""
        same = sa.and_(Incident.district_id == Fault.district_id, Incident.id == Fault.incident_id)
        statement = (
            sa.select(Fault.id, Incident.id)
            .join(Incident, same)
            .where(Fault.district_id == self.district_id, Fault.state != "closed", Incident.closed_at.is_not(None))
        )
        bad = {known.fault_id for known in after.values() if known.watch.bad_since is not None}
        left = {id_: incident_id for id_, incident_id in self.session.execute(statement) if id_ in bad}
        due_at = self.now + self.policy.due(NETWORK)
        for incident_id in sorted(set(left.values())):
            ids = [id_ for id_, each in left.items() if each == incident_id]
            book.take_out_of_incident(self.session, self.district_id, ids, incident_id, due_at, self.now)
            self._tell_opened(ids, f"left/{incident_id}")

    def _tell_opened(self, ids: list[int], once: str = "opened") -> None:
        for subject in self._subjects(ids).values():
            self.teller.tell("fault_opened", subject, [subject.owner_id], once)

    def _subjects(self, ids: list[int], alone: bool = False) -> dict[int, Subject]:
        return {} if not ids else read_subjects(self.session, self.district_id, Fault.id.in_(ids), alone)
