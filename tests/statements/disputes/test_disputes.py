"""An objection holds its line alone, is decided once, and credits no more than it holds."""

import threading
from datetime import date, datetime
from typing import cast

import pytest
import sqlalchemy as sa

from app.access.models import AuditEntry
from app.access.reach import WHOLE, Reach
from app.problems import Problem
from app.statements.disputes import queries, service
from app.statements.disputes.models import Dispute
from app.statements.disputes.queries import Held, Wanted
from app.statements.disputes.service import Decision
from app.statements.models import ManualAdjustment, StatementLine, StatementVoid
from tests.statements.town import CLERK, BilledTown, Home, instant

OCTOBER = date(2026, 10, 1)
STATEMENT = "202610-W0G001-0001"
WORDS = "그 주에는 집을 비웠습니다. 김철수 010-1234-5678"
NOW = instant("2026-11-12")
TODAY = date(2026, 11, 12)


@pytest.fixture
def home(town: BilledTown) -> Home:
    """Somebody who owes 1,300 won for October, finally."""
    home = town.home("101", "1203")
    for day, grams in ((5, 4000), (12, 6000)):
        town.discharge(home, f"2026-10-{day:02d}", grams)
    town.final("2026-10")
    return home


def dispute(
    town: BilledTown, held_won: int | None = None, now: datetime = NOW, reach: Reach = WHOLE, statement: str = STATEMENT
) -> int:
    wanted = service.Wanted(statement, 1, WORDS, held_won)
    with town.database.begin() as session:
        return service.open_dispute(session, town.id, reach, wanted, CLERK, now)


def decide(town: BilledTown, id_: int, state: str, credit_won: int | None = None, by_correction: bool = False) -> None:
    with town.database.begin() as session:
        decision = Decision(state, "확인했습니다.", credit_won, by_correction)
        service.decide(session, town.id, id_, decision, CLERK, NOW)


def reopen(town: BilledTown, id_: int) -> None:
    with town.database.begin() as session:
        service.reopen(session, town.id, WHOLE, id_, "새 자료", CLERK, instant("2026-11-20"))


def held(town: BilledTown, home: Home) -> list[Held]:
    with town.database.session() as session:
        return queries.held(session, town.id, [home.household_id])


def credits(town: BilledTown) -> list[tuple[str, int, int | None]]:
    with town.database.session() as session:
        rows = session.scalars(sa.select(ManualAdjustment).order_by(ManualAdjustment.id))
        return [(row.kind, row.won, row.dispute_id) for row in rows]


def shown(town: BilledTown, id_: int, today: date = TODAY) -> dict[str, object]:
    with town.database.session() as session:
        return queries.dispute_detail(session, town.id, WHOLE, id_, today)


def refusal(town: BilledTown, held_won: int | None = None) -> Problem:
    with pytest.raises(Problem) as refused:
        dispute(town, held_won)
    return refused.value


def test_an_open_dispute_holds_its_line_and_nothing_else(town: BilledTown, home: Home) -> None:
    neighbour = town.home("101", "1204")
    for each in (home, neighbour):
        town.discharge(each, "2026-11-02", 2000)
    town.discharge(home, "2026-10-30", 1000, booked="2026-11-15")
    made = town.final("2026-11")
    number = f"{made.number}-0001"
    with town.database.session() as session:
        lines = session.scalars(sa.select(StatementLine).where(StatementLine.run_id == made.id)).all()
        assert [(line.serial, line.line, line.won) for line in lines] == [(1, 1, 260), (1, 2, 130), (2, 1, 260)]
    id_ = dispute(town, statement=number, now=instant("2026-12-12"))
    assert held(town, home) == [Held(home.household_id, home.tenancy_id, date(2026, 11, 1), 260)]
    assert held(town, neighbour) == []
    decide(town, id_, "refused")
    assert held(town, home) == []


def test_a_smaller_amount_can_be_held_but_never_more_than_the_line(town: BilledTown, home: Home) -> None:
    assert list(refusal(town, held_won=1301).extra["errors"]) == ["held_won"]
    dispute(town, held_won=1299)
    assert [each.won for each in held(town, home)] == [1299]


def test_a_reply_is_due_after_the_days_of_the_policy_and_shows_how_many_are_left(town: BilledTown, home: Home) -> None:
    id_ = dispute(town)
    assert shown(town, id_)["due_on"] == date(2026, 11, 26)
    assert [shown(town, id_, day)["days_left"] for day in (TODAY, date(2026, 11, 27))] == [14, -1]
    decide(town, id_, "refused")
    assert shown(town, id_)["days_left"] is None


def test_a_decision_credits_what_it_says_on_the_next_statement(town: BilledTown, home: Home) -> None:
    for unit in ("1204", "1205"):
        town.discharge(town.home("101", unit), "2026-11-05", 10_000)
    town.discharge(home, "2026-11-05", 10_000)
    number = town.final("2026-11").number
    accepted, partly, refused = (
        dispute(town, 900, instant("2026-12-12"), statement=f"{number}-{serial:04d}") for serial in (1, 2, 3)
    )
    decide(town, accepted, "accepted")
    decide(town, partly, "partly", 400)
    decide(town, refused, "refused")
    assert credits(town) == [("dispute", -900, accepted), ("dispute", -400, partly)]
    made = town.final("2026-12")
    with town.database.session() as session:
        lines = session.scalars(sa.select(StatementLine).where(StatementLine.run_id == made.id)).all()
    assert {line.serial: line.won for line in lines if line.kind == "manual"} == {1: -900, 2: -400}
    events = cast(list[dict[str, str]], shown(town, refused)["events"])
    assert [event["words"] for event in events] == [WORDS, "확인했습니다."]


def test_a_part_is_more_than_nothing_and_less_than_what_is_held(town: BilledTown, home: Home) -> None:
    id_ = dispute(town, held_won=900)
    for credit_won in (None, 0, 900, 901):
        with pytest.raises(Problem) as refused:
            decide(town, id_, "partly", credit_won)
        assert list(refused.value.extra["errors"]) == ["credit_won"]
    assert credits(town) == []


def test_the_database_refuses_a_credit_above_what_is_held(town: BilledTown, home: Home) -> None:
    id_ = dispute(town, held_won=900)
    with pytest.raises(sa.exc.IntegrityError), town.database.begin() as session:
        session.execute(sa.update(Dispute).where(Dispute.id == id_).values(credit_won=901))


def test_by_correction_credits_nothing_and_the_adjustment_follows_from_the_ledger(town: BilledTown, home: Home) -> None:
    number = town.discharge(home, "2026-11-02", 3000)
    made = town.final("2026-11")
    id_ = dispute(town, statement=f"{made.number}-0001", now=instant("2026-12-12"))
    decide(town, id_, "accepted", by_correction=True)
    assert credits(town) == []
    town.correct(number, "re_weigh", "2026-12-13", net_g=1000)
    after = town.final("2026-12")
    with town.database.session() as session:
        lines = session.scalars(sa.select(StatementLine).where(StatementLine.run_id == after.id)).all()
    assert [(line.kind, line.won) for line in lines if line.won] == [("adjustment", -260)]
    with pytest.raises(Problem, match="invalid"):
        decide(town, dispute(town), "refused", by_correction=True)


def test_a_line_has_one_open_dispute_and_what_was_credited_is_not_held_again(town: BilledTown, home: Home) -> None:
    first = dispute(town, held_won=900)
    assert (refusal(town).slug, refusal(town).extra["dispute"]) == ("line-disputed", first)
    decide(town, first, "accepted")
    assert list(refusal(town, held_won=401).extra["errors"]) == ["held_won"]
    dispute(town)
    assert [each.won for each in held(town, home)] == [400]


def test_a_decision_after_reopening_takes_the_place_of_the_one_before(town: BilledTown, home: Home) -> None:
    id_ = dispute(town, held_won=900)
    decide(town, id_, "partly", 400)
    reopen(town, id_)
    assert (shown(town, id_)["state"], shown(town, id_)["due_on"]) == ("open", date(2026, 12, 4))
    assert [each.won for each in held(town, home)] == [500]
    decide(town, id_, "accepted")
    reopen(town, id_)
    decide(town, id_, "refused")
    assert [won for _, won, _ in credits(town)] == [-400, -500, 900]
    assert (shown(town, id_)["state"], shown(town, id_)["credit_won"]) == ("refused", 0)


def test_what_is_closed_is_neither_decided_nor_withdrawn_and_what_is_open_not_reopened(
    town: BilledTown, home: Home
) -> None:
    id_ = dispute(town)
    with pytest.raises(Problem, match="dispute-not-closed"):
        reopen(town, id_)
    with town.database.begin() as session:
        service.withdraw(session, town.id, WHOLE, id_, "착오였음", CLERK, NOW)
    assert (shown(town, id_)["state"], held(town, home), credits(town)) == ("withdrawn", [], [])
    with pytest.raises(Problem, match="dispute-closed"):
        decide(town, id_, "accepted")
    with pytest.raises(Problem, match="dispute-closed"), town.database.begin() as session:
        service.withdraw(session, town.id, WHOLE, id_, "착오였음", CLERK, NOW)
    with town.database.begin() as session:
        service.note(session, town.id, WHOLE, id_, "전화로 알림", CLERK, NOW)
    assert [event["kind"] for event in shown(town, id_)["events"]] == ["opened", "withdrawn", "noted"]  # type: ignore[attr-defined]


def test_nobody_objects_to_a_preview_or_to_what_is_void_and_nothing_of_that_is_held(
    town: BilledTown, home: Home
) -> None:
    town.discharge(home, "2026-11-02", 2000)
    preview = town.preview("2026-11")
    with pytest.raises(Problem, match="statement-not-final"):
        dispute(town, statement=f"{preview.number}-0001")
    id_ = dispute(town)
    with town.database.begin() as session:
        run_id = session.scalar(sa.select(Dispute.run_id))
        key = {"district_id": town.id, "run_id": run_id, "serial": 1, "credit_note": "C-1", "won": -1300}
        said = {"without_reissue": True, "reason": "잘못된 세대", "actor": CLERK, "voided_at": NOW}
        session.add(StatementVoid(**key, **said))
    assert held(town, home) == []
    for refused in (lambda: dispute(town), lambda: decide(town, id_, "accepted")):
        with pytest.raises(Problem, match="statement-void"):
            refused()
    assert shown(town, id_)["state"] == "open"
    decide(town, id_, "refused")


def test_there_is_no_dispute_on_a_statement_that_is_not_there(town: BilledTown, home: Home) -> None:
    for statement in ("202610-W0G001-0009", "202610-W0G001-1", "202609-W0G001-0001", "nothing"):
        with pytest.raises(Problem, match="not-found"):
            dispute(town, statement=statement)


def test_a_manager_disputes_statements_of_their_complex_alone(town: BilledTown, home: Home) -> None:
    near, far = Reach(frozenset({town.complexes["W0G001"]})), Reach(frozenset({town.complexes["W0G002"]}))
    with pytest.raises(Problem, match="not-found"):
        dispute(town, reach=far)
    id_ = dispute(town, reach=near)
    with town.database.begin() as session:
        assert queries.dispute_page(session, town.id, far, TODAY) == []
        assert queries.counts(session, town.id, far, TODAY) == {"open": 0, "overdue": 0, "held_won": 0}
        with pytest.raises(Problem, match="not-found"):
            queries.dispute_detail(session, town.id, far, id_, TODAY)
        for use_case in (service.note, service.withdraw, service.reopen):
            with pytest.raises(Problem, match="not-found"):
                use_case(session, town.id, far, id_, "말", CLERK, NOW)
        assert queries.counts(session, town.id, near, TODAY)["open"] == 1


def test_of_two_who_decide_at_once_one_wins(town: BilledTown, home: Home) -> None:
    id_ = dispute(town, held_won=900)
    start, outcomes = threading.Barrier(2), []

    def run(state: str, credit_won: int | None) -> None:
        start.wait()
        try:
            decide(town, id_, state, credit_won)
            outcomes.append("decided")
        except Problem as problem:
            outcomes.append(problem.slug)

    both = [threading.Thread(target=run, args=args) for args in (("accepted", None), ("partly", 400))]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(outcomes) == ["decided", "dispute-closed"]
    after = shown(town, id_)
    assert [won for _, won, _ in credits(town)] == [-int(str(after["credit_won"]))]


def test_open_disputes_are_listed_by_their_due_day_page_by_page(town: BilledTown) -> None:
    for unit in ("1", "2", "3", "4"):
        town.discharge(town.home("101", unit), "2026-10-05", 1000)
    town.final("2026-10")
    numbers = [f"202610-W0G001-{serial:04d}" for serial in (1, 2, 3, 4)]
    opened = ("2026-11-20", "2026-11-12", "2026-11-12", "2026-11-15")
    a, b, c, d = (dispute(town, now=instant(day), statement=n) for n, day in zip(numbers, opened, strict=True))
    decide(town, d, "refused")
    with town.database.session() as session:

        def listed(which: str = "open", after: int | None = None, today: date = TODAY) -> list[int]:
            rows = queries.dispute_page(session, town.id, WHOLE, today, Wanted(which), after)
            return [int(row["id"]) for row in rows]

        assert listed() == [b, c, a]
        assert (listed(after=b), listed(after=a)) == ([c, a], [])
        assert (listed("overdue", today=date(2026, 11, 27)), listed("closed")) == ([b, c], [d])
        assert (listed("all"), listed("all", after=c)) == ([d, c, b, a], [b, a])
        today = date(2026, 11, 27)
        assert queries.counts(session, town.id, WHOLE, today) == {"open": 3, "overdue": 2, "held_won": 390}


def test_the_audit_log_names_the_dispute_and_not_the_residents_words(town: BilledTown, home: Home) -> None:
    id_ = dispute(town)
    decide(town, id_, "partly", 400)
    with town.database.session() as session:
        entries = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.action for entry in entries[-3:]] == ["dispute.opened", "adjustment.added", "dispute.decided"]
    assert entries[-3].subject == f"#{id_} 단지 W0G001"
    told = " ".join(str(value) for entry in entries for value in (entry.before, entry.after, entry.reason))
    assert "김철수" not in told
    assert "확인했습니다" not in told
