"""The probe names what is on a port, how the line is set and how to write it down; it shows no card number."""

import json
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateways.cli import main
from gateways.devices import probing
from gateways.devices.ports import SerialPort
from gateways.devices.probing import judge
from gateways.frames import Line
from gateways.frames.protocols import PROTOCOLS
from gateways.simulate.devices import READERS, SCALES
from gateways.simulate.pty import Cable
from gateways.simulate.scales import Shown
from tests.gateways.devices.support import Now, card_frame, weight_frame

NUMBERS = {10: "0D00319CD0", 8: "04B0864D", 24: "E200001D731501652140FC6B"}
EXAMPLES = [(m.protocol, m.make, m.options, NUMBERS[next(n for n in NUMBERS if n in m.digits)]) for m in READERS] + [
    (m.protocol, m.make, m.options, Shown(grams=12_350, stable=True)) for m in SCALES
]


@contextmanager
def on_the_line(link: Path, make: Callable[[], Any], world: Any) -> Iterator[None]:
    """A device at the far end that sends 20 times a second and answers at once."""
    cable, device, stopped = Cable(link), make(), threading.Event()

    def live() -> None:
        while not stopped.wait(0.02):
            cable.write(device.push(world) + device.hear(cable.read(), world))

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
        cable.close()


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The far end answers within milliseconds here."""
    monkeypatch.setattr(probing, "_ANSWER_S", 0.12)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["probe", *map(str, arguments), "--lang", "en"])


def answers_only(protocol: str) -> bool:
    return bool(PROTOCOLS[protocol].dialogue.poll)


@pytest.mark.parametrize(("protocol", "make", "options", "world"), EXAMPLES)
def test_every_protocol_is_recognised_from_a_port_that_speaks_it(
    tmp_path: Path, protocol: str, make: Callable[[], Any], options: dict[str, Any], world: Any
) -> None:
    link = tmp_path / "port"
    ask = ["--ask"] if answers_only(protocol) else []
    with on_the_line(link, make, world):
        result = run(link, "--seconds", 0.3, "--json", *ask)
    assert result.exit_code == 0, result.output
    candidates = json.loads(result.stdout)["candidates"]
    best = next(candidate for candidate in candidates if candidate["protocol"] == protocol)
    # RDM6300 and ID-20LA are one parser; nothing else may do as well.
    equals = {"rdm6300", "id20la"} if protocol in ("rdm6300", "id20la") else {protocol}
    assert {c["protocol"] for c in candidates if c["score"] >= best["score"]} == equals
    assert best["score"] > 0.8
    assert best["asked"] is answers_only(protocol)
    written = tomllib.loads(best["toml"])["meters"][best["kind"]]
    assert (written["port"], written["protocol"]) == (str(link), protocol)
    expected = {"framing": "BB"} if protocol == "uhf_m100" else {}
    for name in ("checksum", "framing"):
        assert written.get(name, expected.get(name)) == options.get(name)
    assert ("unit" in written) is PROTOCOLS[protocol].needs_unit
    if answers_only(protocol):
        assert written["identity"]
    check_readings(best, world, result.output)


def check_readings(best: dict[str, Any], world: Any, output: str) -> None:
    if isinstance(world, Shown):
        assert {"kind": "weight", "grams": world.grams, "stable": True} in best["readings"]
        return
    assert {"kind": "card", "last4": world[-4:]} in best["readings"]
    for start in range(len(world) - 4):
        assert world[start : start + 4] not in output


def test_every_offered_protocol_is_among_the_examples() -> None:
    assert {example[0] for example in EXAMPLES} == set(PROTOCOLS)


@pytest.mark.parametrize(
    ("line", "bit7"),
    [
        (Line(2400, 7, "E"), lambda byte: byte.bit_count() % 2),
        (Line(2400, 7, "O"), lambda byte: (byte.bit_count() + 1) % 2),
        (Line(2400, 7, "N", 2), lambda _byte: 1),
    ],
)
def test_seven_bits_and_parity_are_read_off_bytes_heard_at_eight(line: Line, bit7: Callable[[int], int]) -> None:
    frames = b"ST,+001234.5  g\r\n" * 3
    best = judge(bytes(byte | bit7(byte) << 7 for byte in frames), 2400)[0]
    assert (best.protocol.name, best.line) == ("and_standard", line)


def test_a_single_damaged_frame_lowers_the_score_and_not_the_guess() -> None:
    frame = weight_frame(500)
    clean, damaged = judge(frame * 9, 9600)[0], judge(frame * 8 + frame[:9] + b"x" + frame[10:], 9600)[0]
    assert clean.score == 1.0
    assert damaged.protocol.name == "cas_22"
    assert 0.8 < damaged.score < 1.0


# --- What people see


def test_the_table_to_write_down_is_printed_with_the_frames_found(tmp_path: Path) -> None:
    protocol, make, _, world = next(example for example in EXAMPLES if example[0] == "toledo_8217")
    with on_the_line(tmp_path / "port", make, world):
        result = run(tmp_path / "port", "--seconds", 0.1, "--ask")
    assert f"1. {protocol} (scale), 9600 7E1" in result.stdout
    assert '"grams": 12350' in result.stdout
    assert 'unit = "kg"  # the unit that the scale shows' in result.stdout


def test_a_port_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = run(tmp_path / "nothing")
    assert result.exit_code == 1
    assert f"{tmp_path / 'nothing'}: there is no such port" in result.stderr


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    cable = Cable(tmp_path / "port")
    gateway = SerialPort(str(cable.link), Now())
    gateway.poll()
    result = run(cable.link, "--seconds", 0.1)
    assert result.exit_code == 1
    assert "another program uses it" in result.stderr
    gateway.close()
    cable.close()


def test_a_file_is_no_port(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run(tmp_path / "file")
    assert result.exit_code == 1
    assert "is it a serial port?" in result.stderr


@pytest.mark.parametrize("ask", [False, True])
def test_a_silent_line_is_told_with_what_to_check(tmp_path: Path, ask: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "_ANSWER_S", 0.005)
    cable = Cable(tmp_path / "port")
    result = run(cable.link, "--seconds", 0.1, *(["--ask"] if ask else []))
    assert result.exit_code == 1
    assert "not a byte came; check power, cable" in result.stderr
    assert ("needs --ask" in result.stderr) is not ask
    assert (cable.read() != b"") is ask  # nothing is sent unless asked for
    cable.close()


class Nonsense:
    """Half card frames: bytes of which no protocol makes anything."""

    def push(self, _world: object) -> bytes:
        return card_frame("0D00319CD0")[:11]

    def hear(self, _data: bytes, _world: object) -> bytes:
        return b""


def test_bytes_without_a_frame_are_counted_and_not_shown(tmp_path: Path) -> None:
    with on_the_line(tmp_path / "port", Nonsense, None):
        result = run(tmp_path / "port", "--seconds", 0.1)
    assert result.exit_code == 1
    assert "bytes came (91 % printable) but no frame" in result.stderr
    assert "0D00" not in result.output
    assert b"0D00".hex() not in result.output


def test_a_port_unplugged_while_listening_is_told(tmp_path: Path) -> None:
    cable = Cable(tmp_path / "port")
    pull = threading.Timer(0.2, cable.close)
    pull.start()
    result = run(cable.link, "--seconds", 5)
    pull.join()
    assert result.exit_code == 1
    assert "it was unplugged meanwhile" in result.stderr


def test_the_command_runs_in_korean_from_the_shell(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateways.cli", "probe", str(tmp_path / "nothing")],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        env={"LANG": "ko_KR.UTF-8", "PYTHONUTF8": "1"},
    )
    assert done.returncode == 1
    assert "그런 포트가 없습니다" in done.stderr
