"""Pages of messages: one's own channels and messages, and the desk for what did not arrive."""

from datetime import time
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.access import own, rules
from app.access.accounts import current_actor, current_district_id, current_identity
from app.context import service
from app.fleet.messages import channels, queries, senders
from app.fleet.messages import service as desk_service
from app.fleet.messages.channels import QUIET_FROM, QUIET_TO, Channel
from app.fleet.messages.models import CHANNEL_KINDS, STATES
from app.problems import Problem
from app.schemas import MAX_ID
from app.texts import Refused
from app.times import now
from app.web import message_words as words
from app.web.forms import errors_of, failure_of, flashed, typed
from billing.days import service_day

blueprint = Blueprint("message_pages", __name__)

PAGE = 100
CLOCK = "%H:%M"
FIELDS = ("kind", "address", "language", "quiet_from", "quiet_to", "urgent_breaks_quiet", "active")
EMPTY = {
    "kind": "email",
    "language": "ko",
    "quiet_from": f"{QUIET_FROM:{CLOCK}}",
    "quiet_to": f"{QUIET_TO:{CLOCK}}",
    "urgent_breaks_quiet": "1",
    "active": "1",
}
TOLD = {
    "change": _l("The channel is changed."),
    "prefer": _l("This channel is tried first now."),
    "remove": _l("The channel is removed."),
    "test": _l("A test message is on its way. What becomes of it stands under “My messages”."),
}


@blueprint.get("/account/channels")
@rules.logged_in
def own_channels() -> str:
    """How one is reached, and the form for a further channel or, with `edit`, for one of them."""
    return _channels(editing=_number("edit"))


@blueprint.post("/account/channels")
@rules.logged_in
def add_channel() -> Response | tuple[str, int]:
    """Add a channel."""
    given = typed(*FIELDS)
    try:
        own.refuse_token(current_identity())
        with service().database.begin() as session:
            hosts = service().settings.webhook_hosts
            channels.add_channel(session, *_own(), _channel(given), current_actor(), now(), hosts)
    except (Problem, Refused) as refusal:
        return _channels(refusal=refusal, given=given), 422
    flash(_("The channel is added. Send a test message to see that it works."))
    return redirect(url_for("message_pages.own_channels"))


@blueprint.post(f"/account/channels/<int(max={MAX_ID}):channel_id>")
@rules.logged_in
def change_channel(channel_id: int) -> Response | tuple[str, int]:
    """Change a channel, put it first, try it or remove it."""
    action, given = request.form.get("action", ""), typed(*FIELDS)
    try:
        _act(action, channel_id, given)
    except (Problem, Refused) as refusal:
        if isinstance(refusal, Problem) and refusal.slug == "not-found":
            raise
        return _channels(refusal=refusal, given=given, editing=channel_id), 422
    flash(str(TOLD[action]))
    return redirect(url_for("message_pages.own_channels"))


@blueprint.get("/account/messages")
@rules.logged_in
def own_messages() -> str:
    """What one was told."""
    with service().database.session() as session:
        rows = queries.own_messages(session, *_own(), _number("before"), PAGE + 1)
    return render_template("account_messages.html", **_listed(rows), words=words, today=service_day(now()))


@blueprint.get("/messages")
@rules.scope("fault:manage")
def desk() -> str:
    """Messages of the district by state, those that did not arrive with what can be done."""
    return _desk()


@blueprint.post(f"/messages/<int(max={MAX_ID}):message_id>")
@rules.scope("fault:manage")
def decide(message_id: int) -> Response | tuple[str, int]:
    """Send a message again, or cancel it."""
    actions = {"again": desk_service.send_again, "cancel": desk_service.cancel}
    action = actions.get(request.form.get("action", ""))
    if action is None:
        raise Problem("invalid", errors={"action": request.form.get("action", "")[:40]})
    try:
        with service().database.begin() as session:
            action(session, current_district_id(), message_id, current_actor(), now())
    except Problem as problem:
        if problem.slug == "not-found":
            raise
        return _desk(failure_of(problem)), 422
    told = {"again": _("It is sent again within a minute."), "cancel": _("The message is cancelled.")}
    flash(told[request.form["action"]])
    return redirect(url_for("message_pages.desk", **_filter()))


def _act(action: str, channel_id: int, given: dict[str, str]) -> None:
    if action not in TOLD:
        raise Problem("invalid", errors={"action": action[:40]})
    own.refuse_token(current_identity())
    mine, signed = (*_own(), channel_id), (current_actor(), now())
    with service().database.begin() as session:
        if action == "change":
            hosts = service().settings.webhook_hosts
            channels.change_channel(session, *mine, _channel(given), *signed, hosts)
        elif action == "prefer":
            channels.prefer_channel(session, *mine, *signed)
        elif action == "remove":
            channels.remove_channel(session, *mine, *signed)
        else:
            channels.send_test(session, *mine, *signed)


def _channel(given: dict[str, str]) -> Channel:
    """The channel that the form describes; raises the Problem `invalid` for a time that is none."""
    times, errors = {}, {}
    for name in ("quiet_from", "quiet_to"):
        try:
            times[name] = time.fromisoformat(given[name]).replace(second=0, microsecond=0, tzinfo=None)
        except ValueError:
            errors[name] = _("Write a time of day such as 22:00.")
    if errors:
        raise Problem("invalid", errors=errors)
    return Channel(
        given["kind"],
        given["address"],
        given["language"],
        active=given["active"] == "1",
        quiet_from=times["quiet_from"],
        quiet_to=times["quiet_to"],
        urgent_breaks_quiet=given["urgent_breaks_quiet"] == "1",
    )


def _channels(
    refusal: Problem | Refused | None = None, given: dict[str, str] | None = None, editing: int | None = None
) -> str:
    with service().database.session() as session:
        rows = queries.channel_list(session, *_own())
    edited = next((row for row in rows if row["id"] == editing), None)
    return render_template(
        "account_channels.html",
        channels=rows,
        edited=edited,
        given=given or (_typed(edited) if edited else EMPTY),
        errors=errors_of(refusal) if refusal else {},
        failure=failure_of(refusal) if refusal else "",
        told=flashed(),
        missing={kind: senders.what_is_missing(service().settings, kind) for kind in CHANNEL_KINDS},
        words=words,
    )


def _typed(row: dict[str, Any]) -> dict[str, str]:
    """A channel as its form has it."""
    given = {name: str(row[name]) for name in ("kind", "address", "language")}
    given |= {name: f"{row[name]:{CLOCK}}" for name in ("quiet_from", "quiet_to")}
    return given | {name: "1" if row[name] else "0" for name in ("urgent_breaks_quiet", "active")}


def _desk(failure: str = "") -> str:
    asked = _filter()
    with service().database.session() as session:
        district_id = current_district_id()
        counts = queries.state_counts(session, district_id)
        rows = queries.message_page(session, district_id, **asked, before=_number("before"), limit=PAGE + 1)
    return render_template(
        "messages.html",
        **_listed(rows),
        counts=counts,
        states=[(name, words.state(name)) for name in STATES],
        asked=asked,
        again=desk_service.AGAIN,
        open=desk_service.OPEN,
        told=flashed(),
        failure=failure,
        words=words,
        today=service_day(now()),
    )


def _filter() -> dict[str, Any]:
    """Which messages the reader wants to see: what is neither state nor login asks for all."""
    state, login = (request.values.get(name, "").strip().replace("\0", "") for name in ("state", "login"))
    return ({"state": state} if state in STATES else {}) | ({"login": login[:64]} if login else {})


def _listed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"messages": rows[:PAGE], "more": rows[PAGE - 1]["id"] if len(rows) > PAGE else None}


def _number(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and int(text) <= MAX_ID else None


def _own() -> tuple[int, int]:
    return current_district_id(), current_identity().account_id
