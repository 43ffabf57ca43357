"""Tariffs as they are stored: by their first day, each in force until the next begins. Nothing here commits.

A row is never changed. One that takes the place of another has the same first day and a higher revision; one that is
withdrawn has a last revision that says so. What began in or before a closed month stays for ever.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.ids import allocate
from app.problems import Problem
from app.statements.models import SCHEMES
from app.statements.terms import classes, closed
from app.statements.terms.models import Tariff as TariffRow
from app.statements.terms.words import conditions, prices
from billing.checking import OPTIONS
from billing.tariffs import Schedule, Tariff
from billing.units import plain

MOST_WORDS = 300
Row = dict[str, Any]


class Wanted(NamedTuple):
    """A tariff to be added; `reference` names the ordinance or decision, the tariff's own id counts for nothing.

    `replaces` is the id of the tariff of the same first day whose place it takes; None: no tariff begins on that day.
    """

    scheme: str
    payer_class: str
    tariff: Tariff
    reference: str
    replaces: int | None = None


def schedules(session: Session, district_id: int, scheme: str) -> dict[str, Schedule]:
    """By payer class the tariffs in force, one for each day from the first one's first day on."""
    found: dict[str, list[Tariff]] = {}
    for row in _newest(session, district_id, TariffRow.scheme == scheme):
        if not row.withdrawn:
            found.setdefault(row.payer_class, []).append(_read(row))
    return {payer_class: Schedule(tariffs) for payer_class, tariffs in found.items()}


def by_id(session: Session, district_id: int, ids: Iterable[int]) -> dict[int, Tariff]:
    """Tariffs by which lines were billed, those included that were replaced since."""
    asked = sa.select(TariffRow).where(TariffRow.district_id == district_id, TariffRow.id.in_(list(ids)))
    return {row.id: _read(row) for row in session.scalars(asked)}


def listed(session: Session, district_id: int, scheme: str | None = None) -> list[Row]:
    """Tariffs in force by scheme, class and first day: `until` is their last day (None: goes on), `open` whether they
    may still be replaced or withdrawn."""
    wanted = SCHEMES if scheme is None else (scheme,)
    newest = [row for row in _newest(session, district_id, TariffRow.scheme.in_(wanted)) if not row.withdrawn]
    earliest = {name: closed.first_open_of_scheme(session, district_id, name) for name in wanted}
    found: list[Row] = []
    for row in sorted(
        newest, key=lambda row: (SCHEMES.index(row.scheme), *classes.order(row.payer_class), row.first_day)
    ):
        if found and (found[-1]["scheme"], found[-1]["payer_class"]) == (row.scheme, row.payer_class):
            found[-1]["until"] = row.first_day - timedelta(days=1)
        found.append(_told(row) | {"until": None, "open": row.first_day >= earliest[row.scheme]})
    return found


def history(session: Session, district_id: int, scheme: str | None = None) -> list[Row]:
    """All revisions, the newest first: what was replaced or withdrawn, too."""
    of_scheme = sa.true() if scheme is None else TariffRow.scheme == scheme
    asked = sa.select(TariffRow).where(TariffRow.district_id == district_id, of_scheme)
    return [_told(row) for row in session.scalars(asked.order_by(TariffRow.id.desc()))]


def one(session: Session, district_id: int, tariff_id: int) -> Row:
    """A tariff by its id; raises the Problem `not-found`."""
    row = session.get(TariffRow, (district_id, tariff_id))
    if row is None:
        raise Problem("not-found")
    return _told(row)


def add(session: Session, district_id: int, wanted: Wanted, actor: str, now: datetime) -> int:
    """Add a tariff, or put it in the place of another; its id.

    Raises `invalid`, `month-closed` (with the earliest day possible), `nothing-changes`, and `tariff-exists` where
    another one begins on that day that it does not say it replaces: somebody was faster.
    """
    reference = _checked(wanted)
    (id_,) = allocate(session, district_id, "tariff")  # whoever adds another one waits here, and then sees this one
    first_day = wanted.tariff.first_day
    closed.hold(session, district_id)
    closed.check(first_day, closed.first_open_of_scheme(session, district_id, wanted.scheme), "first_day")
    classes.ensure(session, district_id, wanted.payer_class)
    last = _last(session, district_id, wanted.scheme, wanted.payer_class, first_day)
    before = None if last is None or last.withdrawn else last
    _check_place(before, wanted)
    row = _row(district_id, id_, wanted, reference, 1 + (last.revision if last else 0), actor, now)
    session.add(row)
    session.flush()
    _book(session, row, "tariff.replaced" if before else "tariff.added", before, row)
    return id_


def withdraw(session: Session, district_id: int, tariff_id: int, reason: str, actor: str, now: datetime) -> None:
    """Take a tariff out again, so that the one before it goes on. Raises `not-found`, `month-closed`, `tariff-exists`
    where it was replaced meanwhile."""
    (id_,) = allocate(session, district_id, "tariff")
    row = session.get(TariffRow, (district_id, tariff_id))
    if row is None:
        raise Problem("not-found")
    closed.hold(session, district_id)
    closed.check(row.first_day, closed.first_open_of_scheme(session, district_id, row.scheme), "first_day")
    last = _last(session, district_id, row.scheme, row.payer_class, row.first_day)
    if last is None or last.id != tariff_id or last.withdrawn:
        raise Problem("tariff-exists", tariff=last.id if last else None)
    wanted = Wanted(row.scheme, row.payer_class, _read(row), reason)
    taken = _row(district_id, id_, wanted, _reason(reason, "reason"), row.revision + 1, actor, now)
    taken.withdrawn = True
    session.add(taken)
    session.flush()
    _book(session, taken, "tariff.withdrawn", row, None, taken.reference)


def _checked(wanted: Wanted) -> str:
    if wanted.scheme not in SCHEMES:
        raise Problem("invalid", errors={"scheme": _l("Choose one: %(choices)s", choices=", ".join(SCHEMES))})
    if wanted.tariff.first_day < closed.EVER:
        raise Problem("invalid", errors={"first_day": _l("Write a day from %(day)s on.", day=closed.EVER.isoformat())})
    return _reason(wanted.reference, "reference")


def _check_place(before: TariffRow | None, wanted: Wanted) -> None:
    if (before.id if before else None) != wanted.replaces:
        told = _l("A tariff begins on that day already: look at it, then change it or choose another day.")
        raise Problem("tariff-exists", tariff=before.id if before else None, errors={"first_day": told})
    if before and _read(before).as_json() == wanted.tariff.as_json() and before.reference == wanted.reference.strip():
        raise Problem("nothing-changes")


def _reason(text: str, field: str) -> str:
    text = text.strip()
    if not text or len(text) > MOST_WORDS:
        raise Problem("invalid", errors={field: _l("Write 1 to %(most)s characters.", most=MOST_WORDS)})
    return text


def _row(
    district_id: int, id_: int, wanted: Wanted, reference: str, revision: int, actor: str, now: datetime
) -> TariffRow:
    return TariffRow(
        **{"district_id": district_id, "id": id_, "scheme": wanted.scheme, "payer_class": wanted.payer_class},
        **{"first_day": wanted.tariff.first_day, "revision": revision, "withdrawn": False},
        **{"terms": wanted.tariff.as_json(), "reference": reference, "actor": actor, "made_at": now},
    )


def _newest(session: Session, district_id: int, *where: sa.ColumnElement[bool]) -> list[TariffRow]:
    """Of each scheme, class and first day the last revision, withdrawn ones too."""
    asked = sa.select(TariffRow).where(TariffRow.district_id == district_id, *where).order_by(TariffRow.revision)
    newest = {(row.scheme, row.payer_class, row.first_day): row for row in session.scalars(asked)}
    return list(newest.values())


def _last(session: Session, district_id: int, scheme: str, payer_class: str, first_day: date) -> TariffRow | None:
    same = (TariffRow.scheme == scheme, TariffRow.payer_class == payer_class, TariffRow.first_day == first_day)
    asked = sa.select(TariffRow).where(TariffRow.district_id == district_id, *same)
    return session.scalar(asked.order_by(TariffRow.revision.desc()).limit(1))


def _read(row: TariffRow) -> Tariff:
    return Tariff.from_json(row.id, row.first_day, row.terms)


def _told(row: TariffRow) -> Row:
    tariff = _read(row)
    names = ("id", "scheme", "payer_class", "first_day", "revision", "withdrawn", "reference", "actor", "made_at")
    found = {name: getattr(row, name) for name in names}
    return found | {"tariff": tariff, "prices": prices(tariff), "conditions": conditions(tariff)}


def _book(
    session: Session,
    row: TariffRow,
    action: str,
    before: TariffRow | None,
    after: TariffRow | None,
    reason: str | None = None,
) -> None:
    subject = f"#{row.id} {row.first_day} {row.scheme}/{row.payer_class}"
    old, new = (None if each is None else _fields(each) for each in (before, after))
    entry = audit.Entry(action, "tariff", row.id, subject, old, new, reason)
    audit.book(session, row.district_id, entry, row.actor, row.made_at)


def _fields(row: TariffRow) -> Row:
    """The terms as the audit log tells them; what is as usual is left out."""
    tariff = _read(row)
    told: Row = {"won_per_kg": ", ".join(f"{plain(won)} (≥ {from_g:,} g)" for from_g, won in tariff.tiers)}
    usual = Tariff(0, row.first_day, tariff.tiers)
    for name in (*OPTIONS, "relief_percent"):
        if getattr(tariff, name) != getattr(usual, name):
            told[name] = str(getattr(tariff, name))
    return told | {"reference": row.reference}
