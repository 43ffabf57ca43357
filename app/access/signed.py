"""The first half of every gateway route: the body as sent, and who signed it."""

from datetime import datetime
from typing import NamedTuple

from flask import Flask, current_app, request

from app.access.signatures import SignedBy, Verifier
from app.problems import Problem
from app.times import now

EXTENSION = "jongnyang.verifier"


def init(app: Flask) -> None:
    """Give the app a verifier, which remembers the gateways' secrets."""
    app.extensions[EXTENSION] = Verifier(app.extensions["jongnyang"].database)


class Signed(NamedTuple):
    """A verified request. `received_at` is when the service began to read it."""

    signer: SignedBy
    body: bytes
    received_at: datetime


def signed_request(gateway: str) -> Signed:
    """Verify the current request, which must be signed by the gateway that its address names."""
    received_at = now()
    body = request.get_data(cache=False)
    verifier: Verifier = current_app.extensions[EXTENSION]
    signer = verifier.verify(request, body, received_at)
    if signer.gateway != gateway:
        raise Problem("other-gateway")
    return Signed(signer, body, received_at)
