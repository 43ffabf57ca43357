"""Terms, classes, weights and limits: in force from a month on, none of them in a month that is closed."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from app.access.models import AuditEntry
from app.access.reach import WHOLE, Reach
from app.problems import Problem
from app.registry.imports.sheets import File
from app.statements.terms import classes, policy, terms, weights
from app.statements.terms.models import PayerClass
from app.statements.terms.policy import Policy
from app.statements.terms.terms import Terms
from tests.statements.town import BilledTown, Home

NOW = datetime(2026, 11, 20, tzinfo=UTC)
GURO = Terms("complex", "held", "weight")
OCTOBER, NOVEMBER, JANUARY = date(2026, 10, 1), date(2026, 11, 1), date(2027, 1, 1)


def change(town: BilledTown, first_month: date, wanted: Terms = GURO, codes: tuple[str, ...] = ("W0G001",)) -> int:
    with town.database.begin() as session:
        return terms.change(session, town.id, codes, first_month, wanted, "협약", "kim", NOW)


def in_force(town: BilledTown, month: date) -> dict[str, Terms]:
    with town.database.session() as session:
        found = terms.of_complexes(session, town.id, town.complexes.values(), month)
    return {code: found[id_] for code, id_ in town.complexes.items()}


def set_class(town: BilledTown, home: Home, month: date, code: str = "basic_livelihood", reach: Reach = WHOLE) -> None:
    with town.database.begin() as session:
        classes.set_class(session, town.id, home.tenancy_id, month, code, "수급자 증명서", "kim", NOW, reach)


def weigh(town: BilledTown, month: date, **grams: int) -> int:
    with town.database.begin() as session:
        return weights.set_weights(session, town.id, month, grams, "계량표 12호", "kim", NOW)


def audited(town: BilledTown) -> list[Any]:
    with town.database.session() as session:
        return list(session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)))


def slug(refused: Any) -> str:
    with pytest.raises(Problem) as told:
        refused()
    return told.value.slug


def test_terms_hold_from_their_first_month_on_and_are_usual_without(town: BilledTown) -> None:
    assert change(town, NOVEMBER) == 1
    assert in_force(town, OCTOBER) == {"W0G001": Terms(), "W0G002": Terms()}
    assert in_force(town, JANUARY) == {"W0G001": GURO, "W0G002": Terms()}
    assert change(town, NOVEMBER, GURO, ("W0G001", "W0G002")) == 1  # only the one that changes
    assert change(town, NOVEMBER, Terms("prepaid")) == 1  # a later revision of the same month counts
    assert in_force(town, JANUARY)["W0G001"] == Terms("prepaid")
    assert [entry.action for entry in audited(town)] == ["terms.set"] * 3
    assert slug(lambda: change(town, NOVEMBER, Terms("prepaid"))) == "nothing-changes"
    assert slug(lambda: change(town, NOVEMBER, Terms("barter"))) == "invalid"
    assert slug(lambda: change(town, NOVEMBER, GURO, ("W0G009",))) == "invalid"
    assert slug(lambda: change(town, date(2026, 11, 2))) == "invalid"


def test_terms_classes_and_weights_of_a_closed_month_stay(town: BilledTown) -> None:
    home, neighbour = town.home("101", "101"), town.home("101", "101", complex="W0G002")
    town.final("2026-10")
    assert slug(lambda: change(town, OCTOBER)) == "month-closed"
    assert slug(lambda: set_class(town, home, OCTOBER)) == "month-closed"
    assert slug(lambda: weigh(town, OCTOBER, W0G001=1)) == "month-closed"
    change(town, OCTOBER, codes=("W0G002",))  # whose month is open
    set_class(town, neighbour, OCTOBER)
    weigh(town, OCTOBER, W0G002=1)
    change(town, NOVEMBER)
    set_class(town, home, NOVEMBER)
    weigh(town, NOVEMBER, W0G001=1)


def test_a_class_follows_the_tenancy_by_month_and_its_offered_class_is_made_on_first_use(town: BilledTown) -> None:
    home, other = town.home("101", "101"), town.home("101", "102")
    set_class(town, home, NOVEMBER)
    set_class(town, home, JANUARY, "general")
    with town.database.session() as session:
        assert session.get(PayerClass, (town.id, "basic_livelihood")) is not None
        ids = [home.tenancy_id, other.tenancy_id]
        by_month = [terms.classes_of(session, town.id, ids, month) for month in (OCTOBER, NOVEMBER, JANUARY)]
        assert [found[home.tenancy_id] for found in by_month] == ["general", "basic_livelihood", "general"]
        assert {found[other.tenancy_id] for found in by_month} == {"general"}
        assert terms.classes_of(session, town.id, None, NOVEMBER) == {home.tenancy_id: "basic_livelihood"}
    assert slug(lambda: set_class(town, home, JANUARY, "general")) == "nothing-changes"
    assert slug(lambda: set_class(town, home, JANUARY, "nobles")) == "invalid"


def test_the_audit_log_and_masked_reads_do_not_tell_the_class(town: BilledTown) -> None:
    home = town.home("101", "101")
    set_class(town, home, NOVEMBER)
    (entry,) = audited(town)
    told = " ".join(str(getattr(entry, column.key)) for column in AuditEntry.__table__.columns)
    assert entry.action == "household.payer_class_set"
    assert "basic_livelihood" not in told
    assert "수급자" not in told
    with town.database.session() as session:
        (masked,) = classes.of_household(session, town.id, home.household_id, WHOLE, may_see=False)
        (seen,) = classes.of_household(session, town.id, home.household_id, WHOLE, may_see=True)
    assert [(each["payer_class"], each["reason"]) for each in masked["classes"]] == [(None, None)]
    assert [each["payer_class"] for each in seen["classes"]] == ["basic_livelihood"]


def test_a_household_out_of_reach_does_not_exist(town: BilledTown) -> None:
    home = town.home("101", "101")
    elsewhere = Reach(frozenset({town.complexes["W0G002"]}))
    assert slug(lambda: set_class(town, home, NOVEMBER, reach=elsewhere)) == "not-found"
    set_class(town, home, NOVEMBER)
    with town.database.session() as session:
        assert classes.members(session, town.id, elsewhere, NOVEMBER) == []
        (member,) = classes.members(session, town.id, WHOLE, NOVEMBER)
        assert (member["complex"], member["building"], member["unit"]) == ("W0G001", "101", "101")
        assert classes.members(session, town.id, WHOLE, OCTOBER) == []
        assert [row["code"] for row in terms.listed(session, town.id, elsewhere, NOVEMBER)] == ["W0G002"]


def test_a_class_of_the_districts_own_has_a_code_of_its_own(town: BilledTown) -> None:
    def add(code: str, name: str = "노점") -> None:
        with town.database.begin() as session:
            classes.add(session, town.id, code, name, "Stall", "kim", NOW)

    add("market_stall")
    assert [slug(lambda code=code: add(code)) for code in ("market_stall", "general", "near_poor")] == [
        "code-taken"
    ] * 3
    assert slug(lambda: add("X")) == slug(lambda: add("shop", " ")) == "invalid"
    with town.database.session() as session:
        rows = {row["code"]: row["used"] for row in classes.listed(session, town.id)}
    assert (rows["market_stall"], rows["general"], rows["near_poor"]) == (True, True, False)


def test_weights_of_a_month_can_be_put_right_until_it_is_closed(town: BilledTown) -> None:
    assert weigh(town, OCTOBER, W0G001=1_234_500, W0G002=0) == 2
    assert weigh(town, OCTOBER, W0G001=1_234_600, W0G002=0) == 1
    with town.database.session() as session:
        assert terms.weights_of(session, town.id, OCTOBER) == {1: 1_234_600, 2: 0}
        assert terms.weights_of(session, town.id, NOVEMBER) == {}
    assert slug(lambda: weigh(town, OCTOBER, W0G002=0)) == "nothing-changes"
    assert slug(lambda: weigh(town, OCTOBER, W0G009=1)) == "invalid"
    assert slug(lambda: weigh(town, OCTOBER, W0G001=-1)) == "invalid"


def test_a_file_of_weights_is_checked_line_by_line_before_anything_is_written(town: BilledTown) -> None:
    town.home("101", "101", complex="W0G002")
    town.final("2026-10", "W0G002")
    lines = ["complex,name,kg", 'W0G001,가,"1,234.5"', "W0G002,나,10", "W0G009,다,1", "W0G001,라,2", "W0G001,마,"]
    file = File("weights.csv", "\r\n".join(lines).encode("cp949"))
    with town.database.session() as session:
        checked = weights.check_file(session, town.id, OCTOBER, file)
        assert terms.weights_of(session, town.id, OCTOBER) == {}
    assert [each.weighed_g for each in checked] == [1_234_500, 10_000, 1_000, 2_000]
    assert [each.wrong is not None for each in checked] == [False, True, True, True]
    assert weights.usable(checked) == {"W0G001": 1_234_500}


@pytest.mark.parametrize(
    ("text", "grams"),
    [("12.4", 12_400), ("1,234.567 kg", 1_234_567), ("0", 0), (".5", 500)],
)
def test_kilograms_are_read_to_the_gram(text: str, grams: int) -> None:
    assert weights.grams_of(text) == grams


@pytest.mark.parametrize("text", ["", "-1", "1,23", "1.2345", "NaN", "1e99", "kg", "12.4 t"])
def test_what_is_no_weight_to_the_gram_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no weight"):
        weights.grams_of(text)


def test_limits_are_usual_until_set_and_bounded(town: BilledTown) -> None:
    def limit(wanted: Policy) -> None:
        with town.database.begin() as session:
            policy.change(session, town.id, wanted, "kim", NOW)

    with town.database.session() as session:
        assert policy.of(session, town.id) == Policy(12, 5, 14, 30)
    limit(Policy(review_days=7))
    limit(Policy(late_months=6, review_days=7))
    with town.database.session() as session:
        assert policy.of(session, town.id) == Policy(6, 7, 14, 30)
    assert [entry.after for entry in audited(town)] == ['{"review_days": 7}', '{"late_months": 6}']
    assert slug(lambda: limit(Policy(late_months=6, review_days=7))) == "nothing-changes"
    assert slug(lambda: limit(Policy(reply_days=0))) == "invalid"
