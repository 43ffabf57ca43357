"""Who signed a gateway's request: RFC 9421 with HMAC-SHA256 over method, target and Content-Digest.

A key's secret never changes, so it is remembered; whether the key still lives and the nonce is new is decided by
`nonces.admit` in the transaction that acts on the request.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa
from flask import Request
from http_message_signatures import (
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

from app.access.models import GatewayKey
from app.access.nonces import WINDOW, Signed
from app.db import UNAVAILABLE, Database
from app.problems import Problem
from app.times import format_instant

TAG = "jongnyang-gateway"
SIGNED_HEADERS = ("Content-Digest", "Signature", "Signature-Input")
# As the library names what a signature covered. Checked here: its own check parses each name several times.
COVERED = frozenset({'"@method"', '"@request-target"', '"content-digest"'})
MIN_NONCE, MAX_NONCE = 16, 128
MAX_REMEMBERED = 20_000


class SignedBy(NamedTuple):
    """The gateway whose key signed a request."""

    district_id: int
    gateway_id: int
    gateway: str
    key_id: str
    nonce: str
    created: datetime

    @property
    def for_admission(self) -> Signed:
        return self.district_id, self.key_id, self.nonce, self.created


class KeyRing(HTTPSignatureKeyResolver):
    """Secrets by key id, read once from the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[int, int, bytes]] = {}

    def find(self, key_id: str) -> tuple[int, int, bytes] | None:
        """District, gateway and secret of a key, revoked or not; None for an unknown one."""
        if key_id not in self._known:
            statement = sa.select(GatewayKey.district_id, GatewayKey.gateway_id, GatewayKey.secret)
            with self._database.engine.connect() as connection:
                row = connection.execute(statement.where(GatewayKey.key_id == key_id)).first()
            if row is None:
                return None
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            self._known[key_id] = (row.district_id, row.gateway_id, bytes(row.secret))
        return self._known[key_id]

    def resolve_public_key(self, key_id: str) -> bytes:
        found = self.find(key_id)
        if found is None:
            raise UnknownKey(key_id)
        return found[2]

    def resolve_private_key(self, key_id: str) -> bytes:
        return self.resolve_public_key(key_id)


class UnknownKey(Exception):
    """No key of this name."""


class _AnyAge(HTTPMessageVerifier):
    """Leaves the window of `created` to us: the answer has to carry the server's time."""

    def validate_created_and_expires(self, sig_input, max_age=None):  # type: ignore[no-untyped-def]
        return None


class Verifier:
    """Checks signatures against the keys of one database."""

    def __init__(self, database: Database) -> None:
        self._keys = KeyRing(database)
        self._verifier = _AnyAge(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=self._keys)

    def verify(self, request: Request, body: bytes, now: datetime) -> SignedBy:
        """The signer of a request whose body, as sent, is `body`; raises the Problem that tells what is wrong."""
        if "Signature" not in request.headers or "Signature-Input" not in request.headers:
            raise Problem("signature-missing")
        try:
            verified = self._verifier.verify(_Message(request), expect_tag=TAG, max_age=None, body=body)[0]
        except InvalidSignature as error:
            if isinstance(error.__cause__, UnknownKey):
                raise Problem("key-unknown") from error
            if isinstance(error.__cause__, UNAVAILABLE):
                raise error.__cause__ from None  # the key could not be looked up: that says nothing about the signature
            raise Problem("signature-wrong") from error
        if not verified.covered_components.keys() >= COVERED:
            raise Problem("signature-wrong")
        return self._signer(verified.parameters, now)

    def _signer(self, parameters: Mapping[str, object], now: datetime) -> SignedBy:
        created, nonce, key_id = (parameters.get(name) for name in ("created", "nonce", "keyid"))
        if not isinstance(created, int) or not isinstance(nonce, str) or not isinstance(key_id, str):
            raise Problem("signature-wrong")
        if not MIN_NONCE <= len(nonce) <= MAX_NONCE:
            raise Problem("signature-wrong")
        if abs(created - now.timestamp()) > WINDOW.total_seconds():
            raise Problem("clock-skew", server_time=format_instant(now))
        found = self._keys.find(key_id)
        assert found is not None
        gateway = key_id.split("/")[1]
        return SignedBy(found[0], found[1], gateway, key_id, nonce, datetime.fromtimestamp(created, UTC))


class _Message:
    """A Flask request as the signature library wants it: the target as it was sent, without asking who we are."""

    def __init__(self, request: Request) -> None:
        self.method = request.method
        target = request.environ.get("RAW_URI") or request.full_path.rstrip("?")
        self.url = "http://service" + target
        self.request_target = target
        # Only what is covered: the library walks through all headers several times.
        self.headers = {name: request.headers[name] for name in SIGNED_HEADERS if name in request.headers}
