"""What tenancies' discharges of certain days weigh, as the ledger reads at a moment."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.statements import usage
from app.statements.usage import Question
from billing.days import DAY, month_after, month_of
from billing.tariffs import Span


def weighed(
    session: Session, district_id: int, complex_ids: Sequence[int], days: tuple[date, date], at: datetime
) -> dict[int, int]:
    """Billable grams by tenancy on service days (the first and the last of them, both included), of whatever months."""
    first, last = days
    found: Counter[int] = Counter()
    month = month_of(first)
    while month <= last:
        spans = list(cut(month, (first, last + DAY)))
        for tenancy_id, by_span in by_tenancy(session, district_id, complex_ids, month, at, spans).items():
            grams = (each for span, each in zip(spans, by_span, strict=True) if first <= span.first_day <= last)
            found[tenancy_id] += sum(grams)
        month = month_after(month)
    return dict(found)


def by_tenancy(
    session: Session, district_id: int, complex_ids: Sequence[int], month: date, at: datetime, spans: Sequence[Span]
) -> dict[int, list[int]]:
    """Billable grams by tenancy and span of a month. One statement for all complexes, and one for corrections."""
    question = Question(district_id, month, at, spans, complex_ids=complex_ids)
    return {
        tenancy_id: [span.grams for span in used]
        for _, of_complex in usage.read(session.connection(), question)
        for (_, tenancy_id), used in of_complex.tenants.items()
    }


def cut(month: date, days: Iterable[date]) -> Iterator[Span]:
    """The month, cut at the beginning of each of these days that lies within it."""
    end = month_after(month)
    cuts = sorted({month, end, *(day for day in days if month < day < end)})
    return map(Span, cuts[:-1], cuts[1:])
