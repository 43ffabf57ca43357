"""The gateway's identity: handed over once at the claim, then kept in a file that only its owner can read."""

import base64
import os
import secrets
import stat
from functools import cached_property
from pathlib import Path

import msgspec


class KeyFileError(Exception):
    """The key file is missing, broken or readable by others; the text says what to do."""


class GatewayKey(msgspec.Struct, frozen=True, dict=True):
    """The claim's answer without its time: ids, signing secret and the district's card key (base64url)."""

    gateway: str
    district: str
    key_id: str
    secret: str
    card_key: str

    @cached_property
    def secret_bytes(self) -> bytes:
        """Return the secret that signs requests."""
        return _decode(self.secret)

    @cached_property
    def card_key_bytes(self) -> bytes:
        """Return the key that hashes card numbers."""
        return _decode(self.card_key)


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def save_key(path: Path, key: GatewayKey) -> None:
    """Write the key file with mode 0600, whole or not at all, durable on return."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(key))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load_key(path: Path) -> GatewayKey:
    """Read the key file. Raises KeyFileError if it is missing, broken or open to group or others."""
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; claim the gateway first (jongnyang-gateway claim)") from error
    if stat.S_IMODE(mode) & 0o077:
        raise KeyFileError(f"{path} can be read by others; run: chmod 600 {path}")
    try:
        return msgspec.json.decode(content, type=GatewayKey)
    except msgspec.DecodeError as error:
        raise KeyFileError(f"{path} is not a key file ({error}); claim the gateway again") from error
