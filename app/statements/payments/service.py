"""Recording what was paid: one payment by hand, a file of them, and taking one back. Append-only; nothing here commits.

The same payment counts once. A file's line is named by its receipt, or else by who paid how much on which day for which
month, and by how many such lines stand before it: so the same file, and one that holds it again, changes nothing.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, aliased

from app.access import audit
from app.access.reach import Reach
from app.ids import allocate
from app.problems import Problem
from app.registry.imports.sheets import File
from app.statements.payments import lines as reading
from app.statements.payments import words
from app.statements.payments.lines import MOST_WON, Bad, Line
from app.statements.payments.models import Payment
from app.statements.payments.payers import AT_ONCE, Payer, Payers
from app.texts import Refused, Text
from billing.days import service_day

MOST_WORDS = 200
TWICE = timedelta(minutes=10)  # so long the same form again is taken for a second click


class Ready(NamedTuple):
    """A line that can be booked: whose it is, and under which reference."""

    line: Line
    payer: Payer
    reference: str | None

    @property
    def key(self) -> tuple[int | None, ...]:
        """Who paid how much."""
        return (self.payer.complex_id, self.payer.household_id, self.payer.tenancy_id, self.line.won)


class Report(NamedTuple):
    """What became, or would become, of a file: lines to book, those that are booked already, and those of no use."""

    name: str
    sha256: str
    encoding: str
    good: list[Ready]
    known: list[Ready]
    bad: list[Bad]
    booked: bool

    @property
    def won(self) -> int:
        """The sum of the lines to book."""
        return sum(each.line.won for each in self.good)


def pay(session: Session, district_id: int, reach: Reach, wanted: Line, actor: str, now: datetime) -> int:
    """Book one payment by hand; its id. Negative won were paid back.

    Raises Refused where nobody can be found who paid, `invalid`, `payment-known` for a receipt that is booked, and
    `booked-already` for the same again within minutes without one.
    """
    _check(wanted, service_day(now))
    found = Payers(session, district_id, reach, [wanted]).find(wanted)
    if isinstance(found, Text):
        raise Refused(found)
    reference = f"{found.complex}/{wanted.reference}" if wanted.reference else None
    (id_,) = allocate(session, district_id, "payment")  # whoever books another one waits here, and then sees this one
    if reference is not None and _booked(session, district_id, [reference]):
        raise Problem("payment-known", reference=wanted.reference)
    _refuse_twice(session, district_id, wanted, found, actor, now)
    _refuse_unpaid(session, district_id, wanted, found)
    row = _row(district_id, id_, Ready(wanted, found, reference), "hand", actor, now)
    session.execute(sa.insert(Payment).values(row))
    said = {"won": wanted.won, "paid_on": wanted.paid_on, "month": found.month, "receipt": wanted.reference or None}
    entry = audit.Entry("payment.booked", "payment", id_, found.name, None, said, None, found.complex_id)
    audit.book(session, district_id, entry, actor, now)
    return id_


def _refuse_twice(session: Session, district_id: int, wanted: Line, payer: Payer, actor: str, now: datetime) -> None:
    """A form that was sent twice books once; somebody who pays the same again shows a receipt, or is told of later."""
    p, back = Payment, aliased(Payment)
    same = (*_of_payer(payer), p.month == payer.month, p.won == wanted.won)
    taken_back = sa.exists().where(back.district_id == p.district_id, back.reverses_id == p.id)
    asked = sa.select(p.id).where(p.district_id == district_id, *same, p.paid_on == wanted.paid_on, p.actor == actor)
    recent = asked.where(p.booked_at > now - TWICE, p.reverses_id.is_(None), ~taken_back)
    if not wanted.reference and (before := session.scalar(recent.limit(1))) is not None:
        raise Problem("booked-already", payment=before)


def _refuse_unpaid(session: Session, district_id: int, wanted: Line, payer: Payer) -> None:
    """No more is paid back than was paid."""
    p = Payment
    asked = sa.select(sa.func.coalesce(sa.func.sum(p.won), 0)).where(p.district_id == district_id, *_of_payer(payer))
    paid = int(session.scalar(asked) or 0)
    if wanted.won < 0 and paid + wanted.won < 0:
        told = _l("No more than %(won)s won was paid.", won=f"{max(paid, 0):,}")
        raise Problem("invalid", errors={"won": told})


def _of_payer(payer: Payer) -> tuple[sa.ColumnElement[bool], ...]:
    p = Payment
    household = p.household_id.is_not_distinct_from(payer.household_id)
    return p.complex_id == payer.complex_id, household, p.tenancy_id.is_not_distinct_from(payer.tenancy_id)


def reverse(
    session: Session, district_id: int, reach: Reach, payment_id: int, reason: str, actor: str, now: datetime
) -> int:
    """Take a payment back by another one of the opposite amount; its id.

    Raises `not-found`, `invalid`, and `payment-reversed` for one that was taken back already or takes back another.
    """
    reason = reason.strip()
    if not reason or len(reason) > MOST_WORDS:
        raise Problem("invalid", errors={"reason": _l("Write 1 to %(most)s characters.", most=MOST_WORDS)})
    (id_,) = allocate(session, district_id, "payment")
    paid = session.get(Payment, (district_id, payment_id))
    if paid is None:
        raise Problem("not-found")
    reach.check(paid.complex_id)
    if paid.household_id is None and not reach.whole:
        raise Refused(words.STAFF_ONLY)
    p = Payment
    by = session.scalar(sa.select(p.id).where(p.district_id == district_id, p.reverses_id == payment_id))
    if by is not None or paid.reverses_id is not None:
        raise Problem("payment-reversed", payment=by or paid.reverses_id)
    same = {name: getattr(paid, name) for name in ("complex_id", "household_id", "tenancy_id", "month")}
    row = same | {"district_id": district_id, "id": id_, "won": -paid.won, "paid_on": paid.paid_on, "source": "hand"}
    row |= {"reference": None, "note": reason, "reverses_id": payment_id, "actor": actor, "booked_at": now}
    session.execute(sa.insert(p).values(row))
    said = {"won": -paid.won, "paid_on": paid.paid_on, "month": paid.month}
    entry = audit.Entry(
        "payment.reversed", "payment", payment_id, f"#{payment_id}", None, said, reason, paid.complex_id
    )
    audit.book(session, district_id, entry, actor, now)
    return id_


def check(
    session: Session, district_id: int, reach: Reach, file: File, now: datetime, default_complex: str = ""
) -> Report:
    """What would become of a file of payments. Raises Refused for what is no such file."""
    sheet, read, bad = reading.read(file, default_complex, service_day(now))
    found, unknown = _resolved(session, district_id, reach, read)
    good, known, clashing = _sorted(session, district_id, found)
    wrong = sorted([*bad, *unknown, *clashing], key=lambda each: each.line)
    return Report(sheet.name, sheet.sha256, sheet.encoding, good, known, wrong, False)


def take(
    session: Session,
    district_id: int,
    reach: Reach,
    file: File,
    actor: str,
    now: datetime,
    default_complex: str = "",
    skip_bad: bool = False,
) -> Report:
    """Book a file of payments. Where lines cannot be used, nothing is booked unless `skip_bad` confirms the others.

    Raises Refused for what is no such file, and telling of each line (the first ones) that cannot be used.
    """
    allocate(session, district_id, "payment", 0)  # whoever books at the same time waits here, and then sees these
    report = check(session, district_id, reach, file, now, default_complex)
    if report.bad and not skip_bad:
        told = [words.IN_LINE.fill(line=each.line, text=each.text) for each in report.bad[:20]]
        raise Refused(words.SKIP.fill(bad=len(report.bad)), *told)
    ids = allocate(session, district_id, "payment", len(report.good)) if report.good else ()
    rows = [_row(district_id, id_, each, "file", actor, now) for id_, each in zip(ids, report.good, strict=True)]
    if rows:
        session.execute(sa.insert(Payment), rows)
        _book_file(session, district_id, report, actor, now)
    else:
        book_check(session, district_id, file, actor, now)
    return report._replace(booked=True)


def book_check(session: Session, district_id: int, file: File, actor: str, now: datetime) -> None:
    """Book that somebody looked what would become of a file."""
    entry = audit.Entry(
        "payment.checked", "payment_file", file.sha256[:16], file.name[-100:], None, {"sha256": file.sha256}
    )
    audit.book(session, district_id, entry, actor, now)


def _check(wanted: Line, today: date) -> None:
    errors: dict[str, Any] = {}
    if not wanted.won or abs(wanted.won) > MOST_WON:
        errors["won"] = _l("Write whole won, not 0.")
    if (wrong := reading.check_day(wanted.paid_on, today)) is not None:
        raise Refused(wrong)
    for name, most in reading.LONGEST.items():
        if len(getattr(wanted, name)) > most:
            errors[name] = _l("Write at most %(most)s characters.", most=most)
    if errors:
        raise Problem("invalid", errors=errors)


def _resolved(session: Session, district_id: int, reach: Reach, read: Sequence[Line]) -> tuple[list[Ready], list[Bad]]:
    payers = Payers(session, district_id, reach, read)
    found, bad = list[tuple[Line, Payer]](), list[Bad]()
    receipts: dict[str, int] = {}
    for line in read:
        payer = payers.find(line)
        if isinstance(payer, Text):
            bad.append(Bad(line.line, payer))
            continue
        receipt = f"{payer.complex}/{line.reference}"
        if line.reference and receipt in receipts:
            bad.append(Bad(line.line, words.TWICE.fill(reference=line.reference, line=receipts[receipt])))
            continue
        receipts[receipt] = line.line
        found.append((line, payer))
    return list(_named(found)), bad


def _named(found: Iterable[tuple[Line, Payer]]) -> Iterator[Ready]:
    """Each line with its reference: its receipt, else what it says and how many lines before it say the same."""
    before: Counter[tuple[Any, ...]] = Counter()
    for line, payer in found:
        if line.reference:
            yield Ready(line, payer, f"{payer.complex}/{line.reference}")
            continue
        said = (payer.household_id, payer.tenancy_id, payer.month, line.won, line.paid_on)
        before[payer.complex_id, *said] += 1
        text = "|".join(map(str, (*said, before[payer.complex_id, *said])))
        yield Ready(line, payer, f"{payer.complex}/#{hashlib.sha256(text.encode()).hexdigest()[:20]}")


def _sorted(session: Session, district_id: int, found: Sequence[Ready]) -> tuple[list[Ready], list[Ready], list[Bad]]:
    """What is new, what is booked already, and what is booked as something else."""
    booked = _booked(session, district_id, [each.reference for each in found if each.reference])
    good, known, bad = list[Ready](), list[Ready](), list[Bad]()
    for each in found:
        before = booked.get(each.reference or "")
        if before is None:
            good.append(each)
        elif before.taken_back:
            bad.append(Bad(each.line.line, words.TAKEN_BACK.fill(reference=each.line.reference)))
        elif (before.complex_id, before.household_id, before.tenancy_id, before.won) == each.key:
            known.append(each)
        else:
            told = {"reference": each.line.reference, "won": f"{before.won:,}", "day": before.paid_on}
            bad.append(Bad(each.line.line, words.OTHERWISE_KNOWN.fill(**told)))
    return good, known, bad


def _booked(session: Session, district_id: int, references: Sequence[str]) -> dict[str, Any]:
    """The payments that are booked by these references."""
    p, back = Payment, aliased(Payment)
    taken_back = sa.exists().where(back.district_id == p.district_id, back.reverses_id == p.id)
    asked = sa.select(p.reference, p.complex_id, p.household_id, p.tenancy_id, p.won, p.paid_on)
    asked = asked.add_columns(taken_back.label("taken_back"))
    found: dict[str, Any] = {}
    for start in range(0, len(references), AT_ONCE):
        part = p.reference.in_(references[start : start + AT_ONCE])
        found |= {row.reference: row for row in session.execute(asked.where(p.district_id == district_id, part))}
    return found


def _row(district_id: int, id_: int, ready: Ready, source: str, actor: str, now: datetime) -> dict[str, Any]:
    line, payer = ready.line, ready.payer
    whose = {name: getattr(payer, name) for name in ("complex_id", "household_id", "tenancy_id", "month")}
    said = {"won": line.won, "paid_on": line.paid_on, "source": source, "reference": ready.reference}
    booked = {"note": line.note or None, "reverses_id": None, "actor": actor, "booked_at": now}
    return {"district_id": district_id, "id": id_} | whose | said | booked


def _book_file(session: Session, district_id: int, report: Report, actor: str, now: datetime) -> None:
    """One entry in the audit log of each complex that the file is about, so that its managers find it."""
    sums: dict[int, list[int]] = {}
    for each in report.good:
        sums.setdefault(each.payer.complex_id, []).append(each.line.won)
    subject = (report.sha256[:16], report.name[-100:])
    entries = []
    for complex_id, won in sorted(sums.items()):
        said = {"payments": len(won), "won": sum(won), "sha256": report.sha256}
        entries.append(audit.Entry("payment.file_taken", "payment_file", *subject, None, said, None, complex_id))
    audit.book_all(session, district_id, entries, actor, now)
