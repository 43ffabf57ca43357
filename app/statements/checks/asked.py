"""What a check is asked about, and how its rows are counted and paged."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.registry.models import Complex
from billing.days import midnight, month_after

Row = dict[str, Any]
NOWHERE = 0  # the id of no complex
After = tuple[int, int]  # complex_id and key of the last row of the page before


class Asked(NamedTuple):
    """A month (its first day) of the complexes within reach, as of now; `complex_id` narrows it to one."""

    session: Session
    district_id: int
    month: date
    reach: Reach
    now: datetime
    complex_id: int | None = None

    @property
    def first(self) -> datetime:
        """When the month begins."""
        return midnight(self.month)

    @property
    def end(self) -> datetime:
        """When the next one begins."""
        return midnight(month_after(self.month))

    @property
    def over(self) -> bool:
        """Whether the month is over."""
        return self.end <= self.now

    def within(self, column: Any) -> sa.ColumnElement[bool]:
        """Keeps a column of complex ids inside of what is asked."""
        narrowed = sa.true() if self.complex_id is None else column == self.complex_id
        return sa.and_(self.reach.within(column), narrowed)


def narrowed(asked: Asked, code: str) -> Asked:
    """The same of the complex with this code alone, if any; of one that is not within reach there is nothing."""
    if not code:
        return asked
    mine = (Complex.district_id == asked.district_id, Complex.code == code, asked.reach.within(Complex.id))
    return asked._replace(complex_id=asked.session.scalar(sa.select(Complex.id).where(*mine)) or NOWHERE)


class Query:
    """A check that is a statement of SQL: counted and paged by the database."""

    def __init__(self, asked: Asked, found: Any) -> None:
        self._session, self._found = asked.session, found.subquery()

    def counts(self) -> dict[int, int]:
        """How many rows each complex has."""
        c = self._found.c
        asked = sa.select(c.complex_id, sa.func.count()).group_by(c.complex_id)
        return {row[0]: row[1] for row in self._session.execute(asked)}

    def rows(self, after: After | None, limit: int) -> list[Row]:
        """The rows after one."""
        c = self._found.c
        asked = sa.select(self._found).order_by(c.complex_id, c.key).limit(limit)
        if after is not None:
            later = sa.and_(c.complex_id == after[0], c.key > after[1])
            asked = asked.where(sa.or_(c.complex_id > after[0], later))
        return [dict(row) for row in self._session.execute(asked).mappings()]


class Listed:
    """A check whose rows are few, and known already."""

    def __init__(self, found: Iterable[Row]) -> None:
        self._found = sorted(found, key=lambda row: (row["complex_id"], row["key"]))

    def counts(self) -> dict[int, int]:
        """How many rows each complex has."""
        return dict(Counter(row["complex_id"] for row in self._found))

    def rows(self, after: After | None, limit: int) -> list[Row]:
        """The rows after one."""
        rest = [row for row in self._found if after is None or (row["complex_id"], row["key"]) > after]
        return rest[:limit]


Check = Query | Listed
