"""The guide's example is a protocol that works: found by itself, right on its frames, clean under fuzz."""

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateways import frames
from gateways.frames import DeviceProtocol, Options
from gateways.frames.protocols import _found, by_name
from scripts.fuzz import oracle
from tests.gateways.frames.support import words

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "adding-a-device.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("frames") / "loadcell.py"
    path.write_text(block("python"), encoding="utf-8")
    return path


@pytest.fixture
def protocol(module: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeviceProtocol]:
    monkeypatch.setattr(frames, "__path__", [*frames.__path__, str(module.parent)])
    yield by_name(_found())["loadcell"]
    sys.modules.pop("gateways.frames.loadcell", None)


def rows() -> list[tuple[bytes, list[str]]]:
    fields = [line.split(" | ") for line in block("frames").splitlines()]
    return [(bytes.fromhex(data), [] if says == "-" else [says]) for _, data, says, _ in fields]


def test_the_file_alone_makes_the_protocol_known(protocol: DeviceProtocol) -> None:
    assert protocol.kind == "scale"


def test_its_frames_say_what_the_guide_says(protocol: DeviceProtocol) -> None:
    assert len(rows()) == 5
    for data, says in rows():
        assert words(protocol.make(Options()).feed(data)) == says


def test_its_oracle_agrees_on_damaged_streams(protocol: DeviceProtocol) -> None:
    names = vars(oracle).copy()
    exec(block("oracle"), names)
    rng = random.Random(1)
    good = [data for data, says in rows() if says]
    read = 0
    for _ in range(2_000):
        stream = bytearray(b"".join(rng.choices(good, k=3)))
        for _ in range(rng.randrange(3)):
            stream[rng.randrange(len(stream))] = rng.choice(b"0123456789+-SMO*,$\r\n")
        data = bytes(stream[rng.randrange(20) :])
        readings = protocol.make(Options()).feed(data)
        assert oracle.first_false(names["loadcell"], data, Options(), readings) is None
        read += len(readings)
    assert read > 2_000


def test_the_command_of_the_guide_prints_what_the_guide_shows(module: Path) -> None:
    command, *shown = block("console").splitlines()
    arguments = re.fullmatch(r'\$ jongnyang-gateway decode --protocol loadcell --hex "([0-9A-F ]+)"', command)
    assert arguments is not None
    start = (
        "import sys, gateways.frames; gateways.frames.__path__.append(sys.argv.pop(1)); "
        "from gateways.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", start, str(module.parent), "decode", "--protocol", "loadcell", "--hex", arguments[1]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == shown


def test_the_example_is_in_the_projects_style_and_types(module: Path) -> None:
    for check in (["ruff", "check"], ["ruff", "format", "--check"]):
        tool = [sys.executable, "-m", check[0], *check[1:], "--config", str(ROOT / "pyproject.toml"), str(module)]
        done = subprocess.run(tool, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_modules_that_the_guide_names_are_there() -> None:
    named = set(re.findall(r"`(\w+\.py)`", GUIDE)) - {"loadcell.py"}
    assert len(named) > 5
    assert {name for name in named if not (ROOT / "gateways" / "frames" / name).exists()} == set()
    for name in ("cas22", "cas_and18", "toledo_continuous", "toledo_8217", "ohaus"):
        assert "ASSUMPTION" in (ROOT / "gateways" / "frames" / f"{name}.py").read_text(encoding="utf-8")
