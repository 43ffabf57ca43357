"""Key and fleet files: read whole, or refused with what to do."""

from pathlib import Path

import pytest

from gateways.link.keys import KeyFileError, load_key, save_key
from gateways.simulate.fleet import FleetError, cut, load_fleet
from gateways.simulate.truth import TruthLog, read_truth
from tests.gateways.fake_server import key_of, make_fleet


def test_a_key_file_is_for_its_owner_only_and_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "gateway.key"
    save_key(path, key_of("W0G-GW-001"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(path) == key_of("W0G-GW-001")
    assert [entry.name for entry in path.parent.iterdir()] == ["gateway.key"]


def test_a_key_that_others_can_read_or_that_is_broken_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gateway.key"
    save_key(path, key_of("W0G-GW-001"))
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_key(path)
    path.chmod(0o600)
    path.write_text("{}")
    with pytest.raises(KeyFileError, match="claim"):
        load_key(path)
    path.unlink()
    with pytest.raises(KeyFileError, match="claim"):
        load_key(path)


def test_a_fleet_is_cut_so_that_every_gateway_keeps_a_share() -> None:
    fleet = cut(make_fleet(3, 4, cards=10), meters=5, households=7)
    assert [len(gateway.meters) for gateway in fleet.gateways] == [2, 2, 1]
    assert [len(gateway.cards) for gateway in fleet.gateways] == [3, 2, 2]
    assert [gateway.gateway for gateway in cut(make_fleet(3, 1), 2, None).gateways] == ["W0G-GW-001", "W0G-GW-002"]


def test_a_fleet_file_that_is_missing_or_broken_says_so(tmp_path: Path) -> None:
    with pytest.raises(FleetError):
        load_fleet(tmp_path / "fleet.json")
    path = tmp_path / "fleet.json"
    path.write_text('{"district": "W0G"}')
    with pytest.raises(FleetError, match="gateways"):
        load_fleet(path)


def test_the_truth_survives_a_crash_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    log = TruthLog(path)
    assert log.append("drop", "m", None, 410) == 410
    log.close()
    with path.open("ab") as file:
        file.write(b'{"at":"2026')
    log = TruthLog(path)
    assert (log.gross_g, log.drops) == ({"m": 410}, 1)
    assert log.append("drop", "m", None, 90) == 500
    log.close()
    assert [entry.grams for entry in read_truth(path)] == [410, 90]
