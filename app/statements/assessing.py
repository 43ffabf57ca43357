"""From registry, ledger and terms to what a complex's month is billed from."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.problems import Problem
from app.registry.models import Complex
from app.statements import lived, usage
from app.statements.estimates import queries as estimates
from app.statements.lived import Lived
from app.statements.terms import tariffs as tariffs_of
from app.statements.terms.terms import Terms, classes_of, of_complexes, weights_of
from app.statements.usage import Question, Usage
from billing.statements import GENERAL, ComplexMonth, Estimated, Part, Used
from billing.tariffs import NoTariff, Schedule, Span, Tariff

T = TypeVar("T")


class Month(NamedTuple):
    """What all complexes of a scheme have in common in a month; classes and weights by tenancy and complex."""

    month: date
    scheme: str
    spans: tuple[Span, ...]
    tariffs: Mapping[str, tuple[Tariff, ...] | Problem]
    classes: Mapping[int, str]
    weighed: Mapping[int, int]
    estimated: Mapping[int, tuple[Estimated, ...]]


def complex_month(session: Session, district_id: int, complex_id: int, month: date, at: datetime) -> ComplexMonth:
    """What a complex's month is billed from, as the ledger read at `at`. Raises the Problem `no-tariff`."""
    ((_, found),) = complex_months(session, district_id, [complex_id], month, at)
    if isinstance(found, Problem):
        raise found
    return found


def complex_months(
    session: Session,
    district_id: int,
    complex_ids: Sequence[int],
    month: date,
    at: datetime,
    by_weight: bool = False,
) -> Iterator[tuple[int, ComplexMonth | Problem]]:
    """The same of many complexes, or the Problem that one has. They come scheme by scheme, by id.

    The month is read once for all of a scheme. Rows stream: no more than one complex is held at a time. `by_weight`
    tells the weight of each discharge, for tariffs other than those in force.
    """
    by_scheme: dict[str, dict[int, Terms]] = {}
    for complex_id, terms in sorted(of_complexes(session, district_id, complex_ids, month).items()):
        by_scheme.setdefault(terms.scheme, {})[complex_id] = terms
    for scheme, terms_of in sorted(by_scheme.items()):
        common = _month(session, district_id, scheme, list(terms_of), month, at)
        yield from _of_scheme(session, district_id, common, terms_of, at, by_weight or _by_weight(common))


def _of_scheme(
    session: Session,
    district_id: int,
    common: Month,
    terms: Mapping[int, Terms],
    at: datetime,
    by_weight: bool,
) -> Iterator[tuple[int, ComplexMonth | Problem]]:
    connection, ids = session.connection(), list(terms)
    asked = ids if _few(session, district_id, ids) else None
    question = Question(district_id, common.month, at, common.spans, by_weight, asked)
    used = _in_step(usage.read(connection, question), ids)
    homes = _in_step(lived.by_complex(connection, district_id, common.month, ids), ids)
    nothing = Usage({}, (Used(0, 0),) * len(common.spans))
    for complex_id, uses, tenancies in zip(ids, used, homes, strict=True):
        parts = _parts(session, district_id, common, uses or nothing, tenancies or [])
        yield complex_id, _complex_month(common, complex_id, terms[complex_id], parts, (uses or nothing).suspense)


def _few(session: Session, district_id: int, ids: Sequence[int]) -> bool:
    """Whether these are so few of the district's complexes that to pick their rows costs less than to read all."""
    every = session.scalar(sa.select(sa.func.count()).select_from(Complex).where(Complex.district_id == district_id))
    return len(ids) * 4 < (every or 0) * 3


def _in_step(found: Iterator[tuple[int, T]], ids: Sequence[int]) -> Iterator[T | None]:
    """What was found for each id, both in the order of ids; None where there is nothing, others are passed over."""
    current = next(found, None)
    for id_ in ids:
        while current is not None and current[0] < id_:
            current = next(found, None)
        if current is None or current[0] != id_:
            yield None
        else:
            yield current[1]
            current = next(found, None)


def _parts(session: Session, district_id: int, common: Month, uses: Usage, tenancies: Sequence[Lived]) -> list[Part]:
    """A part for every tenancy that lived a day there or discharged something, in the order of statements."""
    known = {home.tenancy_id for home in tenancies}
    strangers = [tenancy_id for _, tenancy_id in uses.tenants if tenancy_id not in known]
    if strangers:  # somebody's whose tenancy was put right afterwards
        found = lived.of_tenancies(session.connection(), district_id, common.month, strangers)
        tenancies = sorted([*tenancies, *found.values()])
    nothing = (Used(0, 0),) * len(common.spans)
    parts = []
    for home in tenancies:
        used = uses.tenants.get((home.household_id, home.tenancy_id))
        estimated = common.estimated.get(home.tenancy_id, ())
        if used or estimated or home.days:
            payer_class = common.classes.get(home.tenancy_id, GENERAL)
            parts.append(Part(home.household_id, home.tenancy_id, payer_class, home.days, used or nothing, estimated))
    return parts


def _complex_month(
    common: Month, complex_id: int, terms: Terms, parts: list[Part], suspense: tuple[Used, ...]
) -> ComplexMonth | Problem:
    tariffs = {}
    classes = {part.payer_class for part in parts} if common.scheme != "complex" else set()
    for payer_class in {GENERAL, *classes}:
        found = common.tariffs.get(payer_class)
        if found is None or isinstance(found, Problem):
            return found or Problem("no-tariff", day=common.month.isoformat(), payer_class=payer_class)
        tariffs[payer_class] = found
    by = (common.scheme, terms.suspense, terms.sharing)
    weighed = common.weighed.get(complex_id)
    return ComplexMonth(common.month, *by, common.spans, tariffs, parts, suspense, weighed)


def _month(
    session: Session, district_id: int, scheme: str, complex_ids: Sequence[int], month: date, at: datetime
) -> Month:
    schedules = tariffs_of.schedules(session, district_id, scheme)
    general = schedules.get(GENERAL, Schedule(()))
    spans = general.spans(month, *schedules.values())
    tariffs = {payer_class: _over(schedule, spans, payer_class) for payer_class, schedule in schedules.items()}
    classes, weighed = classes_of(session, district_id, None, month), weights_of(session, district_id, month)
    estimated = estimates.active(session, district_id, complex_ids, month, at, spans)
    return Month(month, scheme, spans, tariffs, classes, weighed, estimated)


def _over(schedule: Schedule, spans: Sequence[Span], payer_class: str) -> tuple[Tariff, ...] | Problem:
    try:
        return schedule.over(spans)
    except NoTariff as missing:
        return Problem("no-tariff", day=missing.day.isoformat(), payer_class=payer_class)


def _by_weight(common: Month) -> bool:
    """Whether a tariff of the month rounds at each discharge, so that the weight of each must be known."""
    known = [tariffs for tariffs in common.tariffs.values() if not isinstance(tariffs, Problem)]
    return any(tariff.rounded_at == "discharge" for tariffs in known for tariff in tariffs)
