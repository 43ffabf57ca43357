"""What a backup says of itself, `manifest.json`: what was counted in the snapshot, and the checksum of every part."""

import hashlib
from datetime import datetime

import msgspec

from app.access.sealing import seal, unseal

FORMAT = 1
PRODUCT = "jongnyang"
PURPOSE = "backup manifest"
OTHER_KEY, CHANGED, SEALED = "other key", "changed", "sealed"


class Counted(msgspec.Struct, frozen=True):
    """Rows of a table, and the sum of each column of grams, kilograms, won or counts."""

    rows: int
    sums: dict[str, int]


class Head(msgspec.Struct, frozen=True):
    """The newest entry of a district's audit log: its number and its hash (hex)."""

    entry: int
    hash: str


class Part(msgspec.Struct, frozen=True):
    """A file inside the backup, as it is before it is packed."""

    name: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """`taken_at` is the moment of the snapshot (UTC); `source` the database without user and password.

    `tool` is the major version of pg_dump, 0 for SQLite; `audit` goes by district code.
    """

    format: int
    product: str
    version: str
    revision: str
    taken_at: datetime
    database: str
    server: str
    tool: int
    source: str
    tables: dict[str, Counted]
    audit: dict[str, Head]
    parts: list[Part]
    seal: str = ""

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables.values())

    @property
    def discharges(self) -> Counted:
        """What the ledger held."""
        return self.tables.get("discharge", Counted(0, {}))

    @property
    def grams(self) -> int:
        """The weight of all discharges as first booked."""
        return self.discharges.sums.get("net_g", 0)


def encode(manifest: Manifest) -> bytes:
    """The manifest as JSON for people and programs."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2)


def decode(content: bytes) -> Manifest:
    """The inverse of `encode`. Raises msgspec.DecodeError."""
    return msgspec.json.decode(content, type=Manifest)


def sealed(manifest: Manifest, secret_key: str) -> Manifest:
    """The manifest with a seal that only a service with the same secret key can make and check."""
    mark = seal(secret_key, PURPOSE, _digest(manifest), manifest.taken_at)
    return msgspec.structs.replace(manifest, seal=mark.decode())


def seal_state(manifest: Manifest, secret_key: str) -> str:
    """SEALED, CHANGED after it was sealed, or sealed by a service with an OTHER_KEY."""
    digest = unseal(secret_key, PURPOSE, manifest.seal.encode())
    if digest is None:
        return OTHER_KEY
    return SEALED if digest == _digest(manifest) else CHANGED


def _digest(manifest: Manifest) -> bytes:
    return hashlib.sha256(encode(msgspec.structs.replace(manifest, seal=""))).digest()
