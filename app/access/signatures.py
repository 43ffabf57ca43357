"""Who signed a gateway's request: RFC 9421 with HMAC-SHA256 over method, target and Content-Digest.

A key's secret never changes, so it is remembered; whether the key still lives and the nonce is new is decided by
`nonces.admit` in the transaction that acts on the request. The same secret signs what the server tells the gateway.
"""

import base64
import hashlib
import hmac
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

from app.access.keys import confirm
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
    confirmed: bool

    @property
    def for_admission(self) -> Signed:
        return self.district_id, self.key_id, self.nonce, self.created


class Known(NamedTuple):
    """What is remembered of a key; `confirmed`: it was used, so that nothing more follows from its use."""

    district_id: int
    gateway_id: int
    secret: bytes
    confirmed: bool


class KeyRing(HTTPSignatureKeyResolver):
    """Secrets by key id, read once from the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Known] = {}

    def find(self, key_id: str) -> Known | None:
        """A key, revoked or not; None for an unknown one."""
        if key_id not in self._known:
            statement = sa.select(
                GatewayKey.district_id, GatewayKey.gateway_id, GatewayKey.secret, GatewayKey.confirmed_at
            )
            with self._database.engine.connect() as connection:
                row = connection.execute(statement.where(GatewayKey.key_id == key_id)).first()
            if row is None:
                return None
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            self._known[key_id] = Known(
                row.district_id, row.gateway_id, bytes(row.secret), row.confirmed_at is not None
            )
        return self._known[key_id]

    def confirm(self, signer: "SignedBy", now: datetime) -> None:
        """Take down that the key was used, once for all processes."""
        with self._database.begin() as session:
            confirm(session, signer.district_id, signer.gateway_id, signer.key_id, now)
        if signer.key_id in self._known:
            self._known[signer.key_id] = self._known[signer.key_id]._replace(confirmed=True)

    def resolve_public_key(self, key_id: str) -> bytes:
        found = self.find(key_id)
        if found is None:
            raise UnknownKey(key_id)
        return found.secret

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
        at = datetime.fromtimestamp(created, UTC)
        return SignedBy(found.district_id, found.gateway_id, gateway, key_id, nonce, at, found.confirmed)

    def confirm(self, signer: SignedBy, now: datetime) -> None:
        """The signer's key was used for the first time."""
        self._keys.confirm(signer, now)

    def sign(self, key_id: str, message: bytes) -> str:
        """HMAC-SHA256 of what the server tells a gateway, by the key with which the gateway signed; base64url."""
        digest = hmac.digest(self._keys.resolve_public_key(key_id), message, hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class _Message:
    """A Flask request as the signature library wants it: the target as it was sent, without asking who we are."""

    def __init__(self, request: Request) -> None:
        self.method = request.method
        target = request.environ.get("RAW_URI") or request.full_path.rstrip("?")
        self.url = "http://service" + target
        self.request_target = target
        # Only what is covered: the library walks through all headers several times.
        self.headers = {name: request.headers[name] for name in SIGNED_HEADERS if name in request.headers}
