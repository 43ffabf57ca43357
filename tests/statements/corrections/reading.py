"""What tests read of statements: lines by tenancy, and what was billed in all."""

from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.access.reach import WHOLE
from app.statements.corrections import late, voids
from app.statements.corrections.billed import live_lines
from app.statements.models import Statement, StatementLine, StatementRun
from tests.statements.town import CLERK, BilledTown, Home, instant, month_named

LATER = instant("2027-06-30")


class Shown(NamedTuple):
    """A line: on the run of which month, of which kind about which month, and what it amounts to."""

    run: str
    kind: str
    month: str
    grams: int
    discharges: int
    won: int


def lines_of(town: BilledTown, home: Home) -> list[Shown]:
    """The lines of statements of a tenancy that count, by run."""
    n, r = StatementLine, StatementRun
    columns = (r.number, n.kind, n.usage_month, n.grams, n.count, n.won)
    asked = live_lines(*columns).where(n.district_id == town.id, n.tenancy_id == home.tenancy_id)
    with town.database.session() as session:
        rows = session.execute(asked.order_by(r.month, r.version, n.line)).all()
    return [Shown(number, kind, f"{month:%Y-%m}", *amounts) for number, kind, month, *amounts in rows]


def adjustments(town: BilledTown, home: Home) -> list[Shown]:
    """Only those that adjust."""
    return [line for line in lines_of(town, home) if line.kind == "adjustment"]


def billed(town: BilledTown, home: Home) -> tuple[int, int, int]:
    """Grams, discharges and won of all of them."""
    lines = lines_of(town, home)
    return sum(line.grams for line in lines), sum(line.discharges for line in lines), sum(line.won for line in lines)


def run_of(town: BilledTown, number: str) -> Any:
    """The columns of a run."""
    with town.database.session() as session:
        return session.scalars(sa.select(StatementRun).where(StatementRun.number == number)).one()


def number_of(town: BilledTown, home: Home, month: str) -> str:
    """The number of a tenancy's newest statement of a month."""
    s, r = Statement, StatementRun
    asked = sa.select(r.number, s.serial).join(r, sa.and_(r.district_id == s.district_id, r.id == s.run_id))
    mine = (s.district_id == town.id, s.tenancy_id == home.tenancy_id, s.month == month_named(month))
    with town.database.session() as session:
        run, serial = session.execute(asked.where(*mine).order_by(r.version.desc()).limit(1)).one()
    return f"{run}-{serial:04d}"


def void(town: BilledTown, number: str, when: str, reissue: bool = True) -> voids.Voided:
    """Void a statement on a day."""
    with town.database.begin() as session:
        return voids.void(session, town.id, WHOLE, number, "잘못 부과", reissue, CLERK, instant(when))


def queue(town: BilledTown, cause: str = "old", now: datetime | None = None, **sought: Any) -> list[dict[str, Any]]:
    """The late queue."""
    with town.database.session() as session:
        return late.queue(session, town.id, WHOLE, now or LATER, cause, **sought)


def decide(town: BilledTown, home: Home, month: str, decision: str, when: str) -> int:
    """Decide about late usage on a day."""
    day: date = month_named(month)
    with town.database.begin() as session:
        args = (home.tenancy_id, day, decision, "구청 결정", CLERK, instant(when))
        return late.decide(session, town.id, WHOLE, *args)
