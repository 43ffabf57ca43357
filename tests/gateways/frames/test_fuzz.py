"""`make fuzz` finds what it looks for: false readings, exceptions, buffers that grow."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateways.frames import Options, Parser, Reading, TagRead, WeightSample
from gateways.frames.protocols import PROTOCOLS
from scripts.fuzz.__main__ import fuzz

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_a_short_run_finds_nothing_and_reads_something(protocol: str) -> None:
    result = fuzz(protocol, seed=20260101, inputs=600, seconds=30)
    assert result.failure == ""
    assert result.inputs == 600
    assert result.cards + result.weights > 100


class Spoilt:
    """A parser whose readings are changed."""

    def __init__(self, protocol: str, change: Callable[[Reading], Reading], options: Options) -> None:
        self._parser = PROTOCOLS[protocol].make(options)
        self._change = change
        self.stats = self._parser.stats

    def reset(self) -> None:
        self._parser.reset()

    def feed(self, data: bytes) -> list[Reading]:
        return [self._change(reading) for reading in self._parser.feed(data)]


def one_gram_more(reading: Reading) -> Reading:
    if isinstance(reading, WeightSample) and reading.grams is not None:
        return WeightSample(reading.grams + 1, reading.stable, reading.fault, reading.raw, reading.net)
    return reading


def always_stable(reading: Reading) -> Reading:
    if isinstance(reading, WeightSample) and reading.grams is not None:
        return WeightSample(reading.grams, True, reading.fault, reading.raw, reading.net)
    return reading


def never_net(reading: Reading) -> Reading:
    if isinstance(reading, WeightSample):
        return WeightSample(reading.grams, reading.stable, reading.fault, reading.raw)
    return reading


def without_version(reading: Reading) -> Reading:
    return TagRead(reading.number[2:]) if isinstance(reading, TagRead) else reading


@pytest.mark.parametrize(
    ("protocol", "change"),
    [
        ("cas_22", one_gram_more),
        ("kern_ascii", one_gram_more),
        ("and_standard", always_stable),
        ("toledo_continuous", never_net),
        ("rdm6300", without_version),
        ("uhf_m100", without_version),
        ("pn532_hsu", without_version),
    ],
)
def test_a_false_reading_is_found_and_can_be_repeated(protocol: str, change: Callable[[Reading], Reading]) -> None:
    def make(options: Options) -> Parser:
        return Spoilt(protocol, change, options)

    first, again = (fuzz(protocol, seed=1, inputs=5_000, seconds=60, make=make) for _ in range(2))
    assert first.failure.startswith("false reading")
    assert "in chunks of [" in first.failure
    assert again.failure == first.failure


def test_an_exception_is_found() -> None:
    def fail(_reading: Reading) -> Reading:
        raise IndexError("of a list")

    result = fuzz("mt_sics", seed=1, inputs=1_000, seconds=60, make=lambda options: Spoilt("mt_sics", fail, options))
    assert result.failure.startswith("raised IndexError('of a list')")


def test_the_program_prints_its_seed_and_a_line_for_each_parser() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.fuzz"],
        cwd=ROOT,
        env=os.environ | {"FUZZ_SECONDS": "0.1", "FUZZ_SEED": "5"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("seed 5: ")
    assert done.stdout.rstrip().endswith("no exception, no false card or weight")
    assert all(f"\n{protocol} " in done.stdout for protocol in PROTOCOLS)
