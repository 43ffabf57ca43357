"""Fuzzes every parser; prints a table, or the input that made a false reading or an exception, and then exits 1.

Each parser gets INPUTS inputs, or as many as FUZZ_SECONDS (default 60) allow. FUZZ_SEED repeats a run.
"""

import os
import secrets
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from gateways.frames import Options, Parser, Reading, Reply, TagRead, WeightSample
from gateways.frames.protocols import PROTOCOLS
from scripts.fuzz.inputs import Generator, show
from scripts.fuzz.oracle import ORACLES, first_false

INPUTS = 200_000
DEFAULT_SECONDS = 60.0
PROCESSES = 2
LONGEST_FRAME = 262  # PN532: 255 bytes and what goes around them

Make = Callable[[Options], Parser]


@dataclass
class Result:
    """What happened to one parser; `failure` holds a reproducer, or nothing."""

    protocol: str
    inputs: int = 0
    size: int = 0
    cards: int = 0
    weights: int = 0
    replies: int = 0
    seconds: float = 0.0
    failure: str = ""

    def count(self, readings: list[Reading]) -> None:
        """Add to the counts."""
        self.inputs += 1
        self.cards += sum(isinstance(reading, TagRead) for reading in readings)
        self.weights += sum(isinstance(reading, WeightSample) for reading in readings)
        self.replies += sum(isinstance(reading, Reply) for reading in readings)


def fuzz(protocol: str, seed: int, inputs: int, seconds: float, make: Make | None = None) -> Result:
    """Feed a parser (another `make` than the protocol's own, in tests) until one of the limits or a failure."""
    generator, result, began = Generator(protocol, seed), Result(protocol), time.monotonic()
    make = make or PROTOCOLS[protocol].make
    while result.inputs < inputs and not result.failure and (result.seconds < seconds):
        for _ in range(min(200, inputs - result.inputs)):
            options, chunks = generator.draw()
            readings: list[Reading] = []
            problem = _feed(make(options), chunks, readings)
            problem = problem or _false(protocol, options, chunks, readings)
            result.count(readings)
            result.size += sum(map(len, chunks))
            if problem:
                result.failure = f"{problem}\n  {options}\n  in chunks of {[len(c) for c in chunks]}: {show(chunks)}"
                break
        result.seconds = time.monotonic() - began
    return result


def _feed(parser: Parser, chunks: list[bytes], readings: list[Reading]) -> str:
    """Feed the chunks; return what is wrong in itself: an exception, a growing buffer."""
    try:
        for chunk in chunks:
            readings += parser.feed(chunk)
    except Exception as error:  # whatever it is, it is what is looked for
        return f"raised {error!r}"
    held = len(getattr(parser, "_buffer", b""))
    return f"holds back {held} bytes" if held > LONGEST_FRAME else ""


def _false(protocol: str, options: Options, chunks: list[bytes], readings: list[Reading]) -> str:
    if all(isinstance(reading, Reply) for reading in readings):
        return ""
    false = first_false(ORACLES[protocol], b"".join(chunks), options, readings)
    return "" if false is None else f"false reading {false}"


def main() -> int:
    """Fuzz all parsers on two processes; return the exit code."""
    seconds = float(os.environ.get("FUZZ_SECONDS") or DEFAULT_SECONDS)
    seed = int(os.environ.get("FUZZ_SEED") or secrets.randbelow(10**9))
    # Whoever asks for more time wants more inputs too.
    inputs = INPUTS if seconds <= DEFAULT_SECONDS else round(INPUTS * seconds / DEFAULT_SECONDS)
    print(f"seed {seed}: up to {inputs:,} inputs or {seconds:g} s a parser, {PROCESSES} processes", flush=True)
    print(f"{'parser':<18}{'inputs':>9}{'bytes':>12}{'inputs/s':>10}{'cards':>9}{'weights':>9}{'replies':>9}  false")
    failed = 0
    with ProcessPoolExecutor(PROCESSES) as pool:
        for result in pool.map(partial(fuzz, seed=seed, inputs=inputs, seconds=seconds), PROTOCOLS):
            failed += bool(result.failure)
            _print(result)
    print(f"{failed} of {len(PROTOCOLS)} parsers failed" if failed else "no exception, no false card or weight")
    return 1 if failed else 0


def _print(result: Result) -> None:
    rate = result.inputs / (result.seconds or 1)
    print(
        f"{result.protocol:<18}{result.inputs:>9,}{result.size:>12,}{rate:>10,.0f}{result.cards:>9,}"
        f"{result.weights:>9,}{result.replies:>9,}  {'YES' if result.failure else 'none'}",
        flush=True,
    )
    if result.failure:
        print(f"{result.protocol}: {result.failure}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
