"""What a manager may take back, how a file may be called and how long it may be."""

import io

import pytest
import sqlalchemy as sa

from app.access.models import AccountComplex
from app.db import Database
from app.metering.imports import desk
from tests.metering.reading import problem, rows_of
from tests.metering.staff import Staff
from tests.metering.test_household_api import COLUMNS, manager, send, staff  # noqa: F401 - fixtures


@pytest.mark.parametrize(
    "body",
    ["W0G099,901,102,,2026-03-02,,,,", "W0G099,901,101,0D0031AAA1,2026-03-02,,김철수,,"],
    ids=["of a new household", "of one that was there"],
)
def test_a_manager_takes_back_no_file_of_a_complex_that_is_theirs_no_more(
    manager: Staff,  # noqa: F811
    database: Database,
    body: str,
) -> None:
    send(manager, f"{COLUMNS}\n{body}")
    with database.begin() as session:
        session.execute(sa.update(AccountComplex).values(complex_id=1))
    assert problem(manager.post("/imports/1/undo", {})) == (404, "not-found")
    assert rows_of(database, "SELECT undone_at FROM import_batch") == [(None,)]
    with database.begin() as session:
        session.execute(sa.update(AccountComplex).values(complex_id=99))
    assert manager.post("/imports/1/undo", {}).status_code == 200


def test_a_file_is_called_what_a_database_can_store(staff: Staff) -> None:  # noqa: F811
    sent = {"file": (io.BytesIO(f"{COLUMNS}\nW0G001,101,1301,,2026-03-02,,,,".encode()), "../a\0b" + "c" * 300)}
    answer = staff.client.post("/api/v1/imports?kind=households", headers=staff.headers, data=sent)
    assert answer.status_code == 200, answer.text
    (past,) = staff.get("/imports").json["items"]
    assert (past["name"].strip("c"), len(past["name"])) == ("", desk.LONGEST_NAME)


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_file_of_more_lines_than_any_district_needs_is_not_read(
    staff: Staff,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(desk, "MOST_LINES", 1)
    rows = "\nW0G001,101,1301,,2026-03-02,,,,"
    assert send(staff, COLUMNS + rows, dry_run=True).status_code == 200
    assert problem(send(staff, COLUMNS + rows * 2, dry_run=True)) == (422, "invalid")


def test_the_next_page_tells_nothing_of_a_household_elsewhere(staff: Staff, manager: Staff) -> None:  # noqa: F811
    (mine,) = manager.get("/households").json["items"]
    assert mine["complex"] == "W0G099"
    for elsewhere in (1, 98):
        assert manager.get(f"/households?after={elsewhere}").json["items"] == []
