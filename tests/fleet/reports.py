"""Status reports of a box, and what a gateway reads of the answers."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
from werkzeug.test import TestResponse

from app.times import format_instant, now
from tests.builders import Box


def report(box: Box, **more: Any) -> dict[str, Any]:
    """A status without meters; `more` joins its fields."""
    envelope = box.envelope([]) | {"clock": "synced", "firmware": "0.1.0", "spool": {"depth": 3, "oldest_age_s": 12}}
    del envelope["discharges"]
    return envelope | {"meters": []} | more


def send(box: Box, **more: Any) -> TestResponse:
    """Post a status."""
    body = msgspec.json.encode(report(box, **more))
    return box.post_body(body, f"/api/v1/gateways/{box.code}/status")


def told(box: Box, **more: Any) -> dict[str, Any]:
    """The answer to a status that must be taken."""
    answer = send(box, **more)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json
    return content


def moment(box: Box, ago_s: float = 1) -> dict[str, Any]:
    """When something happened, as the wire has it."""
    at = format_instant(now() - timedelta(seconds=ago_s))
    return {"at": at, "clock": "synced", "boot_id": box.boot_id, "mono_ms": box.mono_ms - int(ago_s * 1000)}


def touch(box: Box, card: dict[str, str], meter: str | None = None, **changes: Any) -> dict[str, Any]:
    """A card that was refused a second ago."""
    meter = meter or f"{box.district}-M1"
    return {"meter": meter, "card": card, "reason": "card_unknown"} | moment(box) | changes


def notice(box: Box, number: int, kind: str = "disk_full", detail: str = "", **changes: Any) -> dict[str, Any]:
    """Something an operator must hear once."""
    return {"id": number, "kind": kind, "detail": detail} | moment(box) | changes


def opened(command: dict[str, str], secret: bytes) -> dict[str, Any]:
    """A command whose signature is right, by a computation of its own; else the test fails."""
    expected = hmac.new(secret, b"jongnyang-command\n" + command["command"].encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(command["signature"] + "=") == expected
    content: dict[str, Any] = json.loads(command["command"])
    return content


def get(box: Box, path: str, **options: Any) -> TestResponse:
    """Sign and send a GET below the gateway's address."""
    target = f"/api/v1/gateways/{box.code}{path}"
    return box.client.get(target, headers=box.sign(target, b"", method="GET", **options))


def ask_key(box: Box) -> TestResponse:
    """Ask for a second key."""
    return box.post_body(b'{"schema": 1}', f"/api/v1/gateways/{box.code}/keys")


def with_key(box: Box, answer: TestResponse) -> Box:
    """The same box with the key that it was given."""
    assert answer.status_code == 201, answer.text
    secret = base64.urlsafe_b64decode(answer.json["secret"] + "=")
    return replace(box, secret=secret, key_id=answer.json["key_id"])
