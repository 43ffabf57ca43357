"""A gateway may be offline for a month: nothing is lost, and disk and memory stay within what docs/spool.md states."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateways.spool.outage import DAYS
from tests.gateways.spool.support import METERS

# docs/spool.md, "How large it grows"
BYTES_A_RECORD = 4096
BYTES_BESIDES = 20_000_000
MEMORY_BYTES = 12_000_000


@pytest.mark.parametrize("discharges", [6_000, pytest.param(60_000, marks=pytest.mark.soak)])
def test_thirty_days_offline_are_drained_in_order_within_the_stated_bounds(tmp_path: Path, discharges: int) -> None:
    command = [sys.executable, "-m", "tests.gateways.spool.outage", str(tmp_path / "spool.db"), str(discharges)]
    figures = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=600).stdout)
    print(figures)
    assert (figures["drained"], figures["left"]) == (discharges, 0)
    assert figures["intervals"] == DAYS * 24 * len(METERS)
    assert figures["file_bytes"] <= discharges * BYTES_A_RECORD + BYTES_BESIDES
    assert figures["rss_growth"] <= MEMORY_BYTES
