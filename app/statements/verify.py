"""Do the statements still say what they said, and does the ledger? Read only; every difference is told.

A run is recognised by its hash, which covers every amount and every explanation and stands in the audit log. What it
weighed is read from the ledger once more, as of the position that it was made from.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import sqlalchemy as sa
from msgspec.json import decode
from sqlalchemy.orm import Session

from app.access.models import AuditEntry
from app.statements import hashing, usage
from app.statements.composing import statement_number
from app.statements.models import Statement, StatementLine, StatementRun
from app.statements.storing import LineRow, StatementRow
from app.statements.usage import Question
from app.texts import Text
from billing.days import month_after
from billing.tariffs import Span

WEIGHED = ("usage", "complex_share")  # lines that carry what was weighed

HASH = Text("내용이 확정 때의 해시와 다릅니다", "its content is not what its hash says")
SUM = Text("줄의 합 {lines}원이 금액 {won}원과 다릅니다", "its lines add up to {lines} won, not to {won}")
RUN_SUM = Text("{name}: 고지서 합 {found}, 기록 {stored}", "{name}: its statements add up to {found}, not to {stored}")
LEDGER = Text(
    "원장 기록은 {grams} g, {count}회인데 고지는 {billed_g} g, {billed}회입니다",
    "the ledger says {grams} g in {count} discharges, billed were {billed_g} g in {billed}",
)
LOG = Text("감사 기록에 남은 확정 해시와 다릅니다", "its hash is not the one that the audit log has of its closing")
SUMMED = ("statements", "grams", "count", "lines_won", "suspense_won")


class Difference(NamedTuple):
    """What does not agree: `subject` is the number of a run or statement."""

    run: str
    subject: str
    text: Text


class Verified(NamedTuple):
    """How much was looked at, and what was found."""

    runs: int
    statements: int
    differences: list[Difference]


def verify(session: Session, district_id: int, month: date | None = None) -> Verified:
    """Look at every final run of the district, or of one month."""
    r = StatementRun
    asked = sa.select(r).where(r.district_id == district_id, r.state == "final", *([r.month == month] if month else []))
    runs = session.scalars(asked.order_by(r.month, r.complex_id, r.version)).all()
    differences = [difference for run in runs for difference in _of_run(session, run)]
    differences += _against_log(session, district_id, runs)
    return Verified(len(runs), sum(run.statements for run in runs), differences)


def _of_run(session: Session, run: StatementRun) -> Iterator[Difference]:
    statements, lines = _statements(session, run), _lines(session, run)
    of_statement = {serial: list(those) for serial, those in groupby(lines, attrgetter("serial"))}
    for each in statements:
        number = statement_number(run.number, each.serial)
        own = of_statement.pop(each.serial, [])
        said = (each.household_id, each.tenancy_id, each.payer_class, each.grams, each.discharges, each.won)
        if hashing.of_statement((number, each.month, *said), own) != each.content_hash:
            yield Difference(run.number, number, HASH)
        if sum(line.won for line in own) != each.won:
            yield Difference(run.number, number, SUM.fill(lines=sum(line.won for line in own), won=each.won))
    for serial in of_statement:
        yield Difference(run.number, statement_number(run.number, serial), HASH)
    fields = {name: getattr(run, name) for name in hashing.RUN_FIELDS}
    if hashing.of_run(fields, (each.content_hash for each in statements)) != run.content_hash:
        yield Difference(run.number, run.number, HASH)
    yield from _sums(run, statements, lines)
    if run.version == 1:
        yield from _against_ledger(session, run, lines)


def _against_log(session: Session, district_id: int, runs: Sequence[StatementRun]) -> Iterator[Difference]:
    """What the audit log, which is sealed by itself, says of the hash with which each month was closed."""
    a = AuditEntry
    asked = sa.select(a.subject, a.after).where(a.district_id == district_id, a.action == "run.finalised")
    booked = {number: decode(after)["content_hash"] for number, after in session.execute(asked) if after}
    for run in runs:
        if run.version == 1 and booked.get(run.number) != run.content_hash.hex():
            yield Difference(run.number, run.number, LOG)


def _sums(run: StatementRun, statements: Sequence[StatementRow], lines: Sequence[LineRow]) -> Iterator[Difference]:
    shared = sum(line.won for line in lines if line.kind == "suspense_share")
    found = {
        **{"statements": len(statements), "grams": sum(each.grams for each in statements)},
        **{"count": sum(each.discharges for each in statements), "suspense_won": shared},
        "lines_won": sum(line.won for line in lines) - shared,
    }
    for name in SUMMED:
        if found[name] != getattr(run, name):
            told = RUN_SUM.fill(name=name, found=found[name], stored=getattr(run, name))
            yield Difference(run.number, run.number, told)


def _against_ledger(session: Session, run: StatementRun, lines: Sequence[LineRow]) -> Iterator[Difference]:
    """What each tenancy was billed for, against what the ledger said at the run's position."""
    whole = (Span(run.month, month_after(run.month)),)
    question = Question(run.district_id, run.month, run.ledger_at, whole, complex_ids=[run.complex_id])
    found = dict(usage.read(session.connection(), question)).get(run.complex_id)
    tenants = found.tenants if found else {}
    ledger = {tenancy_id: (used[0].grams, used[0].discharges) for (_, tenancy_id), used in tenants.items()}
    billed = {line.tenancy_id: (line.serial, line.grams, line.discharges) for line in lines if line.kind in WEIGHED}
    for tenancy_id in sorted(ledger.keys() | billed.keys()):
        serial, *weighed = billed.get(tenancy_id, (0, 0, 0))
        if tuple(weighed) != ledger.get(tenancy_id, (0, 0)):
            grams, count = ledger.get(tenancy_id, (0, 0))
            told = LEDGER.fill(grams=grams, count=count, billed_g=weighed[0], billed=weighed[1])
            yield Difference(run.number, statement_number(run.number, serial), told)


def _statements(session: Session, run: StatementRun) -> list[StatementRow]:
    columns = Statement.__table__.columns
    asked = sa.select(*columns).where(columns.district_id == run.district_id, columns.run_id == run.id)
    return [StatementRow(*row) for row in session.execute(asked.order_by(columns.serial))]


def _lines(session: Session, run: StatementRun) -> list[LineRow]:
    columns = StatementLine.__table__.columns
    asked = sa.select(*columns).where(columns.district_id == run.district_id, columns.run_id == run.id)
    return [LineRow(*row) for row in session.execute(asked.order_by(columns.serial, columns.line))]
