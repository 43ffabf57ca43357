"""Signed requests: RFC 9421 with HMAC-SHA256 over method, target and the digest of the body as it travels.

Parameters and limits: docs/gateway-api.md, Signed requests.
"""

import base64
import hashlib
import secrets
from datetime import datetime
from typing import Final

import requests
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from gateways.keys import GatewayKey

LABEL: Final = "gw"
TAG: Final = "jongnyang-gateway"
COMPONENTS: Final = ("@method", "@request-target", "content-digest")
_NONCE_BYTES: Final = 18  # 24 characters


class _OneKey(HTTPSignatureKeyResolver):
    def __init__(self, key: GatewayKey) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> bytes:
        if key_id != self._key.key_id:
            raise KeyError(key_id)
        return self._key.secret_bytes

    resolve_public_key = resolve_private_key


class RequestSigner:
    """Signs prepared requests with one gateway's key."""

    def __init__(self, key: GatewayKey) -> None:
        self.key_id = key.key_id
        self._signer = HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=_OneKey(key))

    def sign(self, request: requests.PreparedRequest, created: datetime) -> None:
        """Add Content-Digest, Signature-Input and Signature in place, with a fresh nonce; `created` is UTC."""
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else bytes(body)
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode("ascii")
        request.headers["Content-Digest"] = f"sha-256=:{digest}:"
        self._signer.sign(
            request,
            key_id=self.key_id,
            created=created,
            nonce=secrets.token_urlsafe(_NONCE_BYTES),
            label=LABEL,
            tag=TAG,
            covered_component_ids=COMPONENTS,
            use_existing_digest=True,
        )
