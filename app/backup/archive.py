"""The file of a backup: a zip whose parts are streamed in and out, so that memory does not grow with the data.

It has its final name only once it is complete and on the disk. Whatever is wrong with a file that is read is Refused.
"""

import errno
import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Protocol

import msgspec

from app.backup import words
from app.backup.manifest import FORMAT, PRODUCT, Manifest, Part, decode, encode
from app.texts import Refused

MANIFEST = "manifest.json"
CHUNK = 1024 * 1024
LEVEL = 1  # of deflate: the backup shares the machine with the service
LARGEST_MANIFEST = 16 * 1024 * 1024
# What Python's zipfile says of a file that is none, that ends too early or whose bytes were changed.
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, ValueError, NotImplementedError),
    *(RuntimeError, OverflowError, msgspec.DecodeError),
)

Tell = Callable[[int], None]  # is told how many bytes came along


class Readable(Protocol):
    """What a dump is read from."""

    def read(self, size: int, /) -> bytes: ...


@contextmanager
def new_archive(path: Path, compressed: bool) -> Iterator[zipfile.ZipFile]:
    """A file to add parts to, readable by its owner alone; renamed to `path` when the block ends well, else removed."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with private_file(unfinished) as file:
            kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
            with zipfile.ZipFile(file, "w", kind, compresslevel=LEVEL) as archive:
                yield archive
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        sync_folder(path.parent)
    except BaseException as error:
        unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refused(words.DISK_FULL.fill(folder=path.parent)) from error
        raise


def private_file(path: Path) -> BinaryIO:
    """A new file that nobody else may read."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")


def sync_folder(folder: Path) -> None:
    """Have the names in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def add_part(archive: zipfile.ZipFile, name: str, source: Readable, tell: Tell) -> Part:
    """Stream `source` into the archive."""
    with archive.open(name, "w", force_zip64=True) as target:
        return _copy(name, source, target, tell)


def add_manifest(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """The last thing to add."""
    archive.writestr(MANIFEST, encode(manifest))


def read_manifest(path: Path) -> Manifest:
    """What the file says of itself. Raises Refused where it is damaged, none of ours, or of a later format."""
    with _legible(path) as archive:
        info = archive.getinfo(MANIFEST)
        if info.file_size > LARGEST_MANIFEST:
            raise ValueError(f"{MANIFEST} has {info.file_size} bytes")
        manifest = decode(archive.read(info))
    if manifest.product != PRODUCT or manifest.format > FORMAT:
        raise Refused(words.NOT_OURS.fill(file=path, product=manifest.product, format=manifest.format))
    return manifest


def check(path: Path, tell: Tell) -> Manifest:
    """Hold every part against its checksum. Raises Refused where the file is not as it was written."""
    manifest = read_manifest(path)
    for part in manifest.parts:
        extract(path, part, _Nowhere(), tell)
    return manifest


def extract(path: Path, part: Part, target: "Writable", tell: Tell) -> None:
    """Stream a part out of the file. Raises Refused at the end where it is not what the manifest says."""
    with _legible(path) as archive, archive.open(part.name) as source:
        found = _copy(part.name, source, target, tell)
    if found != part:
        raise Refused(words.DAMAGED.fill(file=path, reason=f"{part.name}: sha256 {found.sha256}"))


class Writable(Protocol):
    """What a part is written to."""

    def write(self, data: bytes, /) -> int: ...


class _Nowhere:
    def write(self, data: bytes, /) -> int:
        return len(data)


def _copy(name: str, source: Readable | IO[bytes], target: Writable | IO[bytes], tell: Tell) -> Part:
    digest, size = hashlib.sha256(), 0
    while block := source.read(CHUNK):
        target.write(block)
        digest.update(block)
        size += len(block)
        tell(len(block))
    return Part(name, size, digest.hexdigest())


@contextmanager
def _legible(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except DAMAGE as error:
        raise Refused(words.DAMAGED.fill(file=path, reason=f"{type(error).__name__}: {error}")) from error
