"""Cables pulled and power cut again and again, at any moment: nobody ever pays for what they did not throw in."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateways.unplug.bench import BILLED, PORTS, Bench
from tests.gateways.unplug.conftest import MEMORY
from tests.gateways.unplug.place import Place

CARDS: Final = ("0D00319CD0", "1F00644BB6")
NOTHING_TOLD: Final = {"lid_unknown", "scale_silent"}

# After so many seconds these go, and are back after so many more; then the next ones, while somebody is at the bin.
blows = st.tuples(
    st.sampled_from([tenths / 10 for tenths in range(60)]),
    st.sampled_from([{"reader"}, {"scale"}, {"lid"}, {"power"}, {"scale", "lid"}, {"lid", "power"}, {*PORTS}]),
    st.sampled_from([0.2, 1.0, 4.0, 45.0, 70.0]),
)
visits = st.tuples(st.sampled_from(CARDS), st.lists(blows, min_size=1, max_size=3))


class Life:
    """One bench; everybody throws in another weight, so that no two deposits can be taken for each other."""

    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder, Place(folder))
        self.thrown: dict[str, Counter[int]] = {number: Counter() for number in CARDS}
        self._visits = 0
        self.bench.run(3)

    def visit(self, number: str, blows: list[tuple[float, set[str], float]]) -> None:
        if self.bench.place.guest is None:
            self._visits += 1
            grams = 100 + 30 * self._visits
            self.thrown[number][grams] += 1
            self.bench.place.visit(number, grams)
        for after_s, what, away_s in blows:
            self.bench.run(after_s)
            self._strike(what, away_s)

    def _strike(self, what: set[str], away_s: float) -> None:
        for port in what - {"power"}:
            self.bench.place.unplug(port)
        if "power" in what:
            self.bench.cut_power()
            for _ in range(round(away_s * 10)):
                self.bench.pass_time(0.1)
                self.bench.place.step(self.bench.now)
            self.bench.boot()
        else:
            self.bench.run(away_s)
        for port in what - {"power"}:
            self.bench.place.replug(port)

    def end(self) -> None:
        self.bench.run_until(self.bench.is_at_rest, 200)
        self.bench.run(3)
        last = self.bench.deposit(CARDS[0], 5_000)
        assert (last["outcome"], last["net_g"], last["flags"]) == ("settled", 5_000, [])
        self.thrown[CARDS[0]][5_000] += 1
        assert self.bench.faults == []


@settings(max_examples=20, deadline=None)
@given(st.lists(visits, min_size=2, max_size=5))
def test_whatever_is_pulled_and_cut_nobody_pays_for_what_they_did_not_throw_in(life: list[Any]) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        lived = Life(Path(name))
        try:
            for number, blows_dealt in life:
                lived.visit(number, blows_dealt)
            lived.end()
            lived.bench.check_balance()
            for number in CARDS:
                billed = Counter(r["net_g"] for r in lived.bench.records(number) if r["outcome"] in BILLED)
                assert billed <= lived.thrown[number]
            for record in lived.bench.records():
                assert record["net_g"] is not None or set(record["flags"]) & NOTHING_TOLD
        finally:
            lived.bench.close()
