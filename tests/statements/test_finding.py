"""Statements are found by where somebody lives, within the reader's reach alone, page by page."""

from app.access.reach import WHOLE, Reach
from app.statements.finding import After, Row, Sought, statements
from tests.statements.town import BilledTown

ALL = Sought()


def found(town: BilledTown, sought: Sought = ALL, reach: Reach = WHOLE, **page: object) -> list[Row]:
    with town.database.session() as session:
        return statements(session, town.id, sought, reach, **page)  # type: ignore[arg-type]


def numbers(rows: list[Row]) -> list[str]:
    return [row["number"] for row in rows]


def settle(town: BilledTown) -> None:
    """Two units in W0G001 and one in W0G002; September is final, October a preview in W0G001 alone."""
    for unit in ("1203", "1204"):
        home = town.home("101", unit)
        town.discharge(home, "2026-09-05", 410)
    town.home("101", "1203", complex="W0G002")
    for code in town.complexes:
        town.final("2026-09", code)
    town.preview("2026-10")


def test_the_newest_month_comes_first_and_units_in_their_order(town: BilledTown) -> None:
    settle(town)
    of_complex = found(town, Sought(complex="W0G001"))
    assert numbers(of_complex) == [
        *("202610-W0G001-0001", "202610-W0G001-0002", "202609-W0G001-0001", "202609-W0G001-0002")
    ]
    assert [(row["unit"], row["state"], row["grams"], row["won"]) for row in of_complex] == [
        *(("1203", "preview", 0, 0), ("1204", "preview", 0, 0)),
        *(("1203", "final", 410, 53), ("1204", "final", 410, 53)),
    ]


def test_building_unit_household_and_run_narrow_the_search_as_people_write_them(town: BilledTown) -> None:
    settle(town)
    by_unit = found(town, Sought(building="101동", unit="1203호"))
    assert sorted(numbers(by_unit)) == ["202609-W0G001-0001", "202609-W0G002-0001", "202610-W0G001-0001"]
    first, last = by_unit[0], by_unit[-1]
    assert numbers(found(town, Sought(run_id=first["run_id"]))) == ["202610-W0G001-0001", "202610-W0G001-0002"]
    assert found(town, Sought(household_id=last["household_id"]))[-1] == last
    assert found(town, Sought(unit="999")) == []


def test_nothing_outside_of_the_readers_reach_is_found(town: BilledTown) -> None:
    settle(town)
    lees = Reach(frozenset({town.complexes["W0G002"]}))
    assert numbers(found(town, Sought(unit="1203"), lees)) == ["202609-W0G002-0001"]
    assert found(town, Sought(complex="W0G001"), lees) == []
    assert found(town, reach=Reach(frozenset())) == []


def test_pages_go_on_where_the_one_before_ended(town: BilledTown) -> None:
    settle(town)
    whole, after, pages = numbers(found(town)), None, list[str]()
    while page := found(town, after=after, limit=2):
        pages += numbers(page)
        after = After(page[-1]["month"], page[-1]["run_id"], page[-1]["serial"])
    assert pages == whole
    assert len(whole) == 5
