"""A meter whose devices answer only when asked, are exchanged, or pulled while its loop is held up or stops."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from gateways.config import LidConfig
from gateways.devices.lid import relay_command
from gateways.limits import SpoolLimits
from gateways.simulate import readers, scales
from gateways.simulate.scales import Shown
from gateways.weighing.session import State
from tests.gateways.fake_server import wait_until
from tests.gateways.unplug.bench import METER, Bench, Devices, text
from tests.gateways.unplug.place import Place

KIM, LEE, BLOCKED = "0D00319CD0", "1F00644BB6", "330092A6D7"
UID_KIM, UID_LEE = "B0864D25", "04A1B2C3"
POLLED: Final = Devices({"protocol": "pn532_hsu"}, {"protocol": "mt_sics", "identity": scales.SERIAL_NUMBER})


@pytest.fixture
def make(folder: Path) -> Iterator[Callable[..., Bench]]:
    """Makes one bench at rest; `values` are the place's, `limits` the spool's."""
    made: list[Bench] = []

    def one(
        devices: Devices | None = None, limits: SpoolLimits | None = None, spool: Path | None = None, **values: Any
    ) -> Bench:
        bench = Bench(spool or folder, Place(folder, **values), devices, limits)
        made.append(bench)
        bench.run(3)
        return bench

    yield one
    for bench in made:
        bench.close()


def polled(make: Callable[..., Bench]) -> Bench:
    """A reader and a scale that say nothing by themselves and forget everything without power."""
    bench = make(POLLED, reader=readers.Pn532(), scale=scales.MtSics())
    bench.tick_s = 0.05  # the box's while somebody is at the bin; an answer comes a turn after its question
    bench.run(3)
    return bench


@pytest.mark.parametrize("seconds", [1.2, 65.0], ids=["shortly", "long"])
@pytest.mark.parametrize("port", ["reader", "scale"])
@pytest.mark.parametrize("state", [State.IDLE, State.BASELINE, State.OPEN, State.SETTLING], ids=lambda s: s.value)
def test_devices_that_are_asked_are_set_up_and_proven_anew_after_an_unplug(
    make: Callable[..., Bench], state: State, port: str, seconds: float
) -> None:
    bench = polled(make)
    if state is not State.IDLE:
        bench.place.visit(UID_KIM, 410)
        bench.run_until(lambda: bench.state is state)
        bench.run(0.2)
    assert bench.state is state
    bench.place.unplug(port)
    bench.run(0.2)
    assert "comm" in bench.faults
    bench.run(seconds - 0.2)
    bench.place.replug(port)
    bench.run_until(lambda: bench.is_open(port) and "comm" not in bench.faults, 2.0)
    bench.run_until(bench.is_at_rest)
    bench.run(3)
    is_unweighed = (port, seconds) == ("scale", 65.0) and state in (State.OPEN, State.SETTLING)
    outcome, net = ("unsettled", None) if is_unweighed else ("settled", 410)
    found = [(record["outcome"], record["net_g"]) for record in bench.records()]
    assert found == ([] if state is State.IDLE else [(outcome, net)])
    last = bench.deposit(UID_LEE, 730)
    assert (last["outcome"], last["net_g"], last["flags"]) == ("settled", 730, [])
    assert bench.faults == []
    bench.check_balance()


# --- Another device than the one of the settings


class OtherScale(scales.MtSics):
    """A scale of the same make from another bin, with its own serial number and its own weight."""

    def hear(self, data: bytes, shown: Shown) -> bytes:
        answer = super().hear(data, Shown(5_000, stable=shown.stable))
        return answer.replace(scales.SERIAL_NUMBER.encode(), b"9876543210")


def exchange_scale(bench: Bench, scale: scales.MtSics) -> None:
    bench.place.unplug("scale")
    bench.run(2)
    bench.place.scale = scale
    bench.place.replug("scale")


def test_another_scale_is_refused_and_told_until_the_right_one_is_back(make: Callable[..., Bench]) -> None:
    bench = polled(make)
    exchange_scale(bench, OtherScale())
    bench.run(5)
    assert "comm" in bench.faults
    assert bench.meter.reading().ports["scale"]["last_error"] == "wrong_device"
    assert bench.meter.reading().gross_g is None
    bench.place.visit(UID_KIM, 410)
    bench.run(12)
    assert bench.place.texts[-1] == text("bin_refused_wrong_device")
    assert not bench.place.is_open
    assert bench.records() == []
    (notice,) = bench.spool.notices(10)
    assert (notice.kind, notice.detail) == ("wrong_device", f"{METER}: scale")

    exchange_scale(bench, scales.MtSics())
    bench.run_until(bench.is_at_rest)
    bench.run(0.5)
    assert [(r["outcome"], r["net_g"]) for r in bench.records()] == [("settled", 410)]
    assert bench.place.texts[-1] == text("bin_deposit", grams=410)
    assert bench.faults == []
    assert len(bench.spool.notices(10)) == 1
    bench.check_balance()


def test_a_session_never_weighs_with_a_scale_that_was_exchanged_meanwhile(make: Callable[..., Bench]) -> None:
    bench = polled(make)
    bench.place.visit(UID_KIM, 410)
    bench.run_until(lambda: bench.state is State.OPEN)
    exchange_scale(bench, OtherScale())
    bench.run_until(lambda: bench.state is State.IDLE, 80)
    (record,) = bench.records()
    assert (record["outcome"], record["net_g"], record["flags"]) == ("unsettled", None, ["scale_silent"])
    exchange_scale(bench, scales.MtSics())
    bench.run(5)
    assert bench.deposit(UID_LEE, 730)["net_g"] == 730
    bench.check_balance()


# --- A loop that was held up, and one that stops


def test_a_lid_that_came_back_while_the_loop_was_held_up_counts_as_lost(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.place.visit(KIM, 410)
    bench.run_until(lambda: bench.state is State.SETTLING)
    bench.run(0.9)
    bench.place.unplug("lid")
    bench.meter.read(bench.meter.ports, bench.now)
    bench.place.replug("lid")
    bench.pass_time(3)  # a disk that takes its time over a commit
    settling_at = bench.entered.count(State.CLOSING)
    bench.run_until(bench.is_at_rest)
    assert bench.entered.count(State.CLOSING) == settling_at + 1  # what was weighed before proves nothing
    assert [(r["outcome"], r["net_g"]) for r in bench.records()] == [("settled", 410)]


def powered(place: Place) -> set[int]:
    """The relays that are on, after all that the board was told."""
    place.step(place.now)
    on: set[int] = set()
    for at in range(0, len(place.lid_heard) - 3, 4):
        command = place.lid_heard[at : at + 4]
        channel, is_on = command[1], bool(command[2])
        assert command == relay_command(channel, is_on)
        on = on | {channel} if is_on else on - {channel}
    return on


@pytest.mark.parametrize("stopped_in", ["pulse", "alarm"])
def test_a_stop_leaves_no_relay_powered(folder: Path, stopped_in: str) -> None:
    place = Place(folder, stays_open_s=1_000)
    bench = Bench(folder, place, lid=LidConfig("", close_channel=2, alarm_channel=3, switch="spoken"))
    try:
        bench.run(1)
        place.move_lid(is_open=False)
        bench.run(3)
        if stopped_in == "pulse":
            place.visit(KIM, 410)
            bench.run_until(lambda: bench.state is State.OPENING)
        else:
            place.move_lid(is_open=True)
            bench.run(bench.thresholds.open_alarm_s + 2)
        assert wait_until(lambda: powered(place) == ({1} if stopped_in == "pulse" else {3}))
        bench.meter.close()
        assert wait_until(lambda: powered(place) == set())
    finally:
        bench.close()
