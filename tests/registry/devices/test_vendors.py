"""Vendors: staff keep them all, a vendor's people keep their own profile and see nobody else's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from app.db import Database
from app.registry.vendors.service import business_number
from tests.metering.staff import Staff

REAL = Path(__file__).parents[3].parent / "shared/data/bags/gangseo_sales_points.csv"
MAKER = {"code": "MF-1", "kind": "manufacturer", "name": "한빛봉투", "business_number": "124-81-00998"}


def test_a_business_number_checks_itself() -> None:
    assert business_number("124-81-00998") == "1248100998"
    assert business_number("220 81 62517") == "2208162517"
    assert [business_number(text) for text in ("124-81-00997", "12481009", "", "12481009９8")] == [None] * 4


@given(st.from_regex(r"\A[0-9]{9}\Z"))
def test_of_ten_last_digits_one_fits(nine: str) -> None:
    assert len([last for last in "0123456789" if business_number(nine + last)]) == 1


def test_staff_add_change_and_end_a_vendor(staff: Staff, booked: Callable[[], list[Any]]) -> None:
    assert staff.post("/vendors", MAKER).json["business_number"] == "1248100998"
    assert staff.post("/vendors", MAKER).json["type"] == "/problems/code-taken"
    patch = lambda body: staff.client.patch("/api/v1/vendors/MF-1", headers=staff.headers, json=body)  # noqa: E731
    assert patch({"phone": "02-123-4567", "memo": "단가 계약"}).json["phone"] == "02-123-4567"
    assert patch({"phone": "02-123-4567"}).status_code == 409, "nothing changes"
    assert patch({"phone": ""}).json["phone"] is None
    wrong = {"phone": "call me", "email": "nobody", "business_number": "1248100997"}
    assert patch(wrong).json["errors"].keys() == wrong.keys()
    assert staff.post("/vendors/MF-1/end", {"ended_on": "2026-12-31", "reason": "계약 종료"}).status_code == 204
    assert staff.get("/vendors?state=active").json["items"] == []
    assert [row["code"] for row in staff.get("/vendors?state=ended&search=한빛").json["items"]] == ["MF-1"]
    actions = ["vendor.added", "vendor.changed", "vendor.changed", "vendor.ended"]
    assert [action for action, *_ in booked()] == actions


def test_a_vendors_people_keep_their_profile_and_know_of_no_other(
    staff: Staff, program: Callable[..., FlaskClient], shop: int
) -> None:
    staff.post("/vendors", MAKER)
    staff.client.patch("/api/v1/vendors/SP-1", headers=staff.headers, json={"memo": "민원 있음"})
    mine = program("vendor", vendor_id=shop)
    assert mine.get("/api/v1/vendors").status_code == 403, "the list is the district's"
    assert mine.get("/api/v1/vendors/SP-1").json["memo"] is None, "what staff note is theirs"
    own = {"representative": "박영희", "phone": "010-9999-8888", "email": "shop@example.com", "address": "강서로 1"}
    changed = mine.patch("/api/v1/vendors/SP-1", json=own).json
    assert {name: changed[name] for name in own} == own
    assert mine.patch("/api/v1/vendors/SP-1", json={"name": "새 이름"}).json["errors"].keys() == {"name"}
    assert mine.get("/api/v1/vendors/MF-1").status_code == 404
    assert mine.patch("/api/v1/vendors/MF-1", json=own).status_code == 404
    assert mine.post("/api/v1/vendors/SP-1/end", json={"ended_on": "2026-12-31", "reason": "x"}).status_code == 403
    assert mine.get("/api/v1/meters").status_code == 403
    stranger = program("administrator", code="W0K")
    assert stranger.get("/api/v1/vendors/SP-1").status_code == 404
    assert stranger.patch("/api/v1/vendors/SP-1", json=own).status_code == 404


def test_the_audit_log_holds_nobodys_name_or_number(
    program: Callable[..., FlaskClient], shop: int, database: Database
) -> None:
    own = {"representative": "박영희", "phone": "010-9999-8888", "email": "young@example.com"}
    program("vendor", vendor_id=shop).patch("/api/v1/vendors/SP-1", json=own)
    with database.session() as session:
        rows = session.execute(sa.text("SELECT before, after FROM audit_entry")).all()
    told = "".join(f"{row.before}{row.after}" for row in rows)
    assert "phone" in told
    assert not [secret for secret in ("박영희", "김철수", "9999", "1234", "young") if secret in told]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_the_real_list_of_sales_points_comes_in_once(staff: Staff, terminal: Callable[..., str]) -> None:
    if not REAL.exists():
        pytest.skip(f"{REAL} is missing: the list of sales points is not part of the product.")
    words = ("vendor", "import", str(REAL), "--kind", "sales_point")
    assert "800 rows: 800 added, 0 skipped" in terminal(*words)
    assert "800 rows: 0 added, 800 skipped" in terminal(*words)
    assert len(staff.get("/vendors?kind=sales_point&limit=1000").json["items"]) == 800


def test_a_list_tells_of_rows_that_are_known_or_wrong(
    staff: Staff, terminal: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "shops.csv"
    file.write_text("name,address,phone\n가게,강서로 1,\n가 게,강서로 1,\n마트,강서로 2,call me\n")
    words = ("vendor", "import", str(file), "--kind", "sales_point")
    told = terminal(*words, "--dry-run")
    assert "line 3, 가 게: skipped: name and address are those of SP-2." in told
    assert "phone: This is no phone number." in told
    assert "3 rows: 1 added, 2 skipped" in told
    assert staff.get("/vendors").json["items"] == [], "it was a dry run"
    terminal(*words)
    assert [row["name"] for row in staff.get("/vendors").json["items"]] == ["가게"]
