"""Routes of gateways about themselves: keys, cards and releases; `docs/gateway-api.md` is their contract.

Each request is admitted in the transaction that answers it, so that a revoked key is refused at once here too.
"""

import base64
from typing import Annotated, Any

import msgspec
from flask import Blueprint, Flask, Response, current_app, request
from msgspec import Meta, Struct

from app.access import keys, rules
from app.access.nonces import admit
from app.access.signed import signed_request
from app.context import service
from app.fleet import cards
from app.fleet.cards import CardVersions
from app.fleet.models import GatewayRelease
from app.fleet.orders import WaitingGateways
from app.problems import Problem
from app.times import format_instant, now

blueprint = Blueprint("fleet_gateway_api", __name__, url_prefix="/api/v1/gateways")
WAITING, VERSIONS = "jongnyang.waiting_gateways", "jongnyang.card_versions"


class KeyWanted(Struct, forbid_unknown_fields=True):
    """The body of a request for a second key."""

    schema: Annotated[int, Meta(ge=1)]


def start(app: Flask) -> None:
    """Give the app what each process remembers of the fleet."""
    app.extensions[WAITING] = WaitingGateways(app.extensions["jongnyang"].database)
    app.extensions[VERSIONS] = CardVersions()


def waiting_gateways() -> WaitingGateways:
    """Which gateways have commands waiting."""
    found = current_app.extensions[WAITING]
    assert isinstance(found, WaitingGateways)
    return found


def card_versions() -> CardVersions:
    """The versions of the gateways' lists."""
    found = current_app.extensions[VERSIONS]
    assert isinstance(found, CardVersions)
    return found


@blueprint.post("/<gateway>/keys")
@rules.gateway
def post_keys(gateway: str) -> tuple[dict[str, str], int]:
    """A second key, the same one until it is used."""
    signed = signed_request(gateway)
    _check(signed.body)
    signer = signed.signer
    with service().database.begin() as session:
        admit(session.connection(), signer.for_admission, signed.received_at)
        key = keys.second_key(session, signer.district_id, signer.gateway_id, signer.key_id, signed.received_at)
        secret = base64.urlsafe_b64encode(key.secret).rstrip(b"=").decode()
    return {"key_id": key.key_id, "secret": secret, "server_time": format_instant(now())}, 201


@blueprint.get("/<gateway>/cards")
@rules.gateway
def get_cards(gateway: str) -> dict[str, Any]:
    """The cards that open the gateway's bins: what changed since a version, or all."""
    signed = signed_request(gateway)
    signer, since = signed.signer, request.args.get("since")
    with service().database.engine.begin() as connection:
        admit(connection, signer.for_admission, signed.received_at)
        told: dict[str, Any] = cards.answer(
            connection, signer.district_id, signer.gateway_id, since, signed.received_at
        )
    return {"server_time": format_instant(now())} | told


@blueprint.get("/<gateway>/releases/<version>")
@rules.gateway
def get_release(gateway: str, version: str) -> Response:
    """The wheel of a release of the gateway's district."""
    signed = signed_request(gateway)
    signer = signed.signer
    with service().database.begin() as session:
        admit(session.connection(), signer.for_admission, signed.received_at)
        release = session.get(GatewayRelease, (signer.district_id, version))
    if release is None:
        raise Problem("not-found")
    answer = Response(release.content, content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="{release.file_name}"'
    return answer


def _check(body: bytes) -> None:
    try:
        wanted = msgspec.json.decode(body, type=KeyWanted)
    except msgspec.ValidationError as error:
        raise Problem("broken-envelope", detail=str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem("broken-json", detail=str(error)) from error
    if wanted.schema != 1:
        raise Problem("unknown-schema")
