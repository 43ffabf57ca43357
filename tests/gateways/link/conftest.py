"""A rig whose server, spool and connections are closed at the end."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.gateways.link.rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with ExitStack() as stack:
        made = Rig(tmp_path)
        stack.enter_context(made.fake)
        stack.enter_context(closing(made.spool))
        yield made
        made.server.close()
