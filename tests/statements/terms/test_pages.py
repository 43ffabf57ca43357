"""Tariffs and terms on pages and by the API: tried, added, refused in words, within what each may see."""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.access import accounts
from app.access.models import Account
from app.times import now
from billing.days import month_after, month_of, service_day
from tests.access.people import add_person
from tests.statements.town import BilledTown

# What the databases do differently is tried with the services.
pytestmark = pytest.mark.parametrize("dialect", ["sqlite"])
DRAFT = {"scheme": "household", "payer_class": "general", "won_1": "80", "from_kg_2": "10", "won_2": "120"}
ADDED = DRAFT | {"first_day": "2099-01-01", "reference": "조례 제10조"}


class Caller:
    """Somebody with a token, at pages and at the API."""

    def __init__(self, app: Flask, town: BilledTown, role: str, complex_ids: tuple[int, ...] = ()) -> None:
        self.client = app.test_client()
        add_person(town.database, role, role=role, complex_ids=complex_ids)
        with town.database.begin() as session:
            account = session.scalars(sa.select(Account).where(Account.login == role)).one()
            scopes = accounts.scopes_of(account)
            token = accounts.add_token(session, account, "desk", scopes, now(), now() + timedelta(days=1))
        self.headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}

    def page(self, path: str, form: Any = None, **query: Any) -> Any:
        options: dict[str, Any] = {"headers": self.headers | {"Accept": "text/html"}, "query_string": query}
        return self.client.get(path, **options) if form is None else self.client.post(path, data=form, **options)

    def api(self, path: str, body: Any = None, method: str = "POST") -> Any:
        path = f"/api/v1/billing{path}"
        if body is None:
            return self.client.get(path, headers=self.headers)
        return self.client.open(path, method=method, headers=self.headers, json=body)


@pytest.fixture
def caller(app: Flask, town: BilledTown) -> Callable[..., Caller]:
    return lambda role="administrator", *complex_ids: Caller(app, town, role, complex_ids)


def text(answer: Any) -> str:
    """A page without its tags, blanks joined."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_a_draft_is_tried_explained_and_then_added(caller: Callable[..., Caller]) -> None:
    kim = caller()
    assert "Checked, not added yet" not in kim.page("/billing/tariffs/new").text
    checked = text(kim.page("/billing/tariffs/new", **ADDED))
    assert "owes 1,088 won" in checked
    assert "2.40 kg × 120 won/kg = 288 won" in checked
    assert "2099" not in text(kim.page("/billing/tariffs"))
    assert kim.page("/billing/tariffs/new", ADDED).status_code == 302
    shown = text(kim.page("/billing/tariffs"))
    assert "80 won/kg, 120 won/kg from 10.00 kg" in shown
    assert "Dec 31, 2098" in shown
    again = kim.page("/billing/tariffs/new", ADDED)
    assert again.status_code == 422
    assert "A tariff begins on that day already" in again.text


def test_a_tariff_is_changed_in_its_place_and_withdrawn(caller: Callable[..., Caller]) -> None:
    kim = caller()
    kim.page("/billing/tariffs/new", ADDED)
    form = kim.page("/billing/tariffs/new", copy="2", replace="1").text
    assert 'name="replaces" value="2"' in form
    assert kim.page("/billing/tariffs/new", ADDED | {"won_1": "90", "replaces": "2"}).status_code == 302
    assert "90 won/kg" in text(kim.page("/billing/tariffs"))
    assert kim.page("/billing/tariffs", {"tariff": "2", "reason": "공포 연기"}).status_code == 422
    assert kim.page("/billing/tariffs", {"tariff": "3", "reason": "공포 연기"}).status_code == 302
    assert kim.page("/billing/tariffs", {"tariff": "77", "reason": "공포 연기"}).status_code == 404
    assert [each["id"] for each in kim.api("/tariffs").json["items"]] == [1]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"first_day": "2099-13-01"}, "Write a day as 2026-10-31."),
        ({"won_2": ""}, "Write a price for every tier."),
        ({"from_kg_2": "ten"}, "Write kilograms as 12.4."),
        ({"won_2": "70"}, "Let more waste never become cheaper."),
        ({"rounded_at": "discharge"}, "can have neither tiers nor free weight"),
        ({"round_to_won": "x"}, "Write a whole number."),
        ({"won_1": "80,5,x"}, "is no number"),
    ],
)
def test_what_is_wrong_with_a_draft_is_told_and_what_was_typed_stays(
    caller: Callable[..., Caller], changes: dict[str, str], told: str
) -> None:
    answer = caller().page("/billing/tariffs/new", **ADDED | changes)
    assert answer.status_code == 422
    assert told in text(answer)
    assert 'value="조례 제10조"' in answer.text


def test_a_closed_month_is_named_with_the_first_day_possible(caller: Callable[..., Caller], town: BilledTown) -> None:
    town.final("2026-10")
    kim = caller()
    assert "so Nov 1, 2026 is the first day possible" in text(kim.page("/billing/tariffs/new"))
    answer = kim.page("/billing/tariffs/new", ADDED | {"first_day": "2026-10-31"})
    assert answer.status_code == 422
    assert "Write 2026-11-01 or later: the months before are closed." in answer.text
    body = {"scheme": "household", "first_day": "2026-10-31", "reference": "조례"}
    refused = kim.api("/tariffs", body | {"terms": {"tiers": [{"from_g": 0, "won_per_kg": "140"}]}})
    assert (refused.status_code, refused.json["earliest"]) == (409, "2026-11-01")


def test_a_month_is_compared_within_what_somebody_sees(caller: Callable[..., Caller], town: BilledTown) -> None:
    town.discharge(town.home("101", "101"), "2026-10-05", 10_000)
    town.discharge(town.home("102", "201", complex="W0G002"), "2026-10-05", 20_000)
    asked = {"won_1": "140", "month": "2026-10"}
    everything = text(caller().page("/billing/what-if", **asked))
    assert "3,900 won" in everything
    assert "4,200 won" in everything
    assert "+300 won" in everything
    manager = caller("manager", town.complexes["W0G001"])
    own = text(manager.page("/billing/what-if", **asked))
    assert "1,400 won" in own
    assert "W0G002" not in own
    assert manager.page("/billing/what-if", **asked | {"complex": "W0G002"}).status_code == 404
    found = manager.api("/what-if?won_per_kg=140&month=2026-10").json
    assert found["total"] == {"before": 1_300, "after": 1_400, "difference": 100}
    assert manager.api("/what-if?month=2026-10").status_code == 422
    assert manager.api("/what-if?terms=[]").status_code == 422


def test_complexes_are_billed_otherwise_by_page_one_or_several(caller: Callable[..., Caller], town: BilledTown) -> None:
    kim = caller()
    later = f"{month_after(month_of(service_day(now()))):%Y-%m}"
    wanted = {"scheme": "complex", "suspense": "held", "sharing": "weight", "first_month": later, "reason": "협약"}
    assert kim.page("/billing/terms", wanted | {"which": "chosen"}).status_code == 422
    assert kim.page("/billing/terms", wanted | {"which": "chosen", "complexes": ["W0G002"]}).status_code == 302
    assert kim.page("/billing/terms/W0G001", wanted).status_code == 302
    shown = text(kim.page("/billing/terms", month=later))
    assert shown.count("the complex, shared by its households") == 2 + 1  # and the choice of the form
    assert "협약" in kim.page("/billing/terms/W0G001").text
    assert kim.page("/billing/terms/W0G001", wanted).status_code == 422
    assert [row["scheme"] for row in kim.api(f"/terms?month={later}").json["items"]] == ["complex"] * 2
    body = {"complexes": ["W0G001"], "first_month": later, "scheme": "prepaid", "reason": "협약"}
    assert kim.api("/terms", body).json == {"changed": 1}
    manager = caller("manager", town.complexes["W0G001"])
    assert manager.page("/billing/terms/W0G002").status_code == 404
    assert manager.page("/billing/terms/W0G001", wanted).status_code == 403
    assert "W0G002" not in manager.page("/billing/terms").text


def test_weights_come_from_a_file_that_is_checked_first_or_by_hand(
    caller: Callable[..., Caller], town: BilledTown
) -> None:
    kim = caller()
    town.terms("W0G001", "complex")
    table = kim.page("/billing/weights.csv", month="2026-10").text
    assert table.removeprefix("\ufeff").splitlines() == ["complex,name,kg", "W0G001,단지 W0G001,"]

    def check(content: str) -> Any:
        file = (io.BytesIO(content.encode()), "w.csv")
        return kim.page("/billing/weights", {"action": "check", "month": "2026-10", "file": file})

    assert "Correct the lines that are marked" in check("complex,kg\nW0G001,x\n").text
    assert check("kg\n1\n").status_code == 422
    assert check("complex,kg\nW0G001,1234.5\n").text.count("can be used") == 1
    assert kim.api("/weights?month=2026-10").json["items"] == []
    form = {"action": "set", "month": "2026-10", "source": "계량표"}
    assert kim.page("/billing/weights", form | {"kg_W0G001": "heavy"}).status_code == 422
    assert kim.page("/billing/weights", form | {"kg_W0G001": "1,234.5"}).status_code == 302
    (row,) = kim.api("/weights?month=2026-10").json["items"]
    assert (row["complex"], row["weighed_g"], row["source"]) == ("W0G001", 1_234_500, "계량표")
    body = {"month": "2026-10", "weights": [{"complex": "W0G001", "weighed_g": 5}], "source": "계량표"}
    assert kim.api("/weights", body).json == {"changed": 1}


def test_a_class_is_set_by_page_and_seen_only_by_those_who_set_it(
    caller: Callable[..., Caller], town: BilledTown
) -> None:
    home = town.home("101", "1203")
    kim = caller()
    place = {"complex": "W0G001", "building": "101", "unit": "1203"}
    wanted = {"action": "set", "tenancy": str(home.tenancy_id), "payer_class": "basic_livelihood"}
    wanted |= {"first_month": f"{month_of(service_day(now())):%Y-%m}", "reason": "수급자 증명서"}
    assert kim.page("/billing/classes", wanted | place).status_code == 302
    assert kim.page("/billing/classes", wanted | place).status_code == 422
    assert "수급자 증명서" in kim.page("/billing/classes", **place).text
    viewer, manager = caller("viewer"), caller("manager", town.complexes["W0G001"])
    for masked in (viewer, manager):
        shown = masked.page("/billing/classes", **place).text
        assert "수급자 증명서" not in shown
        assert "not shown" in shown
        (tenancy,) = masked.api(f"/households/{home.household_id}/classes").json["items"]
        assert [each["payer_class"] for each in tenancy["classes"]] == [None]
    body = {"payer_class": "general", "first_month": "2099-01", "reason": "자격 종료"}
    assert kim.api(f"/households/{home.household_id}/classes", body).status_code == 204
    (tenancy,) = kim.api(f"/households/{home.household_id}/classes").json["items"]
    assert [each["payer_class"] for each in tenancy["classes"]] == ["basic_livelihood", "general"]


def test_a_class_of_the_districts_own_is_added_by_page_and_by_program(caller: Callable[..., Caller]) -> None:
    kim = caller()
    stall = {"code": "market_stall", "name_ko": "시장 점포", "name_en": "Market stall"}
    assert kim.page("/billing/classes", {"action": "add"} | stall).status_code == 302
    assert kim.page("/billing/classes", {"action": "add"} | stall).status_code == 422
    assert "Market stall" in kim.page("/billing/classes").text
    assert kim.api("/payer-classes", stall | {"code": "shop"}).status_code == 204
    assert {"market_stall", "shop"} <= {row["code"] for row in kim.api("/payer-classes").json["items"]}


def test_limits_are_set_by_page_and_by_program(caller: Callable[..., Caller]) -> None:
    kim = caller()
    usual = {"late_months": 12, "review_days": 5, "reply_days": 14, "pay_days": 30}
    assert kim.api("/limits").json == usual
    assert kim.page("/billing/limits", usual | {"review_days": "7"}).status_code == 302
    refused = kim.page("/billing/limits", usual | {"review_days": "soon"})
    assert refused.status_code == 422
    assert "Write a number from 0 to 60." in refused.text
    assert kim.api("/limits", usual, "PUT").status_code == 204
    assert kim.api("/limits", usual, "PUT").status_code == 409
