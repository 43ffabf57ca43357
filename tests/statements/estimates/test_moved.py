"""An estimate for days on which, as becomes known later, the tenant had moved out already."""

from datetime import date

from app.registry import moves
from app.registry.places import home_of
from app.statements.estimates import service
from tests.statements.corrections.reading import lines_of
from tests.statements.town import CLERK, BilledTown, instant


def test_who_had_moved_out_before_the_days_of_an_estimate_pays_nothing_for_them(town: BilledTown) -> None:
    home = town.home("101", "1203")
    for day in range(12, 31):
        town.discharge(home, f"2026-09-{day}", 1_000)
    town.final("2026-09")
    with town.database.begin() as session:
        wanted = service.Wanted("W0G001", date(2026, 10, 10), date(2026, 10, 12), "고장")
        service.add(session, town.id, wanted, CLERK, instant("2026-10-20"))
    town.final("2026-10")
    (estimated,) = [line for line in lines_of(town, home) if line.kind == "estimated"]
    assert estimated.won > 0
    with town.database.begin() as session:
        stay = moves.Stay(start=instant("2026-10-05 00:00"), end=None, card=None, resident=None)
        moves.change_tenant(
            session, town.id, home_of(session, town.id, home.household_id), stay, CLERK, instant("2026-11-15")
        )
    town.final("2026-11")
    assert sum(line.won for line in lines_of(town, home) if line.month == "2026-10") == 0
