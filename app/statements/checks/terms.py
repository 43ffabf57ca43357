"""Checks of what a month is billed by: tariffs, households, and who pays."""

from collections import defaultdict
from datetime import date
from typing import Any

import sqlalchemy as sa

from app.registry.models import Complex, Household, Tenancy
from app.statements.checks.asked import Asked, Listed, Query
from app.statements.terms import tariffs
from app.statements.terms.terms import classes_of, of_complexes
from billing.statements import GENERAL
from billing.tariffs import NoTariff


def no_tariff(asked: Asked) -> Listed:
    """Complexes that cannot be billed: a day of the month has no tariff for a class that somebody there pays by.

    `day` is the first such day, `payer_class` the class.
    """
    ids = list(
        asked.session.scalars(
            sa.select(Complex.id).where(Complex.district_id == asked.district_id, asked.within(Complex.id))
        )
    )
    terms = of_complexes(asked.session, asked.district_id, ids, asked.month)
    classes = _classes(asked)
    missing = {scheme: _missing(asked, scheme) for scheme in {each.scheme for each in terms.values()}}
    rows = []
    for complex_id, each in terms.items():
        used = [GENERAL] if each.scheme == "complex" else [GENERAL, *sorted(classes[complex_id])]
        for payer_class in used:
            day = missing[each.scheme].get(payer_class, asked.month)
            if day is not None:
                told = {"payer_class": payer_class, "day": day}
                rows.append({"complex_id": complex_id, "key": 0, "scheme": each.scheme} | told)
                break
    return Listed(rows)


def _missing(asked: Asked, scheme: str) -> dict[str, date | None]:
    """By payer class, the first day of the month that has no tariff, if any; a class without tariffs is not among them.

    A tariff holds until the next begins, so that only the days before the first one have none.
    """
    found: dict[str, date | None] = {}
    for payer_class, schedule in tariffs.schedules(asked.session, asked.district_id, scheme).items():
        try:
            schedule.on(asked.month)
            found[payer_class] = None
        except NoTariff:
            found[payer_class] = asked.month
    return found


def _classes(asked: Asked) -> dict[int, set[str]]:
    """By complex, the payer classes of those who lived there in the month, `general` left out."""
    special = {
        tenancy_id: payer_class
        for tenancy_id, payer_class in classes_of(asked.session, asked.district_id, None, asked.month).items()
        if payer_class != GENERAL
    }
    found: dict[int, set[str]] = defaultdict(set)
    if special:
        rows = asked.session.execute(
            sa.select(Household.complex_id, Tenancy.id)
            .join(
                Household, sa.and_(Household.district_id == Tenancy.district_id, Household.id == Tenancy.household_id)
            )
            .where(Tenancy.district_id == asked.district_id, *_lives(asked))
        )
        for complex_id, tenancy_id in rows:
            if tenancy_id in special:
                found[complex_id].add(special[tenancy_id])
    return found


def no_payers(asked: Asked) -> Query:
    """Complexes that have households, but nobody lived there in the month."""
    lives = sa.exists().where(
        *(Household.district_id == Complex.district_id, Household.complex_id == Complex.id),
        *(Tenancy.district_id == Household.district_id, Tenancy.household_id == Household.id, *_lives(asked)),
    )
    return Query(asked, _complexes(asked).where(_has_households(), ~lives))


def no_households(asked: Asked) -> Query:
    """Complexes without households: what is weighed there is nobody's."""
    return Query(asked, _complexes(asked).where(~_has_households()))


def _complexes(asked: Asked) -> Any:
    here = (Complex.district_id == asked.district_id, asked.within(Complex.id))
    return sa.select(Complex.id.label("complex_id"), sa.literal(0).label("key")).where(*here)


def _has_households() -> sa.ColumnElement[bool]:
    return sa.exists().where(Household.district_id == Complex.district_id, Household.complex_id == Complex.id)


def _lives(asked: Asked) -> tuple[sa.ColumnElement[bool], ...]:
    return (Tenancy.valid_from < asked.end, sa.or_(Tenancy.valid_to.is_(None), Tenancy.valid_to > asked.first))
