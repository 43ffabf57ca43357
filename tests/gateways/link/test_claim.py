"""A claim spends its code only when the key can be kept, and says what to do when it cannot."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateways.cli import main
from gateways.link.keys import load_key
from tests.gateways.fake_server import FakeServer, Refusal


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


def claim(*arguments: str | Path, lang: str = "en") -> Result:
    return CliRunner().invoke(main, ["claim", "--code", "code-of-W0G-GW-001", "--lang", lang, *map(str, arguments)])


def write_config(folder: Path, fake: FakeServer, rest: str = "") -> Path:
    path = folder / "gateway.toml"
    path.write_text(f'server = "{fake.url}"\nkey_file = "keys/gateway.key"\n{rest}')
    return path


def test_address_and_key_file_come_from_the_config_file_though_the_rest_of_it_is_not_written_yet(
    fake: FakeServer, tmp_path: Path
) -> None:
    result = claim("--config", write_config(tmp_path, fake, "[[meters]]\n"), "--hardware-id", "machine-1")
    assert result.exit_code == 0, result.output
    assert load_key(tmp_path / "keys" / "gateway.key").gateway == "W0G-GW-001"
    assert b"machine-1" in fake.requests[0][1]


def test_a_box_says_which_machine_it_is(fake: FakeServer, tmp_path: Path) -> None:
    assert claim("--url", fake.url, "--key-file", tmp_path / "k").exit_code == 0
    assert b'"hardware_id":""' not in fake.requests[0][1]


def test_without_config_or_address_it_says_what_to_give(tmp_path: Path) -> None:
    result = claim("--key-file", tmp_path / "k")
    assert result.exit_code == 2
    assert "--config" in result.output


@pytest.mark.parametrize(("lang", "words"), [("en", "exists already"), ("ko", "이미 있습니다")])
def test_a_key_that_is_there_is_not_overwritten_and_the_code_not_spent(
    fake: FakeServer, tmp_path: Path, lang: str, words: str
) -> None:
    (tmp_path / "k").write_text("a key")
    result = claim("--url", fake.url, "--key-file", tmp_path / "k", lang=lang)
    assert result.exit_code == 1
    assert words in result.output
    assert fake.requests == []
    assert (tmp_path / "k").read_text() == "a key"


def test_a_key_file_that_cannot_be_written_spends_no_code(fake: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = claim("--url", fake.url, "--key-file", tmp_path / "file" / "k")
    assert result.exit_code == 1
    assert "unspent" in result.output
    assert fake.requests == []


@pytest.mark.parametrize(("lang", "words"), [("en", "was used before, or has expired"), ("ko", "이미 썼거나")])
def test_a_used_or_expired_code_asks_for_a_new_one(fake: FakeServer, tmp_path: Path, lang: str, words: str) -> None:
    fake.misbehave = lambda _path, _body: Refusal(403, {"type": "/problems/claim-refused", "title": "refused"})
    result = claim("--url", fake.url, "--key-file", tmp_path / "k", lang=lang)
    assert result.exit_code == 1
    assert words in result.output
    assert not (tmp_path / "k").exists()


@pytest.mark.parametrize(("lang", "words"), [("en", "Check address and network"), ("ko", "네트워크를 확인")])
def test_a_server_that_cannot_be_reached_is_named(tmp_path: Path, lang: str, words: str) -> None:
    result = claim("--url", "http://127.0.0.1:9", "--key-file", tmp_path / "k", lang=lang)
    assert result.exit_code == 1
    assert words in result.output
    assert "127.0.0.1:9" in result.output


def test_a_clock_that_is_off_is_said_and_hinders_nothing(fake: FakeServer, tmp_path: Path) -> None:
    fake.clock_ahead = timedelta(days=2)
    result = claim("--url", fake.url, "--key-file", tmp_path / "k")
    assert result.exit_code == 0
    assert "Note: this box's clock says" in result.output


def test_a_config_file_that_is_missing_or_broken_says_so(fake: FakeServer, tmp_path: Path) -> None:
    assert "gateway.toml" in claim("--config", tmp_path / "gateway.toml").output
    result = claim("--config", write_config(tmp_path, fake, "no toml ["))
    assert result.exit_code == 1
    assert fake.requests == []
