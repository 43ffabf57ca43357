"""Any order, batching, repetition and loss of replies gives the same ledger and rollups."""

from datetime import timedelta
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import Database
from tests.builders import Box, Town
from tests.metering.reading import agrees, ledger, quarantine, rows_of, statuses

OUTCOMES = ("settled", "late_close", "recovered", "unsettled", "negative", "unattended_step", "empty_open")


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """Records numbered from 1, and deliveries: each a list of numbers, in which every number comes at least once."""
    count = draw(st.integers(1, 25))
    records = [
        {
            "outcome": draw(st.sampled_from(OUTCOMES)),
            "net_g": draw(st.integers(0, 3000)),
            "card": draw(st.sampled_from((None, "known", "other", "unknown"))),
            "meter": draw(st.sampled_from(("M1", "M1", "M2", "nowhere"))),
            "hours": draw(st.integers(0, 2000)),
            "clock": draw(st.sampled_from(("synced", "holdover", "unset"))),
        }
        for _ in range(count)
    ]
    once = draw(st.permutations(range(1, count + 1)))
    again = draw(st.lists(st.integers(1, count), max_size=count))
    order = draw(st.permutations([*once, *again]))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=6)))
    return records, [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def spool(box: Box, town: Town, drawn: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """The records as a gateway writes them, once and for ever."""
    cards = {"known": town.card("0D00319CD0"), "other": town.card("1F00644BB6"), "unknown": town.card("00414CD7EA")}
    written = {}
    for seq, item in enumerate(drawn, 1):
        net = None if item["outcome"] == "unsettled" else item["net_g"]
        changes = {"outcome": item["outcome"], "net_g": net, "gross_after_g": None if net is None else 12000 + net}
        if item["outcome"] == "negative" and net is not None:
            changes |= {"net_g": -net, "gross_after_g": 12000 - net}
        record = box.record(seq, ago=timedelta(hours=item["hours"]), clock=item["clock"], **changes)
        written[seq] = record | {"card": cards.get(item["card"]), "meter": f"W0G-{item['meter']}"}
    return written


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), lost=st.sets(st.integers(0, 6)))
def test_every_way_of_delivery_ends_in_the_same_books(
    app: Flask, database: Database, history: tuple[list[dict[str, Any]], list[list[int]]], lost: set[int]
) -> None:
    town = _town(app, database)
    drawn, deliveries = history
    straight, winding = (_box(app, name) for name in ("GW-1", "GW-2"))
    records = spool(straight, town, drawn)
    statuses(straight.post(list(records.values())))
    mirrored = {seq: record | {"meter": record["meter"].replace("W0G-M", "W0G-N")} for seq, record in records.items()}
    for position, numbers in enumerate(deliveries):
        batch = [mirrored[seq] for seq in numbers]
        winding.post(batch)
        if position in lost:  # the reply was lost: the gateway sends the same records again
            assert {status for _, status, _ in statuses(winding.post(batch))} <= {"duplicate", "quarantined"}
    answer = winding.post([]).json
    assert (answer["acked_through"], answer["high_seq"]) == (len(drawn), len(drawn))
    assert _books(database, straight.epoch, "GW-1") == _books(database, winding.epoch, "GW-2")
    assert agrees(database, town.district.id)


def _town(app: Flask, database: Database) -> Town:
    """The one town of this test, made at its first example."""
    if "town" not in app.extensions:
        town = app.extensions["town"] = Town(database)
        town.add_gateway("GW-2", ["W0G-N1", "W0G-N2"])
        town.move_in("1001", "0D00319CD0")
        town.move_in("1002", "1F00644BB6")
        app.extensions["epochs"] = 0
    return app.extensions["town"]  # type: ignore[no-any-return]


def _box(app: Flask, code: str) -> Box:
    app.extensions["epochs"] += 1
    return Box(app.test_client(), code=code, epoch=f"{app.extensions['epochs']:016x}")


def _books(database: Database, epoch: str, gateway: str) -> list[tuple[Any, ...]]:
    """What is in ledger and quarantine of one epoch, without what differs by design: gateway, meter, arrival."""
    ((gateway_id, epoch_no),) = rows_of(
        database,
        "SELECT e.gateway_id, e.epoch_no FROM gateway_epoch e JOIN gateway g ON g.id = e.gateway_id "
        "WHERE e.epoch = :epoch AND g.code = :gateway",
        epoch=epoch,
        gateway=gateway,
    )
    mine = (gateway_id, epoch_no)
    booked = [
        (row.seq, row.service_day, row.household_id, row.tenancy_id, row.outcome, row.net_g, row.billable)
        for row in ledger(database)
        if (row.gateway_id, row.epoch_no) == mine
    ]
    kept = [(row.seq, row.code) for row in quarantine(database) if (row.gateway_id, row.epoch_no) == mine]
    return [*booked, *sorted(kept)]
