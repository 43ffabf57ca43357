"""Whatever cable is pulled in whatever state, for however long: it comes back by itself, and no weight is wrong."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from gateways.weighing.session import State
from tests.gateways.unplug.bench import BILLED, PORTS, Bench
from tests.gateways.unplug.place import Place

KIM, LEE, COLLECTOR, SERVICE = "0D00319CD0", "1F00644BB6", "01C8F00800", "330092A6D7"
SHORT_S: Final = 1.2
LONG_S: Final = 65.0  # longer than a session waits for anything: a scale, a weight that settles, a lid at boot
BACK_WITHIN_S: Final = 1.0

Record = tuple[str, int | None, list[str]]  # outcome, net_g, flags
SETTLED: Final[Record] = ("settled", 410, [])


@pytest.fixture
def bench(folder: Path) -> Iterator[Bench]:
    made = Bench(folder, Place(folder))
    made.access |= {COLLECTOR: "collector", SERVICE: "service"}
    made.run(3)
    yield made
    made.close()


# --- The way to the moment at which the cable is pulled


def in_idle(_bench: Bench, pull: Callable[[], None]) -> None:
    pull()


def in_auth(bench: Bench, pull: Callable[[], None]) -> None:
    """While the card is looked up: no turn of the loop ever begins in this state."""
    bench.on_enter[State.AUTH] = pull
    bench.place.visit(KIM, 410)
    bench.run_until(lambda: State.AUTH in bench.entered)
    bench.on_enter.clear()


def in_commit(bench: Bench, pull: Callable[[], None]) -> None:
    """The disk takes nothing for a while: otherwise nobody could look while a record is being written."""
    bench.place.visit(KIM, 410)
    bench.run_until(lambda: bench.state is State.SETTLING)
    bench.disk_fails(fails=True)
    bench.run_until(lambda: bench.state is State.COMMIT)
    pull()


def in_recover(bench: Bench, pull: Callable[[], None]) -> None:
    """Power fails while the lid is open, and is back when it is closed; the lid takes a while to say so."""
    bench.place.visit(KIM, 410)
    bench.run_until(lambda: bench.state is State.OPEN)
    bench.cut_power()
    for _ in range(50):
        bench.pass_time(0.1)
        bench.place.step(bench.now)
    bench.place.lid_speaks = False
    bench.boot()
    bench.run(0.8)
    pull()


def during(state: State, later_s: float, card: str = KIM, grams: int = 410) -> Callable[[Bench, Callable], None]:
    def way(bench: Bench, pull: Callable[[], None]) -> None:
        bench.place.visit(card, grams)
        bench.run_until(lambda: bench.state is state)
        bench.run(later_s)
        pull()

    return way


WAYS: Final[dict[str, tuple[State, Callable[[Bench, Callable[[], None]], None], Record | None]]] = {
    "idle": (State.IDLE, in_idle, None),
    "auth": (State.AUTH, in_auth, SETTLED),
    "baseline": (State.BASELINE, during(State.BASELINE, 0.5), SETTLED),
    "opening": (State.OPENING, during(State.OPENING, 0.0), SETTLED),
    "opening, the lid obeys": (State.OPENING, during(State.OPENING, 0.1), SETTLED),
    "open": (State.OPEN, during(State.OPEN, 0.2), SETTLED),
    "open, the waste is in": (State.OPEN, during(State.OPEN, 1.0), SETTLED),
    "closing": (State.CLOSING, during(State.CLOSING, 0.2), SETTLED),
    "settling": (State.SETTLING, during(State.SETTLING, 0.5), SETTLED),
    "commit": (State.COMMIT, in_commit, SETTLED),
    "recover": (State.RECOVER, in_recover, ("recovered", 410, ["power_cut"])),
    "collection": (
        State.COLLECTION,
        during(State.COLLECTION, 0.2, COLLECTOR, -9_000),
        ("collection", -9_000, []),
    ),
    "service": (
        State.SERVICE,
        during(State.SERVICE, 0.2, SERVICE, -500),
        ("unattended_step", -500, ["service"]),
    ),
}

_UNWEIGHED: Final[Record] = ("unsettled", None, ["scale_silent"])
_UNSEEN: Final[Record] = ("unsettled", None, ["lid_unknown"])
# What a long absence changes, or even a short one. In every other case the cable might never have been pulled.
MISSED_SHORTLY: Final[dict[tuple[str, str], list[Record]]] = {
    ("closing", "scale"): [("settled", 410, ["scale_silent"])],
    ("settling", "scale"): [("settled", 410, ["scale_silent"])],
    # The command was lost, but the lid might have opened unseen: it is weighed, and the resident touches again.
    ("opening", "lid"): [("empty_open", 0, []), SETTLED],
}
MISSED_LONG: Final[dict[tuple[str, str], list[Record]]] = {
    ("opening", "scale"): [_UNWEIGHED],
    ("opening, the lid obeys", "scale"): [_UNWEIGHED],
    ("open", "scale"): [_UNWEIGHED],
    ("open, the waste is in", "scale"): [_UNWEIGHED],
    ("closing", "scale"): [_UNWEIGHED],
    ("settling", "scale"): [_UNWEIGHED],
    ("recover", "scale"): [("unsettled", None, ["power_cut", "scale_silent"])],
    ("collection", "scale"): [("collection", None, ["scale_silent", "unsettled"])],
    ("service", "scale"): [("unattended_step", None, ["service", "scale_silent", "unsettled"])],
    ("opening", "lid"): [_UNSEEN, SETTLED],  # the resident tries again
    # The waste went in, but nobody saw the lid open: what the scale showed is kept, and nobody pays for it.
    ("opening, the lid obeys", "lid"): [_UNSEEN],
    ("open", "lid"): [("settled", 410, ["extended_open"])],  # nobody saw it close
    ("open, the waste is in", "lid"): [("settled", 410, ["extended_open"])],
    ("closing", "lid"): [_UNSEEN],
    ("settling", "lid"): [_UNSEEN],
    ("recover", "lid"): [("unsettled", None, ["power_cut", "lid_unknown"])],
}


def test_the_ways_lead_into_every_state() -> None:
    assert {state for state, _, _ in WAYS.values()} == set(State)


@pytest.mark.parametrize("seconds", [SHORT_S, LONG_S], ids=["shortly", "long"])
@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("name", WAYS)
def test_a_cable_pulled_in_any_state_comes_back_by_itself_and_leaves_no_wrong_weight(
    bench: Bench, name: str, port: str, seconds: float
) -> None:
    state, way, usual = WAYS[name]
    pulled_in: list[State] = []

    def pull() -> None:
        pulled_in.append(bench.state)
        bench.place.unplug(port)

    way(bench, pull)
    assert pulled_in == [state]
    pulled_at = bench.now

    check_absence(bench, port, seconds)
    bench.place.replug(port)
    bench.run_until(lambda: bench.is_open(port), BACK_WITHIN_S)
    back_at = bench.now
    bench.run_until(lambda: "comm" not in bench.faults, 0.5)

    bench.run_until(bench.is_at_rest)
    bench.run(3)
    records = [told(record) for record in bench.records()]
    missed = MISSED_LONG if seconds == LONG_S else MISSED_SHORTLY
    assert records == missed.get((name, port), [usual] if usual else [])
    check_sessions(bench)

    assert told(bench.deposit(LEE, 730)) == ("settled", 730, [])
    assert bench.faults == []
    bench.check_balance()
    ended_at = bench.now
    bench.close()
    check_alive(bench, port, pulled_at, back_at, ended_at)


def told(record: dict[str, Any]) -> Record:
    return record["outcome"], record["net_g"], record["flags"]


def check_absence(bench: Bench, port: str, seconds: float) -> None:
    """Whatever goes on at the bin meanwhile, it is said which port is away."""
    bench.run(0.2)
    for _ in range(2):
        assert "comm" in bench.faults
        assert [name for name in PORTS if not bench.is_open(name)] == [port]
        bench.run(seconds / 2 - 0.1)
        bench.place.lid_speaks = True
        bench.disk_fails(fails=False)


def check_sessions(bench: Bench) -> None:
    """Every session that began has one record, and whoever pays pays for what they threw in."""
    of_sessions = [r for r in bench.records() if r["outcome"] != "unattended_step" or "service" in r["flags"]]
    assert len(of_sessions) == bench.begun
    assert bench.spool.open_session(bench.meter.name) is None
    assert [r["net_g"] for r in bench.records() if r["outcome"] in BILLED] in ([], [410])
    for record in bench.records():
        if record["net_g"] is None:
            assert {"scale_silent", "lid_unknown"} & set(record["flags"])


def check_alive(bench: Bench, port: str, pulled_at: float, back_at: float, ended_at: float) -> None:
    """Alive is when reader and scale answer; the lid has no part in it."""
    during_absence = bench.alive_s(pulled_at + bench.tick_s, back_at - bench.tick_s)
    if port == "lid":
        assert during_absence == pytest.approx(back_at - pulled_at - 2 * bench.tick_s, abs=0.1)
    else:
        assert during_absence == 0
    assert bench.alive_s(back_at + 0.5, ended_at) == pytest.approx(ended_at - back_at - 0.5, abs=0.1)
