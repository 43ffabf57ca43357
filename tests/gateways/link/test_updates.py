"""A box runs only what the maker signed, and is never left without software: not by a bad wheel, not by a power cut."""

import io
import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateways import __version__
from gateways.link.trial import Proof, settled_s
from gateways.link.updates import Installed, Releases, Trial, UpdateError, parse_version
from scripts import sign_release
from tests.gateways.fake_server import Refusal
from tests.gateways.link.rig import Rig
from tests.gateways.link.test_commands import status
from tests.gateways.link.wheels import MAKER, PUBLIC, install, signed, wheel

NEW = "9.1.0"


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path / "releases", PUBLIC)


# --- What is taken


def test_a_signed_newer_release_becomes_current_on_trial(releases: Releases) -> None:
    content = wheel(NEW)
    releases.check(signed(content, NEW), __version__)
    releases.install(signed(content, NEW), content)
    assert releases.read() == Installed(NEW, None, Trial())
    files = sorted(
        str(path.relative_to(releases.path(NEW))) for path in releases.path(NEW).rglob("*") if path.is_file()
    )
    assert files == ["gateways/__init__.py", "gateways/cli.py", f"jongnyang-{NEW}.dist-info/METADATA"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"version": "9.2.0"}, "did not sign"),
        ({"sha256": "0" * 64}, "did not sign"),
        ({"signature": "AAAA"}, "did not sign"),
        ({"signature": "한글"}, "did not sign"),
        ({"size": 0}, "bytes"),
        ({"size": 10**9}, "bytes"),
        ({"version": "0.0.0"}, "not newer"),
        ({"version": __version__}, "not newer"),
        ({"version": "9.1.0rc1"}, "no version"),
        ({"version": "../../9.9"}, "no version"),
    ],
)
def test_what_the_maker_did_not_sign_or_is_not_newer_is_refused(
    releases: Releases, changed: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UpdateError, match=reason):
        releases.check(signed(wheel(NEW), NEW, **changed), __version__)


def test_another_makers_signature_is_refused(releases: Releases) -> None:
    content = wheel(NEW)
    other = sign_release.sign(Ed25519PrivateKey.generate(), content, NEW)
    with pytest.raises(UpdateError, match="did not sign"):
        releases.check(msgspec.convert(other, type(signed(content, NEW))), __version__)


@pytest.mark.parametrize(("key", "reason"), [("", "public_key"), ("not base64!", "did not sign"), ("AAAA", "did not")])
def test_a_box_without_the_makers_key_takes_no_release(tmp_path: Path, key: str, reason: str) -> None:
    with pytest.raises(UpdateError, match=reason):
        Releases(tmp_path, key).check(signed(wheel(NEW), NEW), __version__)


def _with_link() -> bytes:
    content = io.BytesIO(wheel(NEW))
    with zipfile.ZipFile(content, "a") as archive:
        link = zipfile.ZipInfo("gateways/link.py")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return content.getvalue()


@pytest.mark.parametrize(
    "make",
    [
        lambda: wheel(NEW, **{"../evil.py": "x"}),
        lambda: wheel(NEW, **{"gateways/../../evil.py": "x"}),
        lambda: wheel(NEW, **{"/tmp/evil.py": "x"}),
        lambda: wheel(NEW, **{"gateways\\..\\evil.py": "x"}),
        _with_link,
        lambda: b"no zip file",
        lambda: wheel(NEW)[:-40],
        lambda: _zip({"app/__init__.py": ""}),
    ],
)
def test_a_wheel_that_could_write_elsewhere_or_is_none_changes_nothing(
    releases: Releases, make: Callable[[], bytes], tmp_path: Path
) -> None:
    content = make()
    with pytest.raises(UpdateError):
        releases.install(signed(content, NEW), content)
    assert releases.read() == Installed()
    assert not list(tmp_path.rglob("evil.py"))
    assert not releases.is_usable(NEW)


def _zip(members: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def test_a_wheel_that_was_tampered_with_on_the_way_is_refused(releases: Releases) -> None:
    content = wheel(NEW)
    with pytest.raises(UpdateError, match="sha256"):
        releases.install(signed(content, NEW), wheel(NEW, "import evil\n"))
    assert releases.read() == Installed()


def test_only_the_current_release_and_the_one_before_stay_on_the_disk(tmp_path: Path) -> None:
    for version in ("1.0", "1.1", "1.2"):
        releases = install(tmp_path, version)
        releases.confirm()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.1", "1.2", "releases.json"]


def test_what_is_no_release_stays_in_the_folder(tmp_path: Path) -> None:
    for name in ("spool.db.corrupt-1", "port logs", "1.0.new", "0.9"):
        (tmp_path / name).mkdir()
    (tmp_path / "1.5").symlink_to(tmp_path / "port logs")
    install(tmp_path, "1.1")
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == ["1.1", "1.5", "port logs", "releases.json", "spool.db.corrupt-1"]


# --- Back


def test_a_roll_back_returns_to_the_release_before_and_then_to_the_installed_software(tmp_path: Path) -> None:
    install(tmp_path, "1.0").confirm()
    releases = install(tmp_path, "1.1")
    assert releases.roll_back("test").current == "1.0"
    assert releases.read() == Installed("1.0", returned="1.1", reason="test")
    assert releases.roll_back("test").current is None
    with pytest.raises(UpdateError, match="no release before"):
        releases.roll_back("test")


def test_a_release_whose_files_are_gone_is_not_returned_to(tmp_path: Path) -> None:
    install(tmp_path, "1.0").confirm()
    releases = install(tmp_path, "1.1")
    (releases.path("1.0") / "gateways" / "cli.py").unlink()
    assert releases.roll_back("test").current is None


@pytest.mark.parametrize("content", [b"", b"[]", b'{"current": 1}', b"\xff"])
def test_a_damaged_file_of_the_releases_means_the_installed_software(tmp_path: Path, content: bytes) -> None:
    releases = install(tmp_path, "1.0")
    (tmp_path / "releases.json").write_bytes(content)
    assert releases.read() == Installed()


@given(st.lists(st.integers(0, 99), min_size=2, max_size=4), st.lists(st.integers(0, 99), min_size=2, max_size=4))
def test_versions_are_ordered_by_their_numbers(left: list[int], right: list[int]) -> None:
    padded = [tuple(numbers + [0] * (4 - len(numbers))) for numbers in (left, right)]
    parsed = [parse_version(".".join(map(str, numbers))) for numbers in (left, right)]
    assert (parsed[0] < parsed[1]) == (padded[0] < padded[1])
    assert (parsed[0] == parsed[1]) == (padded[0] == padded[1])


# --- Power cuts


class PowerCut(BaseException):
    """Nothing after this moment happens."""


@pytest.mark.parametrize("after", [False, True])
def test_a_power_cut_at_any_step_leaves_the_old_software_or_the_new_one_on_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    content = wheel(NEW)
    for number in range(1, 200):
        folder = tmp_path / f"{number}"
        install(folder, "1.0").confirm()
        with monkeypatch.context() as patch:
            _cut_at(patch, number, after=after)
            try:
                Releases(folder, PUBLIC).install(signed(content, NEW), content)
                break
            except PowerCut:
                pass
        releases = Releases(folder, PUBLIC)
        now = releases.read()
        assert now in (Installed("1.0", None), Installed(NEW, "1.0", Trial()))
        assert releases.is_usable(str(now.current))
        releases.install(signed(content, NEW), content)
        assert releases.read().current == NEW
        assert releases.is_usable(NEW)
    assert number > 12, "no step was cut"


def _cut_at(patch: pytest.MonkeyPatch, number: int, *, after: bool) -> None:
    left = [number]

    def wrap(real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and not after:
                raise PowerCut
            answer = real(*args, **kwargs)
            if left[0] == 0:
                raise PowerCut
            return answer

        return call

    for owner, name in [
        *((Path, name) for name in ("mkdir", "write_bytes", "rename", "replace")),
        (os, "fsync"),
    ]:
        patch.setattr(owner, name, wrap(getattr(owner, name)))


# --- By command of the server


@pytest.fixture
def box(rig: Rig, tmp_path: Path) -> Rig:
    rig.releases = Releases(tmp_path / "releases", PUBLIC)
    rig.begin()
    return rig


def order(box: Rig, content: bytes, version: str = NEW, **changed: Any) -> str:
    box.fake.lists.releases[version] = content
    arguments = {**sign_release.sign(MAKER, content, version), **changed}
    return box.fake.command("update", **arguments)


def test_a_command_installs_a_release_and_asks_for_a_restart(box: Rig) -> None:
    command = order(box, wheel(NEW))
    box.uplink.step()
    assert box.restarts == 1
    assert box.releases is not None
    assert box.releases.read().current == NEW
    status(box)
    assert box.fake.results[command]["state"] == "done"
    assert box.restarts == 1


def test_the_new_release_is_confirmed_and_told_once_the_server_answers_and_the_bins_are_served(box: Rig) -> None:
    order(box, wheel(NEW))
    box.uplink.step()
    box.is_proven = False
    box.begin()  # as the new release
    box.uplink.step()
    assert box.releases is not None
    assert box.releases.read().trial is not None
    assert box.notices == []
    box.is_proven = True
    box.uplink.step()
    assert box.releases.read() == Installed(NEW, None)
    assert box.notices == [("update_installed", NEW)]


def test_a_disk_that_does_not_take_the_end_of_a_trial_stops_no_record(
    box: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(box, wheel(NEW))
    box.uplink.step()
    box.begin()
    box.put(3)

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Releases, "write", full)
        box.uplink.step()
        box.uplink.step()
    assert box.spool.depth().records == 0
    assert len(box.notices) == 1
    box.uplink._trial._not_before = 0.0
    box.uplink.step()
    assert box.releases is not None
    assert box.releases.read() == Installed(NEW, None)


def test_a_proof_needs_the_box_well_without_a_break() -> None:
    proof = Proof(settled_s(900))
    for at, well in [(0, False), (1, True), (100, True), (101, False), (102, True), (221, True)]:
        proof.tick(at, well=well)
        assert not proof.is_given()
    proof.tick(222, well=True)
    proof.tick(223, well=False)
    assert proof.is_given()
    assert settled_s(30) == 10


def test_a_release_that_the_server_does_not_answer_to_stays_on_trial(box: Rig) -> None:
    order(box, wheel(NEW))
    box.uplink.step()
    box.begin()
    box.fake.misbehave = lambda path, _body: None if path.endswith("/time") else Refusal()
    box.uplink.step()
    assert box.releases is not None
    assert box.releases.read().trial is not None


@pytest.mark.parametrize("changed", [{"signature": "AAAA"}, {"version": "0.0.1"}, {"sha256": "0" * 64}, {"size": "x"}])
def test_a_command_for_a_release_that_may_not_be_is_refused_and_nothing_is_fetched(
    box: Rig, changed: dict[str, Any]
) -> None:
    command = order(box, wheel(NEW), **changed)
    box.uplink.step()
    status(box)
    assert box.fake.results[command]["state"] == "refused"
    assert not [path for path, _ in box.fake.requests if "/releases/" in path]
    assert box.restarts == 0


@pytest.mark.parametrize("served", [wheel(NEW, "import evil\n"), wheel(NEW) + b"x", wheel(NEW)[:-1]])
def test_a_release_that_arrives_changed_is_not_installed(box: Rig, served: bytes) -> None:
    command = order(box, wheel(NEW))
    box.fake.lists.releases[NEW] = served
    box.uplink.step()
    status(box)
    assert box.releases is not None
    assert box.releases.read() == Installed()
    assert box.restarts == 0
    assert box.fake.results.get(command, {}).get("state") != "done"


def test_a_release_that_the_server_lacks_fails_the_command(box: Rig) -> None:
    command = order(box, wheel(NEW))
    box.fake.lists.releases.clear()
    box.uplink.step()
    status(box)
    assert box.fake.results[command]["state"] == "failed"


def test_a_roll_back_by_command_restarts_and_is_told(box: Rig, tmp_path: Path) -> None:
    install(tmp_path / "releases", "1.0").confirm()
    box.fake.command("roll_back")
    box.uplink.step()
    assert box.restarts == 1
    assert box.releases is not None
    assert box.releases.read().current is None
    box.begin()
    box.uplink.step()
    assert ("update_rolled_back", "1.0: a command of the server") in box.notices
    box.begin()
    box.uplink.step()
    assert len([kind for kind, _ in box.notices if kind == "update_rolled_back"]) <= 2  # spooled, then told


def test_a_gateway_that_was_not_launched_says_that_it_cannot_change_over(rig: Rig) -> None:
    command = order(rig, wheel(NEW))
    rig.uplink.step()
    status(rig)
    assert rig.fake.results[command]["state"] == "refused"
    assert "launch" in rig.fake.results[command]["detail"]


# --- The maker's side


def test_the_makers_script_makes_a_key_and_signs_what_a_box_takes(tmp_path: Path) -> None:
    key, file = tmp_path / "maker.key", tmp_path / "jongnyang.whl"
    file.write_bytes(wheel(NEW))
    public = _run("new-key", key).strip()
    assert key.stat().st_mode & 0o777 == 0o600
    assert _run("public-key", key).strip() == public
    release = msgspec.convert(json.loads(_run("sign", key, file)), type(signed(b"", NEW)))
    releases = Releases(tmp_path / "box", public)
    releases.check(release, __version__)
    releases.install(release, file.read_bytes())
    assert releases.read().current == NEW


def test_the_makers_script_overwrites_no_key_and_signs_no_foreign_wheel(tmp_path: Path) -> None:
    key, file = tmp_path / "maker.key", tmp_path / "other.whl"
    file.write_bytes(_zip({"other/__init__.py": ""}))
    sign_release.make_key(key)
    with pytest.raises(FileExistsError):
        sign_release.make_key(key)
    with pytest.raises(SystemExit, match="no wheel of this software"):
        sign_release.main(["sign", str(key), str(file)])


def _run(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "scripts.sign_release", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
