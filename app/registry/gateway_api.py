"""The route with which a new box makes itself known."""

import base64
from typing import Annotated

import msgspec
from flask import Blueprint, request
from msgspec import Meta

from app.access import claims, keys, rules, signed
from app.context import service
from app.problems import Problem
from app.registry.models import District, Gateway
from app.times import format_instant, now

blueprint = Blueprint("claims", __name__, url_prefix="/api/v1")

Text = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\A[^\x00]*\Z")]


class Claim(msgspec.Struct, forbid_unknown_fields=True):
    claim_code: Text
    hardware_id: Text


@blueprint.post("/gateways/claim")
@rules.public
def claim() -> tuple[dict[str, str], int]:
    """Exchange a one-time code for a key and the district's card key."""
    try:
        asked = msgspec.json.decode(request.get_data(cache=False), type=Claim)
    except msgspec.DecodeError as error:
        raise Problem("broken-json", detail=str(error)) from error
    signed.failures().check(signed.PER_ADDRESS, f"address {request.remote_addr}")
    moment = now()
    with signed.failures_counted(), service().database.begin() as session:
        found = claims.claimed_gateway(session, asked.claim_code, moment)
        keys.hold_keys(session, found.district_id, found.gateway_id)
        gateway = session.get_one(Gateway, (found.district_id, found.gateway_id))
        district = session.get_one(District, found.district_id)
        name = f"{district.code}/{gateway.code}"
        claimed = claims.redeem(session, found, name, asked.hardware_id, moment)
        answer = {
            "gateway": gateway.code,
            "district": district.code,
            "key_id": claimed.key_id,
            "secret": _base64(claimed.secret),
            "card_key": _base64(district.card_key),
            "server_time": format_instant(moment),
        }
    return answer, 201


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
