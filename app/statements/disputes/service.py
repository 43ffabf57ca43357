"""What becomes of an objection to a line. Each use case takes a session, books into the audit log and leaves committing
to its caller; all raise the Problem `not-found` for what is outside of the district or reach.

Whatever changes a dispute locks its complex first, as runs and voids do: of two who decide at once, one wins and the
other hears `dispute-closed`. The words stay with the dispute, for residents write names and telephone numbers.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.access.reach import WHOLE, Reach
from app.ids import allocate
from app.problems import Problem
from app.registry.models import Complex
from app.statements import queries as statements
from app.statements.composing import statement_number
from app.statements.corrections import manual
from app.statements.disputes.models import Dispute, DisputeEvent
from app.statements.locking import lock
from app.statements.models import StatementLine, StatementRun
from app.statements.queries import Found
from app.statements.terms import policy
from billing.days import service_day

MAX_WORDS = 4000
DECISIONS = ("accepted", "partly", "refused")


class Wanted(NamedTuple):
    """An objection to a line of a statement (its number), in the resident's words; `held_won` None holds all of it."""

    statement: str
    line: int
    words: str
    held_won: int | None = None


class Decision(NamedTuple):
    """`state` of DECISIONS, and why, in words that the resident reads.

    `credit_won` is what a part is worth (`partly`). `by_correction`: the discharges are corrected instead, from which
    the adjustment follows by itself, so that nothing is credited here.
    """

    state: str
    words: str
    credit_won: int | None = None
    by_correction: bool = False


def open_dispute(session: Session, district_id: int, reach: Reach, wanted: Wanted, actor: str, now: datetime) -> int:
    """Object to one line of a final statement; the dispute's id. While it is open what it holds is not asked for.

    Raises the Problems `statement-not-final`, `statement-void`, `line-disputed`, `invalid`.
    """
    words = worded("words", wanted.words)
    complex_id = statements.find(session, district_id, wanted.statement, reach).run.complex_id
    place = lock(session, district_id, complex_id)
    found = statements.find(session, district_id, wanted.statement, reach)
    line = _line_of(session, found, wanted.line)
    _check_may_open(session, found, wanted.line)
    most = _most(session, line)
    held_won = most if wanted.held_won is None else wanted.held_won
    if not 0 <= held_won <= most:
        raise Problem("invalid", errors={"held_won": _l("Write an amount from 0 to %(most)s won.", most=most)})
    dispute = Dispute(
        **{"district_id": district_id, "id": allocate(session, district_id, "dispute")[0], "complex_id": complex_id},
        **{"household_id": line.household_id, "run_id": line.run_id, "serial": line.serial, "line": line.line},
        **{"state": "open", "held_won": held_won, "credit_won": 0, "due_on": _due_on(session, district_id, now)},
        **{"opened_at": now, "opened_by": actor},
    )
    session.add(dispute)
    session.flush()
    _book(session, dispute, "opened", words, actor, now)
    after = {"statement": wanted.statement, "line": line.line, "held_won": held_won, "due_on": dispute.due_on}
    _audit(session, dispute, place, "opened", actor, now, None, after)
    return dispute.id


def decide(session: Session, district_id: int, dispute_id: int, decision: Decision, actor: str, now: datetime) -> None:
    """Accept a dispute, accept a part, or refuse it. What is credited comes with the household's next statement.

    Where it was decided before and reopened, the credit of this decision replaces that of the earlier one. Raises the
    Problems `dispute-closed`, `invalid`, `statement-void` where a credit would have nothing to be taken off, and
    `credit-too-large` where less is billed than would be credited.
    """
    dispute, place = _locked(session, district_id, WHOLE, dispute_id)
    words = worded("words", decision.words)
    if dispute.state != "open":
        raise Problem("dispute-closed")
    credit_won, before = _credit(dispute, decision), dispute.credit_won
    _credit_difference(session, dispute, before - credit_won, actor, now)
    dispute.state, dispute.credit_won = decision.state, credit_won
    dispute.decided_at, dispute.decided_by = now, actor
    _book(session, dispute, "decided", words, actor, now)
    change = ({"state": "open", "credit_won": before}, {"state": decision.state, "credit_won": credit_won})
    _audit(session, dispute, place, "decided", actor, now, *change)


def note(
    session: Session, district_id: int, reach: Reach, dispute_id: int, words: str, actor: str, now: datetime
) -> None:
    """Add a note to the history, of a closed dispute too."""
    dispute, place = _locked(session, district_id, reach, dispute_id)
    _book(session, dispute, "noted", worded("words", words), actor, now)
    _audit(session, dispute, place, "noted", actor, now)


def withdraw(
    session: Session, district_id: int, reach: Reach, dispute_id: int, words: str, actor: str, now: datetime
) -> None:
    """The resident takes the objection back. Raises `dispute-closed`."""
    dispute, place = _locked(session, district_id, reach, dispute_id)
    words = worded("words", words)
    if dispute.state != "open":
        raise Problem("dispute-closed")
    dispute.state, dispute.decided_at, dispute.decided_by = "withdrawn", now, actor
    _book(session, dispute, "withdrawn", words, actor, now)
    _audit(session, dispute, place, "withdrawn", actor, now, {"state": "open"}, {"state": "withdrawn"})


def reopen(
    session: Session, district_id: int, reach: Reach, dispute_id: int, words: str, actor: str, now: datetime
) -> None:
    """Look at a closed dispute once more; a reply is due anew. What was credited stays until it is decided again.

    Raises the Problems `dispute-not-closed`, `statement-void`, and `line-disputed` where another one is open.
    """
    dispute, place = _locked(session, district_id, reach, dispute_id)
    words, before = worded("words", words), dispute.state
    if before == "open":
        raise Problem("dispute-not-closed")
    found = statements.find(session, district_id, _number(session, dispute), WHOLE)
    _check_may_open(session, found, dispute.line)
    line = _line_of(session, found, dispute.line)
    dispute.held_won = max(dispute.credit_won, min(dispute.held_won, _most(session, line, dispute.id)))
    dispute.state, dispute.decided_at, dispute.decided_by = "open", None, None
    dispute.due_on = _due_on(session, district_id, now)
    _book(session, dispute, "reopened", words, actor, now)
    after = {"state": "open", "held_won": dispute.held_won, "due_on": dispute.due_on}
    _audit(session, dispute, place, "reopened", actor, now, {"state": before}, after)


def worded(field: str, text: str) -> str:
    """Words without blanks around them; raises the Problem `invalid` for none or a book."""
    text = text.strip()
    if not text or len(text) > MAX_WORDS:
        raise Problem("invalid", errors={field: _l("Write 1 to %(most)s characters.", most=MAX_WORDS)})
    return text


def most_to_hold(session: Session, found: Found, line: int) -> int:
    """Won of a line that an objection may hold: none of a credit, nor what was credited for it already."""
    return _most(session, _line_of(session, found, line))


def _credit(dispute: Dispute, decision: Decision) -> int:
    """The won that a decision credits altogether."""
    if decision.state not in DECISIONS:
        raise Problem("invalid", errors={"state": _l("Choose one: %(choices)s", choices=", ".join(DECISIONS))})
    if decision.by_correction and decision.state == "refused":
        told = _l("What is refused corrects nothing. Accept it, or take the correction off.")
        raise Problem("invalid", errors={"by_correction": told})
    if decision.by_correction or decision.state == "refused":
        return 0
    if decision.state == "accepted":
        return dispute.held_won
    if decision.credit_won is None or not 0 < decision.credit_won < dispute.held_won:
        told = _l("Write an amount above 0 and below the %(held)s won that are held.", held=dispute.held_won)
        raise Problem("invalid", errors={"credit_won": told})
    return decision.credit_won


def _credit_difference(session: Session, dispute: Dispute, won: int, actor: str, now: datetime) -> None:
    """Have the next statement carry what a decision changes; `won` is negative for a credit."""
    if not won:
        return
    number = _number(session, dispute)
    found = statements.find(session, dispute.district_id, number, WHOLE)
    if found.row["state"] == "voided":
        raise Problem("statement-void")
    line = _line_of(session, found, dispute.line)
    told = f"이의신청 #{dispute.id} ({number})"  # the words stay with the dispute, which the number leads to
    new = manual.New(line.tenancy_id, line.usage_month, won, told, dispute.id)
    manual.add(session, dispute.district_id, WHOLE, new, actor, now)


def _check_may_open(session: Session, found: Found, line: int) -> None:
    """No dispute on a preview, on a void statement, or beside an open one on the same line."""
    if found.row["state"] != "final":
        raise Problem("statement-void" if found.row["state"] == "voided" else "statement-not-final")
    there = session.scalar(sa.select(Dispute.id).where(*_on_line(found, line), Dispute.state == "open"))
    if there is not None:
        raise Problem("line-disputed", dispute=there)


def _on_line(found: Found, line: int) -> tuple[sa.ColumnElement[bool], ...]:
    d, s = Dispute, found.statement
    return d.district_id == s.district_id, d.run_id == s.run_id, d.serial == s.serial, d.line == line


def _line_of(session: Session, found: Found, line: int) -> StatementLine:
    key = (found.statement.district_id, found.statement.run_id, found.statement.serial, line)
    row = session.get(StatementLine, key)
    if row is None:
        raise Problem("not-found")
    return row


def _most(session: Session, line: StatementLine, but: int | None = None) -> int:
    """What of a line can be held: its won less what other disputes credited for it."""
    d = Dispute
    on_line = (d.district_id == line.district_id, d.run_id == line.run_id, d.serial == line.serial, d.line == line.line)
    credited = sa.select(sa.func.coalesce(sa.func.sum(d.credit_won), 0)).where(*on_line, d.id != (but or 0))
    return max(0, line.won - int(session.scalar(credited) or 0))


def _due_on(session: Session, district_id: int, now: datetime) -> Any:
    return service_day(now) + timedelta(days=policy.of(session, district_id).reply_days)


def _locked(session: Session, district_id: int, reach: Reach, dispute_id: int) -> tuple[Dispute, Complex]:
    """The dispute as it reads once its complex is locked, until the transaction ends."""
    dispute = session.get(Dispute, (district_id, dispute_id))
    if dispute is None:
        raise Problem("not-found")
    reach.check(dispute.complex_id)
    place = lock(session, district_id, dispute.complex_id)
    session.refresh(dispute)
    return dispute, place


def _number(session: Session, dispute: Dispute) -> str:
    run = session.get_one(StatementRun, (dispute.district_id, dispute.run_id))
    return statement_number(run.number, dispute.serial)


def _book(session: Session, dispute: Dispute, kind: str, words: str, actor: str, now: datetime) -> None:
    event_id = allocate(session, dispute.district_id, "dispute_event")[0]
    said = {"kind": kind, "state": dispute.state, "words": words, "actor": actor, "at": now}
    session.add(DisputeEvent(district_id=dispute.district_id, id=event_id, dispute_id=dispute.id, **said))
    session.flush()


def _audit(
    session: Session,
    dispute: Dispute,
    place: Complex,
    done: str,
    actor: str,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    subject = f"#{dispute.id} {place.name}"
    entry = audit.Entry(f"dispute.{done}", "dispute", dispute.id, subject, before, after, None, place.id)
    audit.book(session, dispute.district_id, entry, actor, now)
