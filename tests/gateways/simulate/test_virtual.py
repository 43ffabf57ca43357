"""A bin's life in virtual time: whatever goes wrong, the records tell where every gram went."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.simulate.books import Books, Tolerance, compare
from gateways.simulate.devices import READERS, SCALES, Fitting, ReaderModel, ScaleModel
from gateways.simulate.faults import DRIFT_SPAN_G, FAULTS, Faults, parse_rates
from gateways.simulate.resident import Habits
from gateways.simulate.virtual import VirtualBin

HOUR_S = 3600.0
UNRULY = Habits(throws_nothing=0.05, leaves_open=0.03, pushes_in=0.1)
BY_NAME = {
    f"{reader.protocol}-{scale.protocol}": Fitting(reader, scale)
    for reader, scale in zip(READERS * 2, SCALES, strict=True)
}


def live(seed: int, hours: float, reader: ReaderModel, scale: ScaleModel, rates: str, **values: Any) -> VirtualBin:
    digits = min(reader.digits & {8, 10})
    numbers = [f"{number:0{digits}X}" for number in range(1, 22)]
    world = VirtualBin(
        Fitting(reader, scale),
        numbers[:-1],
        collectors=numbers[-1:],
        seed=seed,
        faults=Faults(parse_rates(rates), seed),
        full_g=8_000,
        **values,
    )
    world.run(hours * HOUR_S)
    world.finish()
    return world


def books_of(world: VirtualBin, drift_g: int = DRIFT_SPAN_G) -> Books:
    return compare(world.truth.entries, world.entries(), {}, Tolerance(10, drift_g))


@pytest.mark.parametrize("fitting", BY_NAME.values(), ids=BY_NAME.keys())
def test_without_faults_every_drop_is_billed_to_the_gram(fitting: Fitting) -> None:
    world = live(1, 12, fitting.reader, fitting.scale, "")
    books = books_of(world, drift_g=0)
    assert books.violations == []
    assert [balance.difference_g for balance in books.meters] == [0]
    assert world.truth.drops > 40
    assert books.outcomes == {"settled": world.truth.drops, "collection": books.outcomes["collection"]}


@given(seed=st.integers(0, 2**32), reader=st.sampled_from(READERS), scale=st.sampled_from(SCALES))
@settings(max_examples=8, deadline=None)
def test_whatever_goes_wrong_no_gram_is_lost_or_billed_twice(seed: int, reader: ReaderModel, scale: ScaleModel) -> None:
    world = live(seed, 2, reader, scale, "all=0.07", habits=UNRULY, visits_an_hour=30.0)
    assert books_of(world).violations == []


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_alone_happens_and_loses_nothing(fault: str) -> None:
    world = live(7, 2, READERS[0], SCALES[0], f"{fault}=0.5", visits_an_hour=30.0)
    assert {told.fault for told in world.truth.faults} == {fault}
    assert books_of(world).violations == []
    assert books_of(world).drops > 5


def test_one_seed_is_one_life() -> None:
    lives = [live(3, 1, READERS[2], SCALES[5], "all=0.1", habits=UNRULY) for _ in range(2)]
    assert lives[0].truth.entries == lives[1].truth.entries
    assert lives[0].truth.faults == lives[1].truth.faults
    assert lives[0].disk.drafts == lives[1].disk.drafts


def test_a_power_cut_amid_a_write_leaves_all_or_nothing() -> None:
    world = live(5, 3, READERS[0], SCALES[0], "power_cut=1.0", visits_an_hour=60.0)
    assert world.boots > 20
    assert {"recovered", "empty_open"} & set(books_of(world).outcomes)
    assert books_of(world).violations == []


def test_a_clock_set_to_nonsense_dates_records_as_unset_and_moves_no_timer() -> None:
    world = live(11, 6, READERS[0], SCALES[0], "clock_reset=0.2")
    qualities = {moment.quality for _, moment in world.disk.drafts}
    assert qualities == {"holdover", "unset"}
    monotonic = [moment.mono_ms for _, moment in world.disk.drafts]
    assert monotonic == sorted(monotonic)
    assert set(books_of(world).outcomes) == {"settled", "collection"}


def test_virtual_time_is_a_thousand_times_faster_than_the_clock() -> None:
    began = time.process_time()
    world = live(2, 24, READERS[0], SCALES[0], "")
    assert world.now / (time.process_time() - began) > 1000
