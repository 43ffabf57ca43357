"""Where the benches stand."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateways.disks import mounted_small

MEMORY = Path("/dev/shm")


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory, where Linux has it: no power cut in these tests reaches a disk, and a busy disk would cost minutes."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 4 MB, which can really be full."""
    with mounted_small(folder) as place:
        yield place
