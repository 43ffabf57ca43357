"""The lid opens by the list last synced, network or not; what the list does not say is unknown, never allowed."""

from datetime import UTC, datetime, timedelta

import pytest

from gateways.cards import Card
from gateways.clock import Clock
from gateways.link.allow_list import AllowList, cards_status, sync
from gateways.link.api import MisunderstoodError
from tests.gateways.fake_server import Refusal
from tests.gateways.link.rig import Rig
from tests.gateways.link.test_commands import status

KIM, LEE, PARK, TRUCK = (Card(f"{number:032x}", "0000") for number in range(4))
FIRST = {KIM.hash: ("allowed", "household"), LEE.hash: ("blocked", "household"), TRUCK.hash: ("allowed", "collector")}
SECOND = {KIM.hash: ("blocked", "household"), PARK.hash: ("allowed", "service"), TRUCK.hash: ("allowed", "collector")}


def asked(rig: Rig) -> list[str]:
    return [path.partition("/cards")[2] for path, _ in rig.fake.requests if "/cards" in path]


def test_before_the_first_sync_every_card_is_unknown(rig: Rig) -> None:
    assert AllowList(rig.spool, rig.clock).access(KIM) == "unknown"
    assert cards_status(rig.spool, rig.clock).version is None


def test_the_first_status_brings_the_whole_list(rig: Rig) -> None:
    rig.fake.lists.cards["a1"] = FIRST
    rig.uplink.step()
    cards = AllowList(rig.spool, rig.clock)
    assert [cards.access(card) for card in (KIM, LEE, PARK, TRUCK)] == ["household", "blocked", "unknown", "collector"]
    status(rig)
    assert rig.fake.statuses[-1]["cards"] == {"version": "a1", "count": 3, "expired": False}


def test_a_new_version_brings_only_what_changed(rig: Rig) -> None:
    rig.fake.lists.cards["a 1/&"] = FIRST
    rig.uplink.step()
    rig.fake.lists.cards["a2"] = SECOND
    status(rig)
    status(rig)
    cards = AllowList(rig.spool, rig.clock)
    assert asked(rig) == ["", "?since=a%201%2F%26"]
    assert [cards.access(card) for card in (KIM, LEE, PARK, TRUCK)] == ["blocked", "unknown", "service", "collector"]


def test_a_command_brings_the_whole_list_anew(rig: Rig) -> None:
    rig.fake.lists.cards["a1"] = FIRST
    rig.uplink.step()
    rig.spool.change_cards("a1", {}, [KIM.hash], 60, rig.fake.now())  # damage
    command = rig.fake.command("sync_cards")
    status(rig)
    status(rig)
    assert AllowList(rig.spool, rig.clock).access(KIM) == "household"
    assert rig.fake.results[command] == {"id": command, "state": "done", "detail": "3 cards"}
    assert asked(rig) == ["", ""]


def test_a_list_that_stays_the_same_is_renewed_before_it_expires(rig: Rig) -> None:
    rig.fake.lists.cards["a1"] = FIRST
    rig.uplink.step()
    rig.spool.change_cards("a1", {}, [], 2_592_000, rig.fake.now() - timedelta(days=20))
    status(rig)
    received = rig.spool.cards_status().received_at
    assert received is not None
    assert rig.fake.now() - received < timedelta(minutes=1)


def test_changes_of_a_list_that_is_not_there_are_not_taken_for_a_list(rig: Rig) -> None:
    rig.fake.lists.cards["a1"] = FIRST
    real = rig.fake.lists.since
    rig.fake.lists.since = lambda known: {**real(known), "complete": False}  # type: ignore[method-assign]
    with pytest.raises(MisunderstoodError):
        sync(rig.server, rig.spool)
    assert rig.spool.cards_status().version is None


@pytest.mark.parametrize("refusal", [Refusal(404), Refusal(500)])
def test_a_list_that_cannot_be_fetched_stops_no_record(rig: Rig, refusal: Refusal) -> None:
    rig.fake.lists.cards["a1"] = FIRST
    rig.fake.misbehave = lambda path, _body: refusal if "/cards" in path else None
    rig.uplink.step()
    rig.put(3)
    rig.uplink.step()
    assert rig.spool.depth().records == 0


def test_an_older_server_without_lists_is_not_asked_for_one(rig: Rig) -> None:
    rig.uplink.step()
    assert asked(rig) == []


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def clock_at(wall: datetime) -> Clock:
    return Clock(mono=lambda: 100.0, wall=lambda: wall, boot="b")


def test_an_expired_list_knows_its_blocked_cards_and_who_empties_the_bin_and_no_household(rig: Rig) -> None:
    rig.fake.lists.cards["a1"] = FIRST
    rig.uplink.step()
    rig.spool.change_cards("a1", {}, [], 86_400, NOON)
    fresh, old = clock_at(NOON + timedelta(hours=23)), clock_at(NOON + timedelta(hours=25))
    assert [AllowList(rig.spool, fresh).access(card) for card in (KIM, LEE, TRUCK)] == [
        "household",
        "blocked",
        "collector",
    ]
    assert [AllowList(rig.spool, old).access(card) for card in (KIM, LEE, TRUCK)] == ["unknown", "blocked", "collector"]
    assert (cards_status(rig.spool, fresh).expired, cards_status(rig.spool, old).expired) == (False, True)


@pytest.mark.parametrize("wall", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2125, 1, 1, tzinfo=UTC)])
def test_a_clock_that_was_never_set_proves_no_expiry(rig: Rig, wall: datetime) -> None:
    rig.fake.lists.cards["a1"] = FIRST
    rig.uplink.step()
    rig.spool.change_cards("a1", {}, [], 86_400, NOON)
    assert AllowList(rig.spool, clock_at(wall)).access(KIM) == "household"
    assert not cards_status(rig.spool, clock_at(wall)).expired


def test_a_card_at_the_bin_is_looked_up_without_counting_the_list(rig: Rig) -> None:
    rig.fake.lists.cards["a1"] = FIRST
    rig.uplink.step()
    asked_of_disk: list[str] = []
    rig.spool._db.set_trace_callback(asked_of_disk.append)
    assert AllowList(rig.spool, rig.clock).access(KIM) == "household"
    rig.spool._db.set_trace_callback(None)
    assert len(asked_of_disk) == 2
    assert not [statement for statement in asked_of_disk if "count" in statement]
