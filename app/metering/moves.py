"""The ledger follows back-dated moves: what was weighed with a card belongs to whoever held it at that moment.

A discharge keeps the household that it was booked for. Where the registry learns later that the card was somebody
else's, a correction `re_attribute` is written, whose reason begins with `PREFIX`: by that alone it is known as one of
ours. What a person re-attributed (any other reason) is never touched again; voids and weights that people gave stay.
Afterwards the ledger reads as if every move had been entered in time.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.metering import rollups
from app.metering.corrections import Number, State, effect
from app.metering.cursors import hold_gateway
from app.metering.models import Discharge, DischargeCorrection
from app.metering.records import BILLED
from app.metering.rollups import Deltas
from app.registry.card_changes import Moved
from app.registry.models import Card, CardAssignment, Household, Tenancy
from app.registry.queries import Holding, card_holdings
from billing.days import month_of, service_day

PREFIX = "move: "
AT_ONCE = 1000
CARDS = 5000  # a statement takes some 30,000 values
LONGEST_DOUBT = timedelta(days=31)  # beyond it the bounds of a doubtful time lie in two months, and staff decide anyway


class Found(NamedTuple):
    """A discharge with how it reads now, whether a person gave it its weight, and who held its card."""

    discharge: Discharge
    state: State
    re_weighed: bool
    household_id: int | None
    tenancy_id: int | None


def follow(session: Session, district_id: int, moved: Moved, actor: str, reason: str, now: datetime) -> int:
    """Let the ledger follow what a use case of the registry changed; how many discharges were re-attributed."""
    if moved.since >= now or not moved.card_ids:
        return 0
    return reattribute(session, district_id, moved, actor, reason, now)


def reattribute(session: Session, district_id: int, moved: Moved, actor: str, reason: str, now: datetime) -> int:
    """Correct every discharge of the cards from then on that reads as another's than its holder's at its moment.

    The caller holds the registry (`changing`), so that ingest waits; staff who
    correct discharges of the same gateways do. Returns how many corrections were written.
    """
    connection, cards = session.connection(), sorted(moved.card_ids)
    some = [moved._replace(card_ids=frozenset(cards[at : at + CARDS])) for at in range(0, len(cards), CARDS)]
    parts = [_suspects(district_id, each) for each in some]
    gateways = {id_ for part in parts for id_ in session.scalars(_gateways(part))}
    for gateway_id in sorted(gateways):  # in one order for all
        hold_gateway(connection, district_id, gateway_id)
    deltas, count = Deltas(), 0
    written = {"reason": PREFIX + reason, "actor": actor, "booked_at": now}
    for found in (batch for part in parts for batch in _batches(session, part)):
        corrections = [(each, after) for each in found if (after := _after(connection, each)) is not None]
        for each, after in corrections:
            deltas.add(effect(each.discharge, each.state), -1)
            deltas.add(effect(each.discharge, after))
        if corrections:
            rows = [_row(each.discharge, after) | written for each, after in corrections]
            session.execute(sa.insert(DischargeCorrection), rows)
        count += len(corrections)
    rollups.add(connection, deltas)
    return count


def _gateways(suspects: sa.Select[Any]) -> sa.Select[int]:
    return suspects.with_only_columns(Discharge.gateway_id).distinct().order_by(None)


def _suspects(district_id: int, moved: Moved) -> sa.Select[Any]:
    """Discharges of the cards whose reading may be wrong: the tenancy differs, or the time is in doubt."""
    cards, since = sorted(moved.card_ids), moved.since
    d, card, last, a, t = Discharge, Card, _last_correction(), CardAssignment, Tenancy
    reads_as = sa.case((last.revision.is_(None), d.tenancy_id), else_=last.tenancy_id)
    held = sa.and_(a.district_id == card.district_id, a.card_id == card.id, *_covers(a, d.occurred_at))
    lived = sa.and_(t.district_id == a.district_id, t.id == a.tenancy_id, *_covers(t, d.occurred_at))
    corrected = _corrections_of_it()
    by_hand = corrected.where(_KIND == "re_attribute", _REASON.not_like(f"{PREFIX}%")).exists()
    differs = sa.and_(d.occurred_at >= since, reads_as.is_distinct_from(t.id))
    return (
        sa.select(d, last, corrected.where(_KIND == "re_weigh").exists(), t.household_id, t.id)
        .join(card, sa.and_(card.district_id == d.district_id, card.card_hash == d.card_hash))
        .outerjoin(last, sa.and_(*_same(last, d), last.revision == _highest_revision()))
        .outerjoin(a, held)
        .outerjoin(t, lived)
        .where(d.district_id == district_id, card.id.in_(cards), d.occurred_at >= since - LONGEST_DOUBT)
        # Nobody's, or of a household that ever held the card: what the index by household and time finds.
        .where(sa.or_(d.household_id.is_(None), d.household_id.in_(_holders(district_id, moved))))
        .where(sa.or_(differs, d.earliest_at.is_not(None)), ~by_hand)
        .order_by(d.gateway_id, d.epoch_no, d.seq)
    )


_earlier = aliased(DischargeCorrection)
_KIND, _REASON = _earlier.kind, _earlier.reason


def _last_correction() -> Any:
    return aliased(DischargeCorrection)


def _corrections_of_it() -> sa.Select[Any]:
    return sa.select(_earlier.revision).where(*_same(_earlier, Discharge)).correlate(Discharge)


def _highest_revision() -> Any:
    highest = aliased(DischargeCorrection)
    found = sa.select(sa.func.max(highest.revision)).where(*_same(highest, Discharge))
    return found.correlate(Discharge).scalar_subquery()


def _same(correction: Any, discharge: Any) -> list[sa.ColumnElement[bool]]:
    names = ("district_id", "gateway_id", "epoch_no", "seq")
    return [getattr(correction, name) == getattr(discharge, name) for name in names]


def _holders(district_id: int, moved: Moved) -> sa.SelectBase:
    """The households that held one of the cards at any time, also of which the registry tells no more."""
    a, t = CardAssignment, Tenancy
    same = sa.and_(t.district_id == a.district_id, t.id == a.tenancy_id)
    held = sa.select(t.household_id).join(a, same).where(a.district_id == district_id, a.card_id.in_(moved.card_ids))
    ids: Any = sa.bindparam("ids", sorted(moved.household_ids), expanding=True, literal_execute=True)  # many, perhaps
    formerly = sa.select(Household.id).where(Household.district_id == district_id, Household.id.in_(ids))
    return sa.union_all(held.correlate(), formerly.correlate()) if moved.household_ids else held.correlate()


def _covers(dated: Any, at: Any) -> list[sa.ColumnElement[bool]]:
    return [dated.valid_from <= at, sa.or_(dated.valid_to.is_(None), dated.valid_to > at)]


def _batches(session: Session, suspects: sa.Select[Any]) -> Iterator[list[Found]]:
    rows = session.execute(suspects.execution_options(yield_per=AT_ONCE))
    for batch in rows.partitions(AT_ONCE):
        yield [_found(*row) for row in batch]


def _found(
    discharge: Discharge,
    last: DischargeCorrection | None,
    re_weighed: bool,
    household_id: int | None,
    tenancy_id: int | None,
) -> Found:
    state = State.booked(discharge) if last is None else State(*(getattr(last, name) for name in State._fields))
    return Found(discharge, state, bool(re_weighed), household_id, tenancy_id)


def _after(connection: sa.Connection, found: Found) -> State | None:
    """How the discharge reads as its card's holder's; None where that is how it reads."""
    state = found.state
    after = state._replace(
        revision=state.revision + 1,
        household_id=found.household_id,
        tenancy_id=found.tenancy_id,
        billable=found.household_id is not None and not state.voided and _bills(connection, found),
    )
    return None if after[1:] == state[1:] else after


def _bills(connection: sa.Connection, found: Found) -> bool:
    """As ingest would have decided; a weight that a person gave bills whatever the record was."""
    return found.re_weighed or (found.state.outcome in BILLED and _time_bills(connection, found.discharge))


def _time_bills(connection: sa.Connection, discharge: Discharge) -> bool:
    """As `ingest.time_is_billable`: both bounds of a doubtful time fall in one month and one tenancy."""
    earliest, latest = discharge.earliest_at, discharge.latest_at
    if earliest is None or latest is None or discharge.card_hash is None:
        return True
    if month_of(service_day(earliest)) != month_of(service_day(latest)):
        return False
    holdings = card_holdings(connection, discharge.district_id, [discharge.card_hash]).get(discharge.card_hash, [])
    return _holder(holdings, earliest) == _holder(holdings, latest)


def _holder(holdings: list[Holding], at: datetime) -> Holding | None:
    return next((each for each in holdings if each.start <= at and (each.end is None or at < each.end)), None)


def _row(discharge: Discharge, state: State) -> dict[str, Any]:
    number = Number(discharge.gateway_id, discharge.epoch_no, discharge.seq)._asdict()
    key = {"district_id": discharge.district_id, "service_day": discharge.service_day, "kind": "re_attribute"}
    return key | number | state._asdict()
