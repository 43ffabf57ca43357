"""Releases of this software on the box: which one runs, which ran before, and whether it has proved itself.

    FOLDER/VERSION/gateways/…    what a wheel holds of this software
    FOLDER/releases.json         current, previous, trial: one file, replaced as a whole

A release is on trial until the server has answered to it and it has served its bins for a while (`trial.py`).
`launch.py` counts its starts and sets a timer that ends it: so the box returns to the release before, whatever the new
one does. Without a `current` release the software that was installed with the box runs; that one is never touched.
"""

import base64
import binascii
import hashlib
import io
import os
import re
import shutil
import signal
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from gateways.link.keys import sync_directory

FOLDER_VARIABLE: Final = "JONGNYANG_RELEASES"
MAX_WHEEL_BYTES: Final = 50_000_000
_MAX_UNPACKED_BYTES: Final = 200_000_000
_VERSION: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){1,3}")
_NEEDED: Final = "gateways/cli.py"
_DRAFT: Final = ".new"  # behind the version, while it is unpacked


class UpdateError(Exception):
    """The release is not taken; the text says why. Nothing has changed."""


class Release(msgspec.Struct, frozen=True):
    """Arguments of the command `update`: `sha256` in lower-case hex, `size` in bytes, `signature` in base64url."""

    version: str
    sha256: str
    size: int
    signature: str


class Trial(msgspec.Struct, frozen=True):
    """How the current release proves itself: its starts, and when the first one was (boot, seconds of that boot)."""

    starts: int = 0
    boot_id: str = ""
    first_s: float = 0.0


class Installed(msgspec.Struct, frozen=True):
    """The file of the releases; None stands for the software that was installed with the box.

    `returned` is the version that was given up, until the operator has been told.
    """

    current: str | None = None
    previous: str | None = None
    trial: Trial | None = None
    returned: str | None = None
    reason: str = ""


def parse_version(text: str) -> tuple[int, ...]:
    """Return `1.2.3` as numbers, without the zeros at its end. Raises UpdateError for anything but 2 to 4 numbers."""
    if not _VERSION.fullmatch(text):
        raise UpdateError(f"{text!r} is no version like 1.2.3")
    numbers = [int(part) for part in text.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def signed_text(version: str, sha256: str) -> bytes:
    """Return what the maker signs."""
    return f"jongnyang-release\n{version}\n{sha256}".encode()


def launched(public_key: str) -> "Releases | None":
    """Return the releases of a gateway that `launch` started; None for any other: it could not change over."""
    folder = os.environ.get(FOLDER_VARIABLE)
    return Releases(Path(folder), public_key) if folder else None


class Releases:
    """The releases in `folder`. `public_key`: the maker's, base64; empty: nothing can be installed."""

    def __init__(self, folder: Path, public_key: str = "") -> None:
        self._folder = folder
        self._file = folder / "releases.json"
        self._public_key = public_key

    def read(self) -> Installed:
        """Return what is installed; a file that cannot be read counts as none: the box's own software runs."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Installed)
        except (OSError, msgspec.DecodeError):
            return Installed()

    def write(self, installed: Installed) -> None:
        """Replace the file, durable on return."""
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new")
        with draft.open("wb") as file:
            file.write(msgspec.json.encode(installed))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file)
        sync_directory(self._folder)

    def path(self, version: str) -> Path:
        """Return where a release lies."""
        return self._folder / version

    def check(self, release: Release, running: str) -> None:
        """Raise UpdateError unless the maker signed this release and it is newer than the one that runs."""
        if parse_version(release.version) <= parse_version(running):
            raise UpdateError(f"{release.version} is not newer than {running}, which runs")
        if not 0 < release.size <= MAX_WHEEL_BYTES:
            raise UpdateError(f"a release of {release.size} bytes; at most {MAX_WHEEL_BYTES} are taken")
        if not self._public_key:
            raise UpdateError("no [update] public_key in the config file")
        # Loaded for this hour of the year: on a small box its memory would be held for nothing else.
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self._public_key, validate=True))
            signature = base64.b64decode(release.signature + "=" * (-len(release.signature) % 4), b"-_", validate=True)
            key.verify(signature, signed_text(release.version, release.sha256))
        except (InvalidSignature, binascii.Error, ValueError) as error:
            raise UpdateError(f"the maker's key did not sign {release.version}") from error

    def install(self, release: Release, wheel: bytes) -> None:
        """Unpack a checked release and make it current, on trial. Raises UpdateError; durable on return."""
        if hashlib.sha256(wheel).hexdigest() != release.sha256:
            raise UpdateError(f"{release.version} arrived with another sha256 than the signed one")
        self._unpack(wheel, self.path(release.version))
        before = self.read().current
        self.write(Installed(release.version, before, Trial()))
        self._prune({release.version, before})

    def roll_back(self, reason: str) -> Installed:
        """Return to the release before; raises UpdateError if there is none."""
        now = self.read()
        if now.current is None:
            raise UpdateError("there is no release before this one")
        before = now.previous if now.previous is not None and self.is_usable(now.previous) else None
        after = Installed(before, returned=now.current, reason=reason)
        self.write(after)
        return after

    def confirm(self) -> None:
        """End the trial: the release has proved itself."""
        now = self.read()
        if now.trial is not None:
            self.write(msgspec.structs.replace(now, trial=None))
            signal.alarm(0)  # the timer that gateways.link.launch set

    def forget_returned(self) -> None:
        """The operator will hear of the roll-back: it is spooled."""
        self.write(msgspec.structs.replace(self.read(), returned=None, reason=""))

    def is_usable(self, version: str) -> bool:
        """Whether the release's files are there."""
        return (self.path(version) / _NEEDED).is_file()

    def _unpack(self, wheel: bytes, target: Path) -> None:
        draft = target.with_name(f"{target.name}{_DRAFT}")
        shutil.rmtree(draft, ignore_errors=True)
        try:
            _unpack(wheel, draft)
            _sync_tree(draft)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error, OSError) as error:
            raise UpdateError(f"{target.name} could not be unpacked: {error}") from error
        if not (draft / _NEEDED).is_file():
            raise UpdateError(f"{target.name} is no release of this software: it holds no {_NEEDED}")
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)
        sync_directory(target.parent)

    def _prune(self, keep: set[str | None]) -> None:
        """Remove older releases and drafts of them; the folder may hold what is not ours."""
        for path in self._folder.iterdir():
            is_ours = _VERSION.fullmatch(path.name.removesuffix(_DRAFT)) and path.is_dir() and not path.is_symlink()
            if is_ours and path.name not in keep:
                shutil.rmtree(path, ignore_errors=True)


def _unpack(wheel: bytes, target: Path) -> None:
    target.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        if sum(member.file_size for member in archive.infolist()) > _MAX_UNPACKED_BYTES:
            raise UpdateError("the release is too large when unpacked")
        for member in archive.infolist():
            way = _way(member)
            # A wheel may hold the service as well: the box takes its own part.
            if member.is_dir() or not (way.parts[0] == "gateways" or way.parts[0].endswith(".dist-info")):
                continue
            path = target.joinpath(*way.parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(member))


def _way(member: zipfile.ZipInfo) -> PurePosixPath:
    """Return a member's path. Raises UpdateError for one that could lead out of the folder, or is no plain file."""
    way = PurePosixPath(member.filename)
    kind = stat.S_IFMT(member.external_attr >> 16)
    plain = kind in (0, stat.S_IFREG, stat.S_IFDIR)
    if not plain or not way.parts or way.is_absolute() or ".." in way.parts or "\\" in member.filename:
        raise UpdateError(f"the release holds {member.filename!r}, which leads out of its folder")
    return way


def _sync_tree(top: Path) -> None:
    for folder, _, names in os.walk(top):
        for name in names:
            with (Path(folder) / name).open("rb") as file:
                os.fsync(file.fileno())
        sync_directory(Path(folder))
