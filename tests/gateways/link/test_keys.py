"""A key is rotated without a moment in which the box cannot sign; a power cut at any step leaves a usable file."""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateways.link.keys import KeyFileError, KeyRing, load_key, load_keys, save_key
from tests.gateways.fake_server import Refusal, key_of
from tests.gateways.link.rig import Rig, once

OLD, NEW = "W0G/W0G-GW-001/1", "W0G/W0G-GW-001/2"


class PowerCut(BaseException):
    """Nothing after this moment happens."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "keys" / "gateway.key"
    save_key(file, key_of("W0G-GW-001"))
    return file


@contextmanager
def made(folder: Path, path: Path) -> Iterator[Rig]:
    rig = Rig(folder, keys=load_keys(path))
    with rig.fake, closing(rig.spool):
        yield rig
        rig.server.close()


def restart(rig: Rig, path: Path) -> None:
    rig.server.close()
    rig.keys = load_keys(path)
    rig.begin()


def test_a_file_of_one_key_as_an_older_gateway_wrote_it_still_loads(path: Path) -> None:
    path.write_bytes(msgspec.json.encode(key_of("W0G-GW-001")))
    assert load_key(path) == key_of("W0G-GW-001")
    load_keys(path).offer(NEW, "AAAA")
    assert load_key(path).key_id == NEW
    assert load_keys(path).current.key_id == OLD


def test_the_key_file_is_its_owners_alone_after_every_change(path: Path) -> None:
    ring = load_keys(path)
    for change in (lambda: ring.offer(NEW, "AAAA"), ring.confirm, ring.withdraw):
        change()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["gateway.key"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"current": null}',
        b'{"current": {"gateway": "g", "district": "d", "key_id": "k", "secret": "", "card_key": "c"}}',
        b'{"gateway": "g", "district": "d", "key_id": "k", "secret": "!!!!", "card_key": "c"}',
    ],
)
def test_a_broken_key_file_says_to_claim_again(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(KeyFileError, match="claim the gateway again"):
        load_keys(path)


def test_a_command_rotates_the_key_and_the_servers_answer_drops_the_old_one(tmp_path: Path, path: Path) -> None:
    with made(tmp_path, path) as rig:
        command = rig.fake.command("rotate_key")
        rig.uplink.step()
        assert load_key(path).key_id == NEW
        assert load_keys(path).current.key_id == OLD
        rig.uplink.report_soon()
        rig.put(1)
        rig.uplink.step()
        assert load_keys(path).current.key_id == NEW
        assert load_keys(path).following is None
        rig.uplink._status_at = float("-inf")
        rig.uplink.step()
        assert rig.fake.results[command] == {"id": command, "state": "done", "detail": NEW}
        assert ("key_rotated", f"{OLD} -> {NEW}") in rig.notices
        assert rig.fake.signed_by[-1] == NEW
        rig.fake.keys.refused[OLD] = "key-revoked"
        restart(rig, path)
        rig.put(1)
        rig.steps()
        assert len(rig.fake.records) == 2


def test_commands_are_verified_with_the_key_that_signed_the_request(tmp_path: Path, path: Path) -> None:
    with made(tmp_path, path) as rig:
        rig.fake.command("rotate_key")
        rig.uplink.step()
        rig.fake.command("open_lid", meter="W0G-001-01-1")
        rig.put(1)
        rig.uplink.step()
        assert rig.fake.signed_by[-1] == NEW
        assert rig.opened == ["W0G-001-01-1"]


def test_a_new_key_that_the_server_does_not_know_is_given_up_for_the_old_one(tmp_path: Path, path: Path) -> None:
    with made(tmp_path, path) as rig:
        rig.fake.command("rotate_key")
        rig.uplink.step()
        rig.fake.keys.refused[NEW] = "key-unknown"
        rig.put(1)
        rig.uplink.step()
        assert len(rig.fake.records) == 1
        assert load_keys(path).following is None
        assert load_key(path).key_id == OLD


def test_where_both_keys_are_refused_both_are_kept(tmp_path: Path, path: Path) -> None:
    with made(tmp_path, path) as rig:
        rig.fake.command("rotate_key")
        rig.uplink.step()
        rig.fake.keys.refused |= {NEW: "key-unknown", OLD: "key-revoked"}
        rig.put(1)
        rig.uplink.step()
        ring = load_keys(path)
        assert (ring.current.key_id, ring.signing.key_id) == (OLD, NEW)
        rig.fake.keys.refused.clear()
        rig.uplink.step()
        assert len(rig.fake.records) == 1


def test_a_lost_answer_to_the_new_key_confirms_it_at_the_next(tmp_path: Path, path: Path) -> None:
    with made(tmp_path, path) as rig:
        rig.fake.command("rotate_key")
        rig.uplink.step()
        rig.put(2)
        rig.fake.misbehave = once(Refusal(after_booking=True))
        rig.uplink.step()
        assert rig.fake.keys.confirmed == {NEW}
        rig.fake.keys.refused[OLD] = "key-revoked"  # as the server does a day later
        restart(rig, path)
        rig.steps()
        assert len(rig.fake.records) == 2
        assert load_keys(path).current.key_id == NEW


def test_a_lost_answer_to_the_request_for_a_key_is_asked_again(tmp_path: Path, path: Path) -> None:
    with made(tmp_path, path) as rig:
        command = rig.fake.command("rotate_key")
        rig.fake.misbehave = lambda where, _body: Refusal(after_booking=True) if where.endswith("/keys") else None
        rig.uplink.step()
        assert load_key(path).key_id == OLD
        assert command not in rig.fake.results
        rig.fake.misbehave = lambda _where, _body: None
        restart(rig, path)
        rig.uplink.step()
        assert load_key(path).key_id == NEW
        assert load_key(path).secret == rig.fake.keys.offered[NEW]


STEPS = ["open", "fsync", "replace", "unlink"]


class CutAt:
    """Cuts the power before or after the nth call of the file system that the key file needs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, number: int, *, after: bool) -> None:
        self.left = number
        self.after = after
        self.folder = folder
        for owner, name in [(os, "open"), (os, "fsync"), (Path, "replace"), (Path, "unlink")]:
            monkeypatch.setattr(owner, name, self._wrap(getattr(owner, name)))

    def _wrap(self, real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if isinstance(args[0], Path) and args[0].parent != self.folder:
                return real(*args, **kwargs)
            self.left -= 1
            if self.left == 0 and not self.after:
                raise PowerCut
            answer = real(*args, **kwargs)
            if self.left == 0:
                raise PowerCut
            return answer

        return call


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("change", ["offer", "confirm", "withdraw"])
def test_a_power_cut_at_any_step_of_a_change_leaves_the_keys_before_or_after_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, change: str, after: bool
) -> None:
    before, changed = _ids_around(path, change)
    for number in range(1, 20):
        _set_up(path, change)
        with monkeypatch.context() as patch:
            ring = load_keys(path)
            CutAt(patch, path.parent, number, after=after)
            try:
                _change(ring, change)
                break
            except PowerCut:
                pass
        again = load_keys(path)
        assert (again.current.key_id, again.signing.key_id) in (before, changed)
        _change(again, change)
        after_all = load_keys(path)
        assert (after_all.current.key_id, after_all.signing.key_id) == changed
    assert number >= 5, "no step was cut"


def _set_up(path: Path, change: str) -> None:
    save_key(path, key_of("W0G-GW-001"))
    if change != "offer":
        load_keys(path).offer(NEW, "AAAA")


def _change(ring: KeyRing, change: str) -> None:
    {"offer": lambda: ring.offer(NEW, "AAAA"), "confirm": ring.confirm, "withdraw": ring.withdraw}[change]()


def _ids_around(path: Path, change: str) -> tuple[tuple[str, str], tuple[str, str]]:
    after = {"offer": (OLD, NEW), "confirm": (NEW, NEW), "withdraw": (OLD, OLD)}
    return (OLD, OLD if change == "offer" else NEW), after[change]


def test_a_disk_that_is_full_when_the_new_key_is_confirmed_stops_no_record(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with made(tmp_path, path) as rig:
        rig.fake.command("rotate_key")
        rig.uplink.step()
        rig.put(3)
        real = Path.replace

        def full(self: Path, target: Path) -> Path:
            if self.parent == path.parent:
                raise OSError(28, "No space left on device")
            return real(self, target)

        monkeypatch.setattr(Path, "replace", full)
        rig.uplink.step()
        assert rig.spool.depth().records == 0
        monkeypatch.undo()
        rig.put(1)
        rig.uplink.step()
        assert json.loads(path.read_bytes())["next"] is None
        assert load_key(path).key_id == NEW
