"""The people's API of messages: everybody's own channels and messages, and the desk for what did not arrive.

A token changes channels only where it may read faults: one for other work does not decide whom faults are told to.
"""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity
from app.context import service
from app.fleet.messages import channels, queries
from app.fleet.messages import service as desk
from app.fleet.messages.channels import Channel
from app.fleet.messages.schemas import (
    ChannelListSchema,
    ChannelSchema,
    MessageArguments,
    MessagePage,
    MessageSchema,
    OwnMessageArguments,
    TestSchema,
)
from app.languages import choose_language
from app.problems import Problem
from app.texts import Refused
from app.times import now

blueprint = Blueprint("messages", __name__, url_prefix="/api/v1", description="Messages about faults")
CHANNEL = f"/me/channels/<int(max={2**31 - 1}):channel_id>"
MESSAGE = f"/messages/<int(max={2**31 - 1}):message_id>"


@blueprint.get("/me/channels")
@rules.logged_in
@blueprint.response(200, ChannelListSchema)
def list_channels() -> dict[str, Any]:
    """One's own channels, in the order in which they are tried."""
    with service().database.session() as session:
        return {"items": queries.channel_list(session, current_district_id(), current_identity().account_id)}


@blueprint.post("/me/channels")
@rules.scope("fault:read", reach="complex")
@blueprint.arguments(ChannelSchema)
@blueprint.response(201, ChannelSchema)
def add_channel(wanted: dict[str, Any]) -> Any:
    """Add a way to be reached, tried after the others."""
    hosts = service().settings.webhook_hosts
    try:
        with service().database.begin() as session:
            return channels.add_channel(session, *_own(), Channel(**wanted), current_actor(), now(), hosts)
    except Refused as refused:
        raise _invalid(refused) from refused


@blueprint.put(CHANNEL)
@rules.scope("fault:read", reach="complex")
@blueprint.arguments(ChannelSchema)
@blueprint.response(200, ChannelSchema)
def change_channel(wanted: dict[str, Any], channel_id: int) -> Any:
    """Write one of one's channels anew."""
    hosts = service().settings.webhook_hosts
    try:
        with service().database.begin() as session:
            actor, moment = current_actor(), now()
            return channels.change_channel(session, *_own(), channel_id, Channel(**wanted), actor, moment, hosts)
    except Refused as refused:
        raise _invalid(refused) from refused


@blueprint.delete(CHANNEL)
@rules.scope("fault:read", reach="complex")
@blueprint.response(204)
def remove_channel(channel_id: int) -> None:
    """Remove one of one's channels."""
    with service().database.begin() as session:
        channels.remove_channel(session, *_own(), channel_id, current_actor(), now())


@blueprint.post(f"{CHANNEL}/preferences")
@rules.scope("fault:read", reach="complex")
@blueprint.response(204)
def prefer_channel(channel_id: int) -> None:
    """Try this channel before all others."""
    with service().database.begin() as session:
        channels.prefer_channel(session, *_own(), channel_id, current_actor(), now())


@blueprint.post(f"{CHANNEL}/tests")
@rules.scope("fault:read", reach="complex")
@blueprint.response(201, TestSchema)
def send_test(channel_id: int) -> dict[str, int]:
    """Send a test message by this channel alone, one a minute at most."""
    with service().database.begin() as session:
        return {"message_id": channels.send_test(session, *_own(), channel_id, current_actor(), now())}


@blueprint.get("/me/messages")
@rules.logged_in
@blueprint.arguments(OwnMessageArguments, location="query", unknown=RAISE)
@blueprint.response(200, MessagePage)
def list_own_messages(page: dict[str, Any]) -> dict[str, Any]:
    """What one was told, the newest first."""
    with service().database.session() as session:
        items = queries.own_messages(session, *_own(), **page)
    return _page(items, page["limit"])


@blueprint.get("/messages")
@rules.scope("fault:manage")
@blueprint.arguments(MessageArguments, location="query", unknown=RAISE)
@blueprint.response(200, MessagePage)
def list_messages(page: dict[str, Any]) -> dict[str, Any]:
    """Messages of the district, the newest first."""
    with service().database.session() as session:
        items = queries.message_page(session, current_district_id(), **page)
    return _page(items, page["limit"])


@blueprint.post(f"{MESSAGE}/sendings")
@rules.scope("fault:manage")
@blueprint.response(201, MessageSchema)
def send_again(message_id: int) -> dict[str, Any]:
    """Send a message again that failed, may not have arrived or was cancelled."""
    with service().database.begin() as session:
        desk.send_again(session, current_district_id(), message_id, current_actor(), now())
        return queries.message(session, current_district_id(), message_id)


@blueprint.post(f"{MESSAGE}/cancellations")
@rules.scope("fault:manage")
@blueprint.response(201, MessageSchema)
def cancel(message_id: int) -> dict[str, Any]:
    """Do not send a message, or no longer ask for one that did not arrive."""
    with service().database.begin() as session:
        desk.cancel(session, current_district_id(), message_id, current_actor(), now())
        return queries.message(session, current_district_id(), message_id)


def _own() -> tuple[int, int]:
    return current_district_id(), current_identity().account_id


def _page(items: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    return {"items": items, "next_before": items[-1]["id"] if len(items) == limit else None}


def _invalid(refused: Refused) -> Problem:
    return Problem("invalid", errors={"address": [text.said(choose_language()) for text in refused.texts]})
