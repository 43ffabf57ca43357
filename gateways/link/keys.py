"""The gateway's identity: handed over once at the claim, then kept in a file that only its owner can read.

While a key is rotated two live: `next` signs as soon as it is on disk, and takes the place of `current` when the server
has answered to it. A change of the file is one atomic replacement: a power cut leaves the keys before it or after it.
"""

import base64
import os
import stat
from functools import cached_property
from pathlib import Path

import msgspec

from gateways.messages import Lang, say


class KeyFileError(Exception):
    """The key file is missing, broken or readable by others: the key of a text that says what to do, and its values."""

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(say("en", text, **values))
        self._text = text
        self._values = values

    def in_words(self, lang: Lang) -> str:
        """Return the text in a language."""
        return say(lang, self._text, **self._values)


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
        return decode_base64url(self.secret)

    @cached_property
    def card_key_bytes(self) -> bytes:
        """Return the key that hashes card numbers."""
        return decode_base64url(self.card_key)


class _KeyPair(msgspec.Struct, frozen=True):
    """The key file. A file of one key, as an older gateway wrote it, is a bare GatewayKey."""

    current: GatewayKey
    next: GatewayKey | None = None


def decode_base64url(text: str) -> bytes:
    """Decode base64url without padding. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


class KeyRing:
    """The live keys of this box. With a `path`, each change is durable before it counts; for one thread."""

    def __init__(self, current: GatewayKey, following: GatewayKey | None = None, path: Path | None = None) -> None:
        self._path = path
        self._pair = _KeyPair(current, following)

    @property
    def current(self) -> GatewayKey:
        """The key that the server is known to take."""
        return self._pair.current

    @property
    def following(self) -> GatewayKey | None:
        """The key that the server offered and has not answered to yet."""
        return self._pair.next

    @property
    def signing(self) -> GatewayKey:
        """The key to sign with."""
        return self.following or self.current

    def offer(self, key_id: str, secret: str) -> None:
        """Keep a second key, which signs from now on."""
        self._keep(_KeyPair(self.current, msgspec.structs.replace(self.current, key_id=key_id, secret=secret)))

    def confirm(self) -> None:
        """Drop the old key: the server has answered to the new one."""
        if self.following is not None:
            self._keep(_KeyPair(self.following))

    def withdraw(self) -> None:
        """Drop the new key: the server refuses it and takes the old one."""
        self._keep(_KeyPair(self.current))

    def _keep(self, pair: _KeyPair) -> None:
        if self._path is not None:
            _write(self._path, msgspec.json.encode(pair))
        self._pair = pair


def save_key(path: Path, key: GatewayKey) -> None:
    """Write the key file with mode 0600, whole or not at all, durable on return."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, msgspec.json.encode(_KeyPair(key)))


def _write(path: Path, content: bytes) -> None:
    # One name: what a power cut left of the last attempt is overwritten, not collected.
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make what was renamed or made in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load_key(path: Path) -> GatewayKey:
    """Read the key to sign with. Raises KeyFileError if the file is missing, broken or open to group or others."""
    return load_keys(path).signing


def load_keys(path: Path) -> KeyRing:
    """Read the key file. Raises KeyFileError if it is missing, broken or open to group or others."""
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as error:
        raise KeyFileError("key_missing", path=path, problem=error.strerror) from error
    if stat.S_IMODE(mode) & 0o077:
        raise KeyFileError("key_open", path=path)
    try:
        pair = _decode(content)
        lengths = [len(key.secret_bytes) for key in (pair.current, pair.next) if key]
    except (msgspec.DecodeError, ValueError) as error:
        raise KeyFileError("key_broken", path=path, problem=error) from error
    if not all(lengths):
        raise KeyFileError("key_empty", path=path)
    return KeyRing(pair.current, pair.next, path)


def _decode(content: bytes) -> _KeyPair:
    try:
        return msgspec.json.decode(content, type=_KeyPair)
    except msgspec.ValidationError:
        return _KeyPair(msgspec.json.decode(content, type=GatewayKey))
