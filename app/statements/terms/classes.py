"""Payer classes, and which tenancy belongs to which from which month on. Nothing here commits.

That somebody belongs to one, as to the basic-livelihood households, is sensitive: the audit log tells that a class
changed, but not from which to which, and reads mask it unless told that the reader may see it.
"""

import re
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.access.accounts import Identity
from app.access.reach import WHOLE, Reach
from app.db import upsert
from app.problems import Problem
from app.registry.models import Building, Complex, Household, Tenancy
from app.registry.places import home_of
from app.statements.terms import closed
from app.statements.terms.models import PayerClass, TenancyClass
from app.statements.terms.words import OFFERED
from billing.statements import GENERAL

CODE = re.compile(r"[a-z][a-z0-9_]{1,39}")
MOST_NAME, MOST_WORDS = 40, 300
Row = dict[str, Any]


def order(code: str) -> tuple[int, str]:
    """Where a class stands in a list: `general` first, then those usually offered, then the others by code."""
    offered = list(OFFERED)
    return (offered.index(code) if code in offered else len(offered), code)


def listed(session: Session, district_id: int) -> list[Row]:
    """Classes that there are, and those offered that nobody used yet: code, name_ko, name_en, used."""
    asked = sa.select(PayerClass).where(PayerClass.district_id == district_id)
    made = {row.code: (row.name_ko, row.name_en) for row in session.scalars(asked)}
    names: dict[str, tuple[str, str]] = {**OFFERED, **made}
    return [
        {"code": code, "name_ko": names[code][0], "name_en": names[code][1], "used": code in made}
        for code in sorted(names, key=order)
    ]


def ensure(session: Session, district_id: int, code: str) -> None:
    """Make a class that is offered, the first time that it is used; raise `invalid` for one that nobody knows."""
    if session.get(PayerClass, (district_id, code)) is not None:
        return
    if code not in OFFERED:
        raise Problem("invalid", errors={"payer_class": _l("There is no such class: %(code)s", code=code[:40])})
    row = {"district_id": district_id, "code": code, "name_ko": OFFERED[code].ko, "name_en": OFFERED[code].en}
    session.execute(upsert(session, PayerClass).values(row).on_conflict_do_nothing())


def add(session: Session, district_id: int, code: str, name_ko: str, name_en: str, actor: str, now: datetime) -> None:
    """A class of the district's own. Raises `invalid` and `code-taken`."""
    names = {"name_ko": name_ko.strip(), "name_en": name_en.strip()}
    errors: dict[str, Any] = {
        field: _l("Write 1 to %(most)s characters.", most=MOST_NAME)
        for field, name in names.items()
        if not 1 <= len(name) <= MOST_NAME
    }
    if not CODE.fullmatch(code):
        errors["code"] = _l("Write 2 to 40 small letters, digits and _, beginning with a letter.")
    if errors:
        raise Problem("invalid", errors=errors)
    row = {"district_id": district_id, "code": code} | names
    made = upsert(session, PayerClass).values(row).on_conflict_do_nothing().returning(PayerClass.code)
    if code in OFFERED or session.execute(made).first() is None:
        raise Problem("code-taken")
    entry = audit.Entry("payer_class.added", "payer_class", code, name_ko.strip(), None, names)
    audit.book(session, district_id, entry, actor, now)


def may_see(identity: Identity) -> bool:
    """Whether somebody reads who belongs to which class: those who decide about it, and may see personal details."""
    return identity.may("household:reveal") and identity.may("billing:write")


def may_name(identity: Identity, payer_class: str) -> bool:
    """Whether somebody reads of single households what a price of this class changes: that tells who belongs to it."""
    return payer_class == GENERAL or may_see(identity)


def tenancy_of(session: Session, district_id: int, household_id: int, tenancy_id: int | None) -> int:
    """The household's tenancy of this id, or (None) its last one; raises `not-found`."""
    mine = (Tenancy.district_id == district_id, Tenancy.household_id == household_id)
    wanted = sa.true() if tenancy_id is None else Tenancy.id == tenancy_id
    asked = sa.select(Tenancy.id).where(*mine, wanted).order_by(Tenancy.valid_from.desc(), Tenancy.id.desc())
    found = session.scalar(asked.limit(1))
    if found is None:
        raise Problem("not-found")
    return found


def set_class(
    session: Session,
    district_id: int,
    tenancy_id: int,
    first_month: date,
    payer_class: str,
    reason: str,
    actor: str,
    now: datetime,
    reach: Reach = WHOLE,
) -> None:
    """Put a tenancy into a class from a month on. Raises `not-found`, `invalid`, `month-closed`, `nothing-changes`."""
    tenancy = session.get(Tenancy, (district_id, tenancy_id))
    if tenancy is None:
        raise Problem("not-found")
    home = home_of(session, district_id, tenancy.household_id, reach)
    reason = _reason(reason)
    closed.check_month(first_month, "first_month")
    closed.hold(session, district_id, home.row.complex_id)
    earliest = closed.first_open_of_complex(session, district_id, home.row.complex_id)
    closed.check(first_month, earliest, "first_month")
    ensure(session, district_id, payer_class)
    if _class_in(session, district_id, tenancy_id, first_month) == payer_class:
        raise Problem("nothing-changes")
    key = {"district_id": district_id, "tenancy_id": tenancy_id, "first_month": first_month}
    last = session.scalar(sa.select(sa.func.max(TenancyClass.revision)).filter_by(**key)) or 0
    said = {"payer_class": payer_class, "reason": reason, "actor": actor, "made_at": now}
    session.add(TenancyClass(**key, revision=last + 1, **said))
    session.flush()
    # Neither class nor reason: whoever reads the log must not learn who lives on what.
    audit.book(session, district_id, home.entry("household.payer_class_set", {"first_month": first_month}), actor, now)


def of_household(session: Session, district_id: int, household_id: int, reach: Reach, may_see: bool) -> list[Row]:
    """The tenancies of a household, the newest first: id, valid_from, valid_to, `classes` [first_month, payer_class,
    reason, actor, made_at] as they follow each other. Class and reason are None unless the reader may see them.
    """
    home_of(session, district_id, household_id, reach)
    mine = (Tenancy.district_id == district_id, Tenancy.household_id == household_id)
    tenancies = session.scalars(sa.select(Tenancy).where(*mine).order_by(Tenancy.valid_from.desc())).all()
    found: dict[int, list[Row]] = {tenancy.id: [] for tenancy in tenancies}
    for row in _rows(session, district_id, TenancyClass.tenancy_id.in_(found)):
        found[row.tenancy_id].append(_told(row, may_see))
    return [
        {"id": each.id, "valid_from": each.valid_from, "valid_to": each.valid_to, "classes": found[each.id]}
        for each in tenancies
    ]


def members(session: Session, district_id: int, reach: Reach, month: date) -> list[Row]:
    """Tenancies that belong to a class of their own in a month, by complex, building and unit; for those who may see
    it: tenancy_id, household_id, complex, complex_name, building, unit, first_month, payer_class."""
    current = {row.tenancy_id: row for row in _rows(session, district_id, TenancyClass.first_month <= month)}
    own = {id_: row for id_, row in current.items() if row.payer_class != GENERAL}
    asked = (
        sa.select(
            *(Tenancy.id.label("tenancy_id"), Tenancy.household_id, Complex.code.label("complex")),
            *(Complex.name.label("complex_name"), Building.name.label("building"), Household.unit),
        )
        .join(Household, sa.and_(Household.district_id == Tenancy.district_id, Household.id == Tenancy.household_id))
        .join(Building, sa.and_(Building.district_id == Tenancy.district_id, Building.id == Household.building_id))
        .join(Complex, sa.and_(Complex.district_id == Tenancy.district_id, Complex.id == Household.complex_id))
        .join(
            TenancyClass,
            sa.and_(TenancyClass.district_id == Tenancy.district_id, TenancyClass.tenancy_id == Tenancy.id),
        )
        .where(Tenancy.district_id == district_id, reach.within(Household.complex_id))
        .order_by(Complex.code, Building.name, Household.unit, Tenancy.id)
        .distinct()
    )
    rows = [dict(row) for row in session.execute(asked).mappings() if row["tenancy_id"] in own]
    told = ("first_month", "payer_class")
    return [row | {name: getattr(own[row["tenancy_id"]], name) for name in told} for row in rows]


def _class_in(session: Session, district_id: int, tenancy_id: int, month: date) -> str:
    where = (TenancyClass.tenancy_id == tenancy_id, TenancyClass.first_month <= month)
    rows = _rows(session, district_id, *where)
    return rows[-1].payer_class if rows else GENERAL


def _rows(session: Session, district_id: int, *where: sa.ColumnElement[bool]) -> list[TenancyClass]:
    """The last revision of each tenancy and first month, in the order in which they begin."""
    asked = sa.select(TenancyClass).where(TenancyClass.district_id == district_id, *where)
    order_by = (TenancyClass.tenancy_id, TenancyClass.first_month, TenancyClass.revision)
    newest = {(row.tenancy_id, row.first_month): row for row in session.scalars(asked.order_by(*order_by))}
    return list(newest.values())


def _told(row: TenancyClass, may_see: bool) -> Row:
    found = {name: getattr(row, name) for name in ("first_month", "payer_class", "reason", "actor", "made_at")}
    return found if may_see else found | {"payer_class": None, "reason": None}


def _reason(text: str) -> str:
    text = text.strip()
    if not text or len(text) > MOST_WORDS:
        raise Problem("invalid", errors={"reason": _l("Write 1 to %(most)s characters.", most=MOST_WORDS)})
    return text
