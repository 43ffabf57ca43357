"""The config file: taken as it is meant, or refused with every error at its line."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from gateways.config import EXAMPLE, ConfigError, load_config
from gateways.weighing.thresholds import Thresholds


def write(folder: Path, text: str) -> Path:
    path = folder / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return path


def errors(folder: Path, text: str, lang: str = "en") -> list[str]:
    """What is wrong with the text, each as `line:column: text`."""
    path = write(folder, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    lines = caught.value.in_words(lang).splitlines()  # type: ignore[arg-type]
    assert all(line.startswith(f"{path}:") for line in lines)
    return [line.removeprefix(f"{path}:") for line in lines]


def test_the_example_is_valid_and_names_every_table(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, EXAMPLE))
    [meter] = config.meters
    assert (meter.meter, meter.capacity_g) == ("W0G-001-01-1", 100_000)
    assert (meter.reader.protocol, meter.scale.protocol, meter.lid.driver) == ("rdm6300", "cas_22", "relay")
    assert (config.uplink.status_every_s, config.thresholds.division_g) == (60, 10)
    assert config.spool == Path("/var/lib/jongnyang/spool.db")
    for table in ("session", "uplink", "spool_limits", "update"):
        assert f"[{table}]" in EXAMPLE


def test_what_is_not_given_has_its_usual_value_and_paths_start_at_the_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, minimal()))
    assert config.key_file == tmp_path / "gateway.key"
    assert config.thresholds == Thresholds()
    assert config.port_log is None
    assert config.meters[0].display.port == ""


def minimal(scale: str = 'protocol = "cas_22"') -> str:
    return f"""\
server = "http://127.0.0.1:8000"
key_file = "gateway.key"
spool = "spool.db"
[[meters]]
meter = "W0G-001-01-1"
[meters.reader]
port = "/dev/ttyUSB0"
protocol = "rdm6300"
[meters.scale]
port = "/dev/ttyUSB1"
{scale}
[meters.lid]
port = "/dev/ttyUSB2"
"""


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("server =", "sever =", "1:1: sever: there is no such setting; did you mean server?"),
        ('"http://127.0.0.1:8000"', "5", "1:1: server = 5: must be text"),
        ("http://", "ftp://", '1:1: server = "ftp://127.0.0.1:8000": must be an address'),
        ('spool = "spool.db"', "", "1:1: spool: is missing"),
        ('spool = "spool.db"', 'spool = ""', '3:1: spool = "": must be text'),
        ('"W0G-001-01-1"', "'W0G-001-01-1'\ncapacity_g = 1.5", "6:1: meters[1].capacity_g = 1.5: must be whole grams"),
        ("[meters.reader]", "[meters.raeder]", "6:1: meters[1].raeder: there is no such setting; did you mean reader?"),
        ('"rdm6300"\n', '"rdm6300"\n  baudrate = 9601\n', "9:3: meters[1].reader.baudrate = 9601: must be one of 1200"),
        ('"rdm6300"\n', '"rdm6300"\nbytesize = 8.0\n', "9:1: meters[1].reader.bytesize = 8.0: must be one of 7, 8"),
        ("ttyUSB2", "ttyUSB1", '13:1: meters[1].lid.port = "/dev/ttyUSB1": this port is used in line 10 already'),
        ("[meters.scale]", "[meters.scales]", "4:1: meters[1].scale: is missing"),
        ("[[meters]]", "[meters]", "4:1: meters = {…}: must be at least one table [[meters]]"),
        ("[meters.lid]", "[meters.display]\nlanguage = 'ko'\n[meters.lid]", "12:1: meters[1].display.port: is missing"),
        ("[meters.lid]", "[meters.lid]\ndriver = 'motor'", '13:1: meters[1].lid.driver = "motor": must be one of'),
        ("[[meters]]", "[session]\nstable_s = 'long'\n[[meters]]", '5:1: session.stable_s = "long": must be seconds'),
        ("[[meters]]", "[session]\nstable_s = nan\n[[meters]]", "5:1: session.stable_s = nan: must be seconds"),
        ("[[meters]]", "[session]\nstable_s = true\n[[meters]]", "5:1: session.stable_s = true: must be seconds"),
        ("[[meters]]", "[session]\nstep_g = -1\n[[meters]]", "5:1: session.step_g = -1: must be whole grams, 0 or"),
        (
            "[[meters]]",
            "[session]\nstep_g = 0\n[[meters]]",
            "5:1: session.step_g: cannot be used: step_g = 0 must",
        ),
        (
            "[[meters]]",
            "[session]\nlate_close_s = 30\n[[meters]]",
            "5:1: session.late_close_s: cannot be used: open_alarm_s = 60.0 must be late_close_s = 30 or less",
        ),
        (
            "[[meters]]",
            "[uplink]\ntimeout_s = 0\n[[meters]]",
            "5:1: uplink.timeout_s: cannot be used: timeout_s = 0",
        ),
        ("[[meters]]", "[uplink]\nstatus_every_s = 0\n[[meters]]", "5:1: uplink.status_every_s: cannot be used"),
        ("[[meters]]", "[uplink]\nbackoff_last_s = 0.5\n[[meters]]", "5:1: uplink.backoff_last_s: cannot be used"),
        ("[[meters]]", "[spool_limits]\nmax_bytes = 0\n[[meters]]", "5:1: spool_limits.max_bytes: cannot be used"),
        ("[[meters]]", "session = 5\n[[meters]]", "4:1: session = 5: must be a table [session]"),
        (
            "[[meters]]",
            "[spool_limits]\nmax_bytes = 1e9\n[[meters]]",
            "5:1: spool_limits.max_bytes = 1000000000.0: must",
        ),
        ("[[meters]]", "[update]\npublic_key = 'abc'\n[[meters]]", "5:1: update.public_key: must be an Ed25519"),
        ('key_file = "', 'key_file = "가\n', "2:14: is no TOML: Illegal character '\\n'"),
        ('port = "/dev/ttyUSB2"\n', "port = [1,\n", "13:11: is no TOML: "),
    ],
)
def test_an_error_names_its_place_the_setting_what_was_found_and_what_is_expected(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    text = minimal()
    assert text.count(before) >= 1
    assert any(line.startswith(told) for line in errors(tmp_path, text.replace(before, after, 1)))


def test_all_errors_are_told_at_once_in_both_languages(tmp_path: Path) -> None:
    text = (
        minimal().replace("server", "sever").replace("ttyUSB2", "ttyUSB0") + "[session]\ndivison_g = 5\nstep_g = 1.5\n"
    )
    english, korean = errors(tmp_path, text), errors(tmp_path, text, "ko")
    assert [line.split(":")[0] for line in english] == ["1", "1", "13", "15", "16"]
    assert [line.split(": ")[0] for line in korean] == [line.split(": ")[0] for line in english]
    assert "없는 설정입니다" in korean[0]


def test_a_meter_that_stands_twice_is_refused_however_its_table_is_written(tmp_path: Path) -> None:
    second = 'meter = "W0G-001-01-1", reader = {port = "/dev/a", protocol = "rdm6300"}'
    second += ', scale = {port = "/dev/b", protocol = "cas_22"}, lid = {port = "/dev/a"}'
    first = 'meter = "W0G-001-01-1", reader = {port = "/dev/c", protocol = "rdm6300"}'
    first += ', scale = {port = "/dev/d", protocol = "cas_22"}, lid = {port = "/dev/e"}'
    text = f"server = 'http://a'\nkey_file = 'k'\nspool = 's'\nmeters = [\n  {{{first}}},\n  {{{second}}}\n]\n"
    told = errors(tmp_path, text)
    assert [line.split(":")[0] for line in told] == ["6", "6"]
    assert "stands in line 5 already" in told[0]
    assert "used in line 6 already" in told[1]


def test_a_port_is_the_same_under_each_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "by-id").symlink_to("/dev/ttyUSB0")
    told = errors(tmp_path, minimal().replace("/dev/ttyUSB2", str(tmp_path / "by-id")))
    assert "used in line 7 already" in told[0]


def test_a_file_that_is_missing_or_no_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "none.toml")
    path = tmp_path / "latin.toml"
    path.write_bytes(b'server = "x"\nkey_file = "caf\xe9"\n')
    with pytest.raises(ConfigError, match=r"latin\.toml:2:16: .*UTF-8"):
        load_config(path)


def test_a_file_saved_on_windows_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_bytes(b"\xef\xbb\xbf" + minimal().replace("\n", "\r\n").encode())
    assert load_config(path).meters[0].meter == "W0G-001-01-1"


@pytest.mark.parametrize("field", fields(Thresholds), ids=lambda field: field.name)
def test_every_threshold_can_be_set_to_its_own_usual_value(tmp_path: Path, field: Callable[..., object]) -> None:
    value = getattr(Thresholds(), field.name)  # type: ignore[attr-defined]
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    config = load_config(write(tmp_path, minimal() + f"[session]\n{field.name} = {shown}\n"))  # type: ignore[attr-defined]
    assert config.thresholds == Thresholds()
