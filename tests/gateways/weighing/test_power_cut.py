"""The power ends at every single step of scripted stories: each session begun ends in exactly one record."""

from collections.abc import Callable
from contextlib import suppress

import msgspec
import pytest

from gateways.weighing.events import Kind, OpenSession
from gateways.weighing.session import State
from gateways.weighing.thresholds import Thresholds
from tests.gateways.weighing.bench import (
    BASE,
    KIM,
    LEE,
    START_G,
    Bench,
    Disk,
    PowerCut,
    bench,
    check_balance,
    resumed,
    session_records,
)

# --- What becomes of a session found at boot


def test_after_a_power_cut_the_session_on_disk_becomes_a_recovered_discharge() -> None:
    b = resumed(OpenSession(KIM, BASE))
    b.grams = 12_450
    b.run(4)
    (draft,) = b.drafts
    assert (draft.outcome, draft.net_g, draft.card, draft.flags) == ("recovered", 450, KIM, ["power_cut"])
    assert b.told[-1] == "bin_unsettled"


def test_after_a_power_cut_an_open_lid_is_waited_for() -> None:
    b = resumed(OpenSession(KIM, BASE), lid=True)
    b.run(100)
    assert b.drafts == []
    b.throw(450)
    b.lid(False)
    b.run(4)
    assert [(draft.outcome, draft.net_g) for draft in b.drafts] == [("recovered", 450)]


def test_after_a_power_cut_before_the_lid_opened_nothing_is_charged() -> None:
    b = resumed(OpenSession(KIM, BASE))
    b.run(4)
    (draft,) = b.drafts
    assert (draft.outcome, draft.net_g, draft.flags) == ("empty_open", 0, ["power_cut"])


def test_after_a_power_cut_a_lighter_bin_is_no_credit() -> None:
    b = resumed(OpenSession(KIM, BASE))
    b.grams = 4_000
    b.run(4)
    (draft,) = b.drafts
    assert (draft.outcome, draft.net_g, draft.flags) == ("negative", -8_000, ["power_cut", "removal"])


def test_after_a_power_cut_an_unknown_lid_or_a_restless_scale_is_for_a_person() -> None:
    unknown, restless = resumed(OpenSession(KIM, BASE), lid=None), resumed(OpenSession(KIM, BASE))
    restless.stable = False
    for b in (unknown, restless):
        b.run(70)
        (draft,) = b.drafts
        assert (draft.outcome, draft.net_g) == ("unsettled", None)
        assert "power_cut" in draft.flags
    assert "lid_unknown" in unknown.drafts[0].flags


@pytest.mark.parametrize(
    ("kind", "flags", "outcome"), [("collection", (), "collection"), ("service", ("service",), "unattended_step")]
)
@pytest.mark.parametrize("is_open", [True, False])
def test_after_a_power_cut_collection_and_service_stay_what_they_were(
    kind: Kind, flags: tuple[str, ...], outcome: str, is_open: bool
) -> None:
    b = resumed(OpenSession(None, BASE, kind, flags), lid=is_open)
    b.grams = 2_000
    b.run(1)
    b.lid(False)
    b.run(4)
    (draft,) = b.drafts
    assert (draft.outcome, draft.net_g, draft.flags) == (outcome, -10_000, [*flags, "power_cut"])


def test_marks_of_a_session_survive_the_power_cut() -> None:
    b = resumed(OpenSession(KIM, BASE, "deposit", ("unverified",)))
    b.grams = 12_450
    b.run(4)
    assert b.drafts[0].flags == ["unverified", "power_cut"]


def test_a_session_written_by_the_earlier_version_is_still_read() -> None:
    body = (
        b'{"card":{"hash":"%s","last4":"9CD0"},"baseline":{"grams":12000,"min_g":12000,"max_g":12000,"frames":8,'
        b'"duration_s":1.0,"raw":["aa"]}}' % KIM.hash.encode()
    )
    session = msgspec.json.decode(body, type=OpenSession)
    assert (session.card, session.kind, session.flags) == (KIM, "deposit", ())
    assert session.baseline is not None
    assert not session.baseline.inferred


# --- The power ends at every step


def deposit(b: Bench) -> None:
    b.run(1.5, KIM)
    b.throw(300)
    b.run(0.3, LEE)
    b.lid(False)
    b.run(3.5)


def lifted_first(b: Bench) -> None:
    b.grams = 2_000
    b.run(3, KIM)
    b.throw(300)
    b.lid(False)
    b.run(2)


def collection(b: Bench) -> None:
    b.access = "collector"
    b.run(1.5, KIM)
    b.throw(-10_000)
    b.lid(False)
    b.run(2)


def service(b: Bench) -> None:
    b.serve()
    b.run(1.5)
    b.throw(-3_000)
    b.lid(False)
    b.run(2)


def stuck(b: Bench) -> None:
    b.opens = False
    b.run(8, KIM)


def restless(b: Bench) -> None:
    b.run(1.5, KIM)
    b.throw(300)
    b.stable = False
    b.lid(False)
    b.run(4)


def reopened_and_lost(b: Bench) -> None:
    b.run(1.5, KIM)
    b.throw(300)
    b.lid(False)
    b.run(0.8)
    b.lid(True)
    b.throw(200)
    b.lid(False)
    b.lose_lid()
    b.run(0.5)
    b.find_lid()
    b.run(2)


def full(b: Bench) -> None:
    b.grams = 96_000
    b.run(3, KIM)


STORIES = (deposit, lifted_first, collection, service, stuck, restless, reopened_and_lost, full)
QUICK = Thresholds(settle_timeout_s=3, lid_timeout_s=2)


def told_through(
    story: Callable[[Bench], None], cut_at: int | None, again_at: int | None = None
) -> tuple[Bench, State]:
    """Play the story until its end or the cut, then let the box come up again; return where the cut found it.

    `again_at` cuts once more, so many steps after the boot.
    """
    b = bench(QUICK, disk=Disk(last_gross_g=START_G))
    b.cut_at = None if cut_at is None else b.steps + cut_at
    with suppress(PowerCut):
        story(b)
    state = b.session.state
    b.access, b.stable, b.opens, b.sensor = "household", True, True, True
    for more in (again_at, None):
        b.cut_at = None if more is None else b.steps + more
        try:
            come_up(b)
            break
        except PowerCut:
            continue
    return b, state


def come_up(b: Bench) -> None:
    """The box comes up; whoever stands there closes the lid, whoever finds it open later does so too."""
    b.boot()
    b.tell_lid()
    b.run(2)
    for _ in range(2):
        b.lid(False)
        b.run(4)


def test_a_power_cut_at_any_step_of_any_state_leaves_exactly_one_record_a_session() -> None:
    cut_in: set[State] = set()
    for story in STORIES:
        whole, _ = told_through(story, None)
        for cut_at in range(whole.steps):
            b, state = told_through(story, cut_at)
            assert len(session_records(b)) == len(b.begun), (story, cut_at)
            assert b.session.state is State.IDLE
            check_balance(b)
            cut_in.add(state)
    # AUTH is entered and left within one event; RECOVER is where the next test cuts.
    assert cut_in == set(State) - {State.AUTH, State.RECOVER}


def test_a_second_power_cut_while_the_box_recovers_changes_nothing() -> None:
    for cut_at in range(40, 110, 7):
        for again_at in range(0, 60, 5):
            b, _ = told_through(deposit, cut_at, again_at)
            assert State.RECOVER in b.entered or not b.begun
            assert len(session_records(b)) == len(b.begun)
            check_balance(b)
