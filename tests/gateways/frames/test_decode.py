"""`jongnyang-gateway decode` says what bytes mean, or why they mean nothing."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateways.cli import main
from gateways.frames.protocols import PROTOCOLS
from gateways.messages import say
from tests.gateways.frames.support import ROWS, Row


def decode(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(main, ["decode", *arguments], input=stdin)


def described(word: str) -> dict[str, object]:
    """A reading of the table as the command must show it."""
    kind, _, rest = word.partition(" ")
    if kind == "card":
        return {"kind": "card", "id": rest}
    if kind == "reply":
        name, _, value = rest.partition(" ")
        return {"kind": "reply", "name": name} | ({"value": value} if value else {})
    if kind == "fault":
        return {"kind": "weight", "grams": None, "stable": False, "fault": rest}
    return {"kind": "weight", "grams": int(rest.removeprefix("net ")), "stable": kind == "stable"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.protocol}: {row.about}")
def test_every_frame_of_the_table_is_shown_as_json_lines_or_refused_with_a_reason(row: Row) -> None:
    unit = ("--unit", "kg") if PROTOCOLS[row.protocol].needs_unit else ()
    result = decode("--protocol", row.protocol, "--hex", row.data.hex(" ").upper(), *unit)
    assert [json.loads(line) for line in result.stdout.splitlines()] == [described(word) for word in row.says]
    assert result.exit_code == (0 if row.says else 1)
    assert bool(result.stderr) is not bool(row.says)


def test_the_reason_names_the_protocol_and_counts_what_was_wrong() -> None:
    bad = decode("--protocol", "rdm6300", "--lang", "en", "--hex", "02 30 44 30 30 33 31 39 43 44 30 37 31 03")
    assert (bad.exit_code, bad.stdout) == (1, "")
    assert "rdm6300" in bad.stderr
    assert "checksum 1, noise 14 B" in bad.stderr
    cut = decode("--protocol", "rdm6300", "--lang", "ko", "--hex", "FF 02 30 44 30")
    assert "올바른 프레임이 없습니다 (noise 1 B, unfinished 4 B)" in cut.stderr


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_a_weight_without_a_unit_is_not_shown_but_asked_for(lang: str) -> None:
    result = decode("--protocol", "toledo_8217", "--lang", lang, "--hex", "02 30 31 2E 32 35 30 0D")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "--unit" in result.stderr
    assert "kg, g, t, lb" in result.stderr
    assert say(lang, "decode_needs_unit", protocol="toledo_8217", units="kg, g, t, lb") in result.stderr


def test_faults_and_replies_of_such_a_scale_need_no_unit() -> None:
    assert '"overload"' in decode("--protocol", "toledo_8217", "--hex", "02 3F 62 0D").stdout
    assert '"identity"' in decode("--protocol", "toledo_8217", "--hex", "02 45 0D 68 65 6C 6C 6F").stdout


@pytest.mark.parametrize(("unit", "grams"), [("kg", 1250), ("g", 1), ("t", 1_250_000), ("lb", 567)])
def test_the_unit_of_the_option_counts(unit: str, grams: int) -> None:
    result = decode("--protocol", "toledo_8217", "--unit", unit, "--hex", "02 30 31 2E 32 35 30 0D")
    assert json.loads(result.stdout)["grams"] == grams


def test_a_moving_kern_is_given_its_unit() -> None:
    moving = b"       0.665    \r\n".hex()
    assert json.loads(decode("--protocol", "kern_ascii", "--hex", moving).stdout)["fault"] == "motion"
    shown = json.loads(decode("--protocol", "kern_ascii", "--unit", "kg", "--hex", moving).stdout)
    assert shown == {"kind": "weight", "grams": 665, "stable": False}


def test_whether_there_is_a_check_byte_can_be_said() -> None:
    damaged = "02 2C 30 20 20 20 39 31 32 33 20 20 20 20 20 30 0D 1B"
    without = "02 2D 30 20 20 34 31 32 33 30 20 20 20 20 20 30 0D"
    assert decode("--protocol", "toledo_continuous", "--hex", damaged).exit_code == 1
    assert decode("--protocol", "toledo_continuous", "--checksum", "--hex", damaged).exit_code == 1
    assert '"grams": 91230' in decode("--protocol", "toledo_continuous", "--no-checksum", "--hex", damaged).stdout
    assert '"grams": 41230' in decode("--protocol", "toledo_continuous", "--hex", without * 3).stdout
    assert decode("--protocol", "toledo_continuous", "--checksum", "--hex", without).exit_code == 1


def test_one_framing_can_be_asked_for() -> None:
    stopped = "AA 01 28 00 01 00 2A DD"
    assert decode("--protocol", "uhf_m100", "--hex", stopped).exit_code == 0
    assert decode("--protocol", "uhf_m100", "--framing", "AA", "--hex", stopped).exit_code == 0
    assert decode("--protocol", "uhf_m100", "--framing", "BB", "--hex", stopped).exit_code == 1


def test_bytes_come_from_a_file_or_from_standard_input_too(tmp_path: Path) -> None:
    frame = b"ST,GS,1\xc4,000013.5 kg\r\n"
    recorded = tmp_path / "recorded"
    recorded.write_bytes(frame * 2)
    assert len(decode("--protocol", "cas_22", "--file", str(recorded)).stdout.splitlines()) == 2
    assert len(decode("--protocol", "cas_22", "--file", "-", stdin=frame).stdout.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--protocol", "cas_22"),
        ("--protocol", "cas_22", "--hex", "00", "--file", "-"),
        ("--protocol", "cas_10", "--hex", "00"),
        ("--protocol", "toledo_8217", "--unit", "stone", "--hex", "00"),
    ],
)
def test_what_cannot_be_is_refused_as_wrong_usage(arguments: tuple[str, ...]) -> None:
    result = decode(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def test_what_is_not_hexadecimal_is_said_to_be_so() -> None:
    result = decode("--protocol", "cas_22", "--lang", "en", "--hex", "0Z")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Not hexadecimal: 0Z" in result.stderr


def test_the_example_of_the_help_works() -> None:
    text = " ".join(decode("--help").output.split())
    example = text.partition("Example: jongnyang-gateway decode ")[2]
    assert (
        '"grams": 13500' in decode("--protocol", "cas_22", "--hex", example.partition('--hex "')[2].rstrip('" ')).stdout
    )
