"""The first half of every gateway route: the body as sent, and who signed it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple, cast

import structlog
from flask import Flask, current_app, request
from limits import parse

from app.access.attempts import Attempts
from app.access.signatures import SignedBy, Verifier
from app.problems import Problem
from app.times import now

log = structlog.get_logger()
EXTENSION = "jongnyang.verifier"
FAILURES = "jongnyang.gateway_failures"
PER_ADDRESS = parse("60/5minutes")  # all boxes of a complex may share one address
GUESSES = frozenset({"signature-missing", "signature-wrong", "key-unknown", "claim-refused"})
KEY_ID = re.compile(r'keyid="([^"]{1,128})"')


def start(app: Flask) -> None:
    """Give the app a verifier, which remembers the gateways' secrets, and a count of failures by address."""
    app.extensions[EXTENSION] = Verifier(app.extensions["jongnyang"].database)
    app.extensions[FAILURES] = Attempts()


class Signed(NamedTuple):
    """A verified request. `received_at` is when the service began to read it."""

    signer: SignedBy
    body: bytes
    received_at: datetime


def signed_request(gateway: str) -> Signed:
    """Verify the current request, which must be signed by the gateway that its address names.

    The first request that a key signs confirms the key. Whether the key still lives is decided by `nonces.admit`.
    """
    received_at = now()
    body = request.get_data(cache=False)
    with failures_counted():
        signer = verifier().verify(request, body, received_at)
    if signer.gateway != gateway:
        raise Problem("other-gateway")
    if not signer.confirmed:
        verifier().confirm(signer, received_at)
    return Signed(signer, body, received_at)


def verifier() -> Verifier:
    """The verifier of this app."""
    return cast(Verifier, current_app.extensions[EXTENSION])


@contextmanager
def failures_counted() -> Iterator[None]:
    """Count what looks like guessing by address; beyond the limit it is answered with `too-many-requests`.

    What is signed rightly is never held up, whatever others behind the same address do.
    """
    try:
        yield
    except Problem as problem:
        if problem.slug in GUESSES:
            failures().count(PER_ADDRESS, f"address {request.remote_addr}")
        raise


def failures() -> Attempts:
    """The count of failures of this app."""
    return cast(Attempts, current_app.extensions[FAILURES])


def log_refusal(problem: Problem) -> None:
    """Leave a trace of a gateway that was not let in: which key it named, from where, and why it was refused."""
    if request.endpoint is None or problem.kind.status not in (401, 403, 429):
        return
    named = KEY_ID.search(request.headers.get("Signature-Input", ""))
    if named is not None or problem.slug in GUESSES:
        key_id = named[1] if named else None
        log.warning("gateway refused", reason=problem.slug, key_id=key_id, address=request.remote_addr)
