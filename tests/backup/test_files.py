"""A backup's file: whole or not there, readable by its owner alone, and whatever befell it is found."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.backup import archive, folder
from app.backup.manifest import Counted, Head, Manifest, Part, decode, encode, seal_state, sealed
from app.texts import Refused

CONTENT = b"".join(n.to_bytes(4, "big") for n in range(5_000))  # compresses, and no two places are alike


def manifest_of(part: Part, **changes: object) -> Manifest:
    facts = {
        **{"format": 1, "product": "jongnyang", "version": "0.1.0", "revision": "0001_registry", "server": "SQLite 3"},
        **{"taken_at": datetime(2026, 11, 22, tzinfo=UTC), "database": "sqlite", "tool": 0, "source": "/srv/a.db"},
        **{"tables": {"discharge": Counted(2, {"net_g": 500})}, "audit": {"W0G": Head(1, "ab")}, "parts": [part]},
    }
    return Manifest(**(facts | changes))  # type: ignore[arg-type]


def written(path: Path, content: bytes = CONTENT, compressed: bool = True, **changes: object) -> Path:
    """A backup in a file."""
    with archive.new_archive(path, compressed) as zipped:
        part = archive.add_part(zipped, "jongnyang.db", io.BytesIO(content), lambda _: None)
        archive.add_manifest(zipped, manifest_of(part, **changes))
    return path


def content_of(path: Path) -> bytes:
    """What comes out of a file; raises Refused where it is not what went in."""
    (part,) = archive.check(path, lambda _: None).parts
    out = io.BytesIO()
    archive.extract(path, part, out, lambda _: None)
    return out.getvalue()


@pytest.mark.parametrize("compressed", [True, False])
def test_what_went_in_comes_out_and_is_nobody_elses_to_read(tmp_path: Path, compressed: bool) -> None:
    path = written(tmp_path / "a.zip", compressed=compressed)
    assert content_of(path) == CONTENT
    assert path.stat().st_mode & 0o777 == 0o600
    (part,) = archive.read_manifest(path).parts
    assert part == Part("jongnyang.db", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert list(tmp_path.iterdir()) == [path]


in_one_folder = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def whole(tmp_path: Path) -> dict[bool, bytes]:
    """The bytes of a compressed backup and of another one."""
    return {way: written(tmp_path / f"{way}.zip", CONTENT[:300], way).read_bytes() for way in (True, False)}


@in_one_folder
@given(data=st.data(), compressed=st.booleans())
def test_a_file_that_was_cut_anywhere_is_found(
    tmp_path: Path, whole: dict[bool, bytes], data: st.DataObject, compressed: bool
) -> None:
    path = tmp_path / "cut.zip"
    path.write_bytes(whole[compressed][: data.draw(st.integers(0, len(whole[compressed]) - 1))])
    with pytest.raises(Refused, match="no whole backup"):
        archive.check(path, lambda _: None)


@in_one_folder
@given(data=st.data(), compressed=st.booleans())
def test_changed_bytes_are_found_or_change_nothing(
    tmp_path: Path, whole: dict[bool, bytes], data: st.DataObject, compressed: bool
) -> None:
    path, changed = tmp_path / "changed.zip", bytearray(whole[compressed])
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(changed)
    try:
        found = content_of(path), archive.read_manifest(path)
    except Refused:
        return
    assert found == (CONTENT[:300], archive.read_manifest(tmp_path / f"{compressed}.zip"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no whole backup"),
        (b"PGDMP", "no whole backup"),
        ({"manifest.json": b"{}"}, "no whole backup"),
        ({"readme.txt": b"hello"}, "no whole backup"),
        ({"manifest.json": encode(manifest_of(Part("gone.db", 1, "ab")))}, "no whole backup"),
        (
            {"manifest.json": encode(manifest_of(Part("a", 0, ""), product="other"))},
            r"cannot|can read \(other, format 1",
        ),
        ({"manifest.json": encode(manifest_of(Part("a", 0, ""), format=2))}, "If a newer program made it"),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused_in_words(
    tmp_path: Path, content: bytes | dict[str, bytes], told: str
) -> None:
    path = tmp_path / "a.zip"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as file:
            for name, each in content.items():
                file.writestr(name, each)
    with pytest.raises(Refused, match=told):
        archive.check(path, lambda _: None)


def test_nothing_is_left_of_a_file_that_did_not_become_complete(tmp_path: Path) -> None:
    def give_up(_: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError), archive.new_archive(tmp_path / "a.zip", compressed=True) as zipped:
        archive.add_part(zipped, "jongnyang.db", io.BytesIO(CONTENT), give_up)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from app.backup import archive, folder

class Source:
    def read(self, size):
        os.kill(os.getpid(), signal.SIGKILL) if self.begun else None
        self.begun = True
        return bytes(size)
    begun = False

with folder.at_work(Path(sys.argv[1])), archive.new_archive(Path(sys.argv[1]) / "jongnyang-a.zip", False) as zipped:
    archive.add_part(zipped, "jongnyang.db", Source(), lambda _: None)
"""


def test_a_killed_backup_leaves_no_file_under_its_name_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.glob("*.part")] == [".jongnyang-a.zip.part"]
    assert folder.listed(tmp_path) == []
    with folder.at_work(tmp_path):
        assert list(tmp_path.glob("*.part")) == []
        with pytest.raises(Refused, match="Another backup is being made"), folder.at_work(tmp_path):
            raise AssertionError


def test_only_older_backups_of_the_same_database_go_whatever_they_are_called(tmp_path: Path) -> None:
    def day(number: int) -> datetime:
        return datetime(2026, 11, number, tzinfo=UTC)

    for name, taken_at in (("z", day(1)), ("y", day(2)), ("jongnyang-a", day(3))):
        written(tmp_path / f"{name}.zip", taken_at=taken_at)
    written(tmp_path / "other.zip", taken_at=day(1), source="/srv/b.db")
    (tmp_path / "damaged.zip").write_bytes(b"PK")
    (tmp_path / "notes.txt").touch()
    newest = archive.read_manifest(tmp_path / "jongnyang-a.zip")
    assert [path.name for path in folder.remove_older(tmp_path, newest, keep=2)] == ["z.zip"]
    assert {path.name for path in tmp_path.iterdir()} == {
        *("y.zip", "jongnyang-a.zip", "other.zip", "damaged.zip", "notes.txt")
    }
    assert [(found.path.name, found.manifest is None) for found in folder.listed(tmp_path)] == [
        *[("damaged.zip", True), ("other.zip", False), ("y.zip", False), ("jongnyang-a.zip", False)]
    ]


def test_a_seal_tells_another_key_from_another_manifest() -> None:
    manifest = sealed(manifest_of(Part("a", 0, "")), "the key")
    assert decode(encode(manifest)) == manifest
    assert seal_state(manifest, "the key") == "sealed"
    assert seal_state(manifest, "another") == "other key"
    changed = msgspec.structs.replace(manifest, tables={"discharge": Counted(2, {"net_g": 499})})
    assert seal_state(changed, "the key") == "changed"
    assert seal_state(msgspec.structs.replace(manifest, seal=""), "the key") == "other key"


def test_a_manifest_can_be_read_by_people_and_other_programs(tmp_path: Path) -> None:
    with zipfile.ZipFile(written(tmp_path / "a.zip")) as file:
        text = file.read("manifest.json").decode()
    assert json.loads(text)["tables"] == {"discharge": {"rows": 2, "sums": {"net_g": 500}}}
    assert text.count(os.linesep) > 20
