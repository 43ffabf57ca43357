"""Corrections: void, re-weigh and re-attribute, each a new row that says how the discharge reads from now on."""

import re
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import audit
from app.metering import rollups
from app.metering.cursors import hold_gateway
from app.metering.models import Discharge, DischargeCorrection
from app.metering.records import MAX_NET_G, WEIGHED
from app.metering.rollups import Deltas, Effect
from app.problems import Problem
from app.registry import queries as registry

NAME = re.compile(r"(\d{1,9})-(\d{1,9})-(\d{1,16})")
ACTIONS = {"void": "discharge.voided", "re_weigh": "discharge.re_weighed", "re_attribute": "discharge.re_attributed"}


class Number(NamedTuple):
    """What names a discharge for ever within its district: gateway, epoch and number in it."""

    gateway_id: int
    epoch_no: int
    seq: int

    @classmethod
    def parse(cls, name: str) -> "Number":
        """Read `gateway-epoch-seq`; raises the Problem `not-found` for anything else."""
        found = NAME.fullmatch(name)
        if found is None:
            raise Problem("not-found")
        return cls(*map(int, found.groups()))

    def __str__(self) -> str:
        return f"{self.gateway_id}-{self.epoch_no}-{self.seq}"


class State(NamedTuple):
    """How a discharge reads after `revision` corrections."""

    revision: int
    outcome: str
    net_g: int | None
    household_id: int | None
    tenancy_id: int | None
    billable: bool
    voided: bool

    @classmethod
    def booked(cls, discharge: Discharge) -> "State":
        """The state as first booked."""
        return cls(
            0,
            discharge.outcome,
            discharge.net_g,
            discharge.household_id,
            discharge.tenancy_id,
            discharge.billable,
            voided=False,
        )


class Correction(NamedTuple):
    """What staff want: `kind` with its value (grams, or the household), why, and who."""

    kind: str
    reason: str
    actor: str
    net_g: int | None = None
    household_id: int | None = None


class Corrected(NamedTuple):
    """A discharge, and how it read before and after a correction."""

    discharge: Discharge
    before: State
    after: State


def correct(session: Session, district_id: int, number: Number, wanted: Correction, now: datetime) -> State:
    """Write the correction and its effect on the rollups, and book it in the audit log; the new state.

    Raises Problems: `not-found`; `invalid` for a value that cannot be; `nothing-changes`.
    """
    corrected = rewrite(session, district_id, number, wanted, now)
    before, after = (state._asdict() for state in corrected[1:])
    changed = [name for name in State._fields[1:] if before[name] != after[name]]
    entry = audit.Entry(
        ACTIONS[wanted.kind],
        "discharge",
        str(number),
        str(number),
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
        reason=wanted.reason,
        complex_id=corrected.discharge.complex_id,
    )
    audit.book(session, district_id, entry, wanted.actor, now)
    return corrected.after


def rewrite(session: Session, district_id: int, number: Number, wanted: Correction, now: datetime) -> Corrected:
    """As `correct`, for callers that book many corrections as one entry of the audit log."""
    connection = session.connection()
    hold_gateway(connection, district_id, number.gateway_id)
    discharge = session.scalar(sa.select(Discharge).where(*same_number(Discharge, district_id, number)))
    if discharge is None:
        raise Problem("not-found")
    before = current_state(session, discharge)
    after = _changed(session, discharge, before, wanted)
    if after[1:] == before[1:]:
        raise Problem("nothing-changes")
    session.add(_row(discharge, after, wanted, now))
    deltas = Deltas()
    deltas.add(effect(discharge, before), -1)
    deltas.add(effect(discharge, after))
    session.flush()
    rollups.add(connection, deltas)
    return Corrected(discharge, before, after)


def current_state(session: Session, discharge: Discharge) -> State:
    """How a discharge reads today."""
    number = Number(discharge.gateway_id, discharge.epoch_no, discharge.seq)
    last = session.scalar(
        sa.select(DischargeCorrection)
        .where(*same_number(DischargeCorrection, discharge.district_id, number))
        .order_by(DischargeCorrection.revision.desc())
        .limit(1)
    )
    if last is not None:
        return State(
            last.revision, last.outcome, last.net_g, last.household_id, last.tenancy_id, last.billable, last.voided
        )
    return State.booked(discharge)


def _changed(session: Session, discharge: Discharge, before: State, wanted: Correction) -> State:
    revised = before._replace(revision=before.revision + 1)
    if wanted.kind == "void":
        return revised._replace(voided=True, billable=False)
    if wanted.kind == "re_weigh":
        return _re_weighed(revised, wanted.net_g)
    return _re_attributed(session, discharge, revised, wanted.household_id)


def _re_weighed(state: State, net_g: int | None) -> State:
    if net_g is None or not 0 <= net_g <= MAX_NET_G:
        raise Problem("invalid", errors={"net_g": f"0 … {MAX_NET_G} g"})
    return state._replace(outcome="settled", net_g=net_g, billable=state.household_id is not None, voided=False)


def _re_attributed(session: Session, discharge: Discharge, state: State, household_id: int | None) -> State:
    if household_id is None:
        return state._replace(household_id=None, tenancy_id=None, billable=False)
    tenancy_id = registry.tenancy_at(session, discharge.district_id, household_id, discharge.occurred_at)
    if tenancy_id is None:
        raise Problem("invalid", errors={"household_id": f"{household_id}: no tenancy at {discharge.occurred_at}"})
    weighed = state.outcome in WEIGHED and state.net_g is not None and not state.voided
    return state._replace(household_id=household_id, tenancy_id=tenancy_id, billable=weighed)


def _row(discharge: Discharge, state: State, wanted: Correction, now: datetime) -> DischargeCorrection:
    return DischargeCorrection(
        district_id=discharge.district_id,
        gateway_id=discharge.gateway_id,
        epoch_no=discharge.epoch_no,
        seq=discharge.seq,
        service_day=discharge.service_day,
        kind=wanted.kind,
        reason=wanted.reason,
        actor=wanted.actor,
        booked_at=now,
        **state._asdict(),
    )


def effect(discharge: Discharge, state: State) -> Effect:
    """What the discharge adds to the rollups while it reads like this."""
    return Effect(
        discharge.district_id,
        discharge.meter_id,
        discharge.complex_id,
        state.household_id,
        state.tenancy_id,
        discharge.occurred_at,
        discharge.service_day,
        state.outcome,
        state.net_g,
        state.billable,
        state.voided,
    )


def same_number(
    model: type[Discharge] | type[DischargeCorrection], district_id: int, number: Number
) -> list[sa.ColumnElement[bool]]:
    """What picks one discharge, or its corrections."""
    return [
        model.district_id == district_id,
        model.gateway_id == number.gateway_id,
        model.epoch_no == number.epoch_no,
        model.seq == number.seq,
    ]
