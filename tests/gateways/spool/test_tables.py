"""Notices, refused cards, commands, lists: what comes and goes beside the records."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateways.cards import Card, CardRule
from gateways.spool import CommandResult, Spool, open_spool
from tests.gateways.spool.support import BOOT, CARD, MOMENT, NOW, hurry, put

HOUSEHOLD, COLLECTOR = CardRule("allowed", "household"), CardRule("allowed", "collector")


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with closing(open_spool(tmp_path / "spool.db")) as opened:
        yield opened


def cards(count: int, rule: CardRule = HOUSEHOLD) -> dict[str, CardRule]:
    return {f"{n:032x}": rule for n in range(count)}


def test_notices_wait_in_order_until_they_were_heard(spool: Spool) -> None:
    for kind in ("new_epoch", "wrong_device", "key_rotated"):
        spool.add_notice(kind, f"about {kind}", MOMENT, BOOT)
    first, second = spool.notices(2)
    assert (first.kind, first.detail, first.at, first.clock) == (
        "new_epoch",
        "about new_epoch",
        "2026-11-22T09:00:00.000Z",
        "synced",
    )
    assert (first.boot_id, first.mono_ms) == (BOOT, 1000)
    spool.forget_notices([first.id, second.id])
    spool.add_notice("disk_ok", "", MOMENT, BOOT)
    left = spool.notices(10)
    assert [row.kind for row in left] == ["key_rotated", "disk_ok"]
    assert left[1].id > left[0].id > second.id  # an id names one notice for ever


def test_of_endless_notices_the_newest_thousand_are_kept(spool: Spool) -> None:
    hurry(spool)
    for n in range(1100):
        spool.add_notice("wrong_device", str(n), MOMENT, BOOT)
    assert [row.detail for row in spool.notices(5000)] == [str(n) for n in range(100, 1100)]


def test_of_a_refused_card_the_newest_touch_at_each_meter_is_kept(spool: Spool) -> None:
    other = Card("cd" * 16, "0001")
    for meter, card, reason in [
        ("a", CARD, "card_unknown"),
        ("b", CARD, "card_unknown"),
        ("a", other, "card_unknown"),
        ("a", CARD, "card_blocked"),
    ]:
        spool.note_touch(meter, card, reason, MOMENT, BOOT)
    found = [(row.meter, row.card, row.reason) for row in spool.touches(10)]
    assert found == [("a", CARD, "card_blocked"), ("a", other, "card_unknown"), ("b", CARD, "card_unknown")]


def test_a_touch_repeated_while_a_status_was_under_way_is_told_again(spool: Spool) -> None:
    spool.note_touch("a", CARD, "card_unknown", MOMENT, BOOT)
    sent = [row.id for row in spool.touches(50)]
    spool.note_touch("a", CARD, "card_unknown", MOMENT, BOOT)
    spool.forget_touches(sent)
    (again,) = spool.touches(50)
    spool.forget_touches([again.id])
    assert spool.touches(50) == []


def test_of_many_refused_cards_the_newest_five_hundred_are_kept(spool: Spool) -> None:
    hurry(spool)
    for n in range(520):
        spool.note_touch("a", Card(f"{n:032x}", f"{n:04}"), "card_unknown", MOMENT, BOOT)
    last4 = [row.card.last4 for row in spool.touches(1000)]
    assert last4 == [f"{n:04}" for n in range(519, 19, -1)]


def test_other_states_collapse_to_the_newest_of_a_kind(spool: Spool) -> None:
    for body in (b"1", b"2"):
        spool.put_status("ports", body)
    spool.put_status("fill", b"3")
    assert spool.statuses() == {"ports": b"2", "fill": b"3"}


def test_a_command_is_taken_once_and_its_first_result_told_until_heard(spool: Spool) -> None:
    assert spool.receive_command("one", "open_lid", b"{}", NOW + timedelta(minutes=5))
    assert not spool.receive_command("one", "open_lid", b"{}", NOW + timedelta(minutes=5))
    (command,) = spool.open_commands()
    assert (command.id, command.kind, command.body) == ("one", "open_lid", b"{}")
    assert command.expires_at == NOW + timedelta(minutes=5)
    spool.finish_command("one", "done", "")
    spool.finish_command("one", "failed", "too late to say")
    assert spool.open_commands() == []
    assert spool.command_results(50) == [CommandResult("one", "done", "")]
    spool.forget_results(["one"])
    assert spool.command_results(50) == []
    assert not spool.receive_command("one", "open_lid", b"{}", NOW + timedelta(minutes=5))


def test_a_commands_id_is_known_for_thirty_days_after_it_expired(spool: Spool) -> None:
    def take(command_id: str) -> bool:
        return spool.receive_command(command_id, "sync_cards", b"{}", NOW)

    assert take("told")
    assert take("untold")
    for command_id in ("told", "untold"):
        spool.finish_command(command_id, "done", "")
    spool.forget_results(["told"])
    spool.acknowledge(spool.epoch(), [], NOW + timedelta(days=30))
    assert not take("told")
    spool.acknowledge(spool.epoch(), [], NOW + timedelta(days=30, seconds=1))
    assert take("told")  # by then the server does not repeat it, and it has expired
    assert not take("untold")


def test_a_list_of_cards_is_replaced_changed_and_knows_how_long_it_holds(spool: Spool) -> None:
    assert spool.cards_status().version is None
    assert spool.cards_status().is_expired(NOW)
    spool.replace_cards("1", cards(3), 3600, NOW)
    spool.change_cards(
        "2", {f"{9:032x}": COLLECTOR, f"{0:032x}": CardRule("blocked", "household")}, [f"{1:032x}"], 3600, NOW
    )
    status = spool.cards_status()
    assert (status.version, status.count, status.received_at, status.valid_for_s) == ("2", 3, NOW, 3600)
    assert spool.card(f"{9:032x}") == COLLECTOR
    assert spool.card(f"{0:032x}") == CardRule("blocked", "household")
    assert spool.card(f"{1:032x}") is None
    assert not status.is_expired(NOW + timedelta(seconds=3599))
    assert status.is_expired(NOW + timedelta(seconds=3600))
    spool.change_cards("2", {}, [], 3600, NOW + timedelta(hours=1))
    assert not spool.cards_status().is_expired(NOW + timedelta(hours=1))


def test_a_list_that_cannot_be_taken_whole_leaves_the_old_one(spool: Spool) -> None:
    spool.replace_cards("1", cards(3), 3600, NOW)
    broken = {**cards(2, COLLECTOR), "x": CardRule("allowed", None)}  # type: ignore[arg-type]
    with pytest.raises(Exception, match="NOT NULL"):
        spool.replace_cards("2", broken, 3600, NOW)
    assert (spool.cards_status().version, spool.cards_status().count) == ("1", 3)
    assert spool.card(f"{0:032x}") == HOUSEHOLD


def test_the_tariff_comes_back_to_the_won(spool: Spool) -> None:
    assert spool.tariff() == []
    steps = [(date(2026, 1, 1), Decimal("130")), (date(2027, 1, 1), Decimal("137.50"))]
    spool.keep_tariff(reversed(steps))
    assert spool.tariff() == steps
    spool.keep_tariff([])
    assert spool.tariff() == []


def test_beside_a_running_gateway_the_spool_can_be_read_but_not_written(spool: Spool) -> None:
    put(spool)
    with closing(Spool(spool.path, read_only=True)) as beside:
        assert beside.is_prepared
        assert (beside.depth().records, beside.next_seq()) == (1, 2)
        assert not beside.room().refusing
        with pytest.raises(Exception, match="readonly"):
            put(beside)
        put(spool)
        assert beside.depth().records == 2
