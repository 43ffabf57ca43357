"""Previews, review and closing of one complex's month."""

from tests.statements.town import BilledTown


def test_a_month_is_previewed_and_closed(town: BilledTown) -> None:
    home = town.home("101", "1203")
    town.home("101", "101")
    town.discharge(home, "2026-10-05", 410)
    town.discharge(home, "2026-10-31 23:59", 12_000)
    town.discharge(home, "2026-11-01 00:00", 5_000)
    made = town.preview("2026-10")
    assert (made.number, made.state, made.statements, made.grams) == ("202610-W0G001", "preview", 2, 12_410)
    assert made.won == 1_613
    final = town.finalise("2026-10")
    assert final == made._replace(state="final")
