"""Signed requests: RFC 9421 with HMAC-SHA256 over method, target and the digest of the body as it travels.

Parameters and limits: docs/gateway-api.md, Signed requests. Written out for this one set of components: a library for
all of them takes longer than the compression of a batch, and memory that a small box does not have.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Final

import requests

from gateways.link.keys import GatewayKey

LABEL: Final = "gw"
TAG: Final = "jongnyang-gateway"
_NONCE_BYTES: Final = 18  # 24 characters


class RequestSigner:
    """Signs prepared requests with one gateway's key."""

    def __init__(self, key: GatewayKey) -> None:
        self.key_id = key.key_id
        self._secret = key.secret_bytes

    def sign(self, request: requests.PreparedRequest, created: datetime) -> None:
        """Add Content-Digest, Signature-Input and Signature in place, with a fresh nonce; `created` is UTC."""
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else bytes(body)
        digest = f"sha-256=:{_base64(hashlib.sha256(content).digest())}:"
        # RFC 9421, 2.5: one line a component, and last the parameters as they stand in Signature-Input.
        covered = {"@method": request.method, "@request-target": request.path_url, "content-digest": digest}
        names = " ".join(f'"{name}"' for name in covered)
        parameters = (
            f'({names});created={int(created.timestamp())};nonce="{secrets.token_urlsafe(_NONCE_BYTES)}"'
            f';keyid="{self.key_id}";alg="hmac-sha256";tag="{TAG}"'
        )
        lines = [f'"{name}": {value}' for name, value in covered.items()]
        base = "\n".join([*lines, f'"@signature-params": {parameters}'])
        signature = hmac.digest(self._secret, base.encode("ascii"), hashlib.sha256)
        request.headers["Content-Digest"] = digest
        request.headers["Signature-Input"] = f"{LABEL}={parameters}"
        request.headers["Signature"] = f"{LABEL}=:{_base64(signature)}:"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
