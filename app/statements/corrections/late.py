"""Usage that no statement bills: why it waits, how much it is, and what staff decide about it. Nothing here commits.

`old`: it became known later than the late limit allows. `voided`: its statement was voided without reissue. About these
staff decide, tenancy by tenancy. The others resolve themselves once the cause is mended: `held` suspense when it is
given to households, `doubtful` discharges (weighed, household known, not billable) when they are corrected,
`no_tariff` when a tariff is entered for these days, `not_closed` when the month that was left out is closed.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.access.reach import Reach
from app.ids import allocate
from app.problems import Problem
from app.registry.models import Building, Complex, Household
from app.statements.corrections import subjects, waiting
from app.statements.corrections.manual import MOST_WORDS
from app.statements.corrections.waiting import Key, Waiting
from app.statements.locking import lock
from app.statements.models import LateDecision
from app.statements.previewing import SETTLED

CAUSES = ("old", "voided", "held", "doubtful", "no_tariff", "not_closed")
DECIDED = ("old", "voided")  # the causes about which staff decide
DECISIONS = ("bill", "write_off")
Row = dict[str, Any]


def queue(
    session: Session,
    district_id: int,
    reach: Reach,
    now: datetime,
    cause: str = "old",
    code: str = "",
    after: Key | None = None,
    limit: int = 100,
) -> list[Row]:
    """What waits for one cause, by month, complex and household; of the complex with that code, if one is given.

    Each: key, cause, month, complex, complex_name, household_id, building, unit and tenancy_id (None for a complex's
    month), grams, count, won (None where nothing says yet what it costs) and decision (`bill`: the next run takes it).
    """
    ids = _complexes(session, district_id, reach, code)
    if cause == "doubtful":
        found = waiting.doubtful(session, district_id, ids, after, limit)
    else:
        found = [each for each in _waiting(session, district_id, ids, cause, now) if after is None or each.key > after]
    return _rows(session, district_id, sorted(found, key=lambda each: each.key)[:limit])


def sums(session: Session, district_id: int, reach: Reach, now: datetime, code: str = "") -> list[Row]:
    """How much waits for each cause: cause, rows, grams, count, and won of those of which it is known."""
    ids = _complexes(session, district_id, reach, code)
    found = {cause: [0, 0, 0, 0] for cause in CAUSES}
    known = [*waiting.of_tenancies(session, district_id, ids, now - SETTLED), *waiting.held(session, district_id, ids)]
    for each in [*known, *waiting.of_open_months(session, district_id, ids, now)]:
        for at, amount in enumerate((1, each.grams, each.discharges, each.won or 0)):
            found[each.cause][at] += amount
    found["doubtful"] = [*waiting.doubtful_sums(session, district_id, ids), 0]
    return [
        dict(zip(("cause", "rows", "grams", "count", "won"), (name, *of), strict=True)) for name, of in found.items()
    ]


def decide(
    session: Session,
    district_id: int,
    reach: Reach,
    tenancy_id: int,
    usage_month: date,
    decision: str,
    reason: str,
    actor: str,
    now: datetime,
) -> int:
    """Let the next run bill what waits of a tenancy's month, or write it off as it stands now; the decision's id.

    Raises `not-found`, `invalid`, `nothing-waits`, and `already-decided` where the next run takes it anyway.
    """
    reason = _checked(decision, reason)
    home = subjects.tenant(session, district_id, reach, tenancy_id)
    lock(session, district_id, home.complex_id)
    key = Key(usage_month, home.complex_id, home.household_id, home.tenancy_id)
    found = waiting.of_tenancies(session, district_id, [home.complex_id], now - SETTLED, (home.complex_id, usage_month))
    usage = next((each for each in found if each.key == key), None)
    if usage is None:
        raise Problem("nothing-waits")
    if usage.decision:
        raise Problem("already-decided")
    id_ = allocate(session, district_id, "late_decision")[0]
    row = {"household_id": home.household_id, "tenancy_id": home.tenancy_id, "usage_month": usage_month}
    said = {"decision": decision, "grams": usage.grams, "count": usage.discharges, "won": usage.won}
    who = {"reason": reason, "actor": actor, "decided_at": now}
    session.execute(sa.insert(LateDecision).values({"district_id": district_id, "id": id_} | row | said | who))
    entry = subjects.entry("late_usage.decided", "late_usage", id_, home, said | {"usage_month": usage_month}, reason)
    audit.book(session, district_id, entry, actor, now)
    return id_


def _checked(decision: str, reason: str) -> str:
    errors: dict[str, Any] = {}
    reason = reason.strip()
    if decision not in DECISIONS:
        errors["decision"] = _l("Choose one: %(choices)s", choices=", ".join(DECISIONS))
    if not reason or len(reason) > MOST_WORDS:
        errors["reason"] = _l("Write 1 to %(most)s characters.", most=MOST_WORDS)
    if errors:
        raise Problem("invalid", errors=errors)
    return reason


def _complexes(session: Session, district_id: int, reach: Reach, code: str) -> list[int]:
    named = Complex.code == code if code else sa.true()
    asked = sa.select(Complex.id).where(Complex.district_id == district_id, reach.within(Complex.id), named)
    return list(session.scalars(asked.order_by(Complex.id)))


def _waiting(session: Session, district_id: int, ids: Sequence[int], cause: str, now: datetime) -> list[Waiting]:
    if cause == "held":
        return waiting.held(session, district_id, ids)
    if cause in ("no_tariff", "not_closed"):
        found = waiting.of_open_months(session, district_id, ids, now)
    else:
        found = waiting.of_tenancies(session, district_id, ids, now - SETTLED)
    return [each for each in found if each.cause == cause]


def _rows(session: Session, district_id: int, found: Sequence[Waiting]) -> list[Row]:
    complexes = _names(session, district_id, {each.key.complex_id for each in found})
    homes = _homes(session, district_id, {each.key.household_id for each in found if each.key.household_id})
    return [_row(each, complexes, homes) for each in found]


def _row(each: Waiting, complexes: Mapping[int, Any], homes: Mapping[int, Any]) -> Row:
    key = each.key
    code, name = complexes[key.complex_id]
    building, unit = homes.get(key.household_id, (None, None))
    return {
        **{"key": str(key), "cause": each.cause, "month": key.month, "complex": code, "complex_name": name},
        **{"household_id": key.household_id or None, "building": building, "unit": unit},
        **{"tenancy_id": key.tenancy_id or None, "grams": each.grams, "count": each.discharges},
        **{"won": each.won, "decision": each.decision},
    }


def _names(session: Session, district_id: int, ids: Collection[int]) -> dict[int, Any]:
    asked = sa.select(Complex.id, Complex.code, Complex.name)
    rows = session.execute(asked.where(Complex.district_id == district_id, Complex.id.in_(sorted(ids))))
    return {id_: names for id_, *names in rows}


def _homes(session: Session, district_id: int, ids: Collection[int]) -> dict[int, Any]:
    of = sa.and_(Building.district_id == Household.district_id, Building.id == Household.building_id)
    asked = sa.select(Household.id, Building.name, Household.unit).join(Building, of)
    rows = session.execute(asked.where(Household.district_id == district_id, Household.id.in_(sorted(ids))))
    return {id_: names for id_, *names in rows}
