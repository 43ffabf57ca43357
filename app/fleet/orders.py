"""Commands to gateways: made by staff, repeated in replies until their result comes, signed per docs/gateway-api.md."""

import json
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.events import Event, book_events
from app.access.signatures import SignedBy, Verifier
from app.db import Database, Executor
from app.fleet.models import GatewayCommand
from app.registry.models import Gateway
from app.times import format_instant

LABEL = b"jongnyang-command\n"
ID_BYTES = 16  # 22 characters
MOST_IN_A_REPLY = 20
# An open lid is for somebody who stands there; everything else may wait for a box that is off for a week.
VALID = {"open_lid": timedelta(minutes=5)}
VALID_ELSE = timedelta(days=7)
# How the book of events calls the making of a command.
ASKED = {
    "open_lid": "lid_open_asked",
    "rotate_key": "key_rotation_asked",
    "sync_cards": "cards_sync_asked",
    "update": "update_sent",
    "roll_back": "roll_back_asked",
}


class Signed(msgspec.Struct):
    """A command as a reply carries it: JSON text, and the HMAC of it by the key that signed the request."""

    command: str
    signature: str


class Outcome(NamedTuple):
    """What a gateway reports of a command."""

    id: str
    state: str
    detail: str


def make_command(
    session: Session, gateway: Gateway, kind: str, arguments: dict[str, Any], actor: str, now: datetime
) -> GatewayCommand:
    """A command that waits for the gateway from now on, and its event; the same one while an equal one waits."""
    session.execute(sa.select(Gateway.id).where(_is(gateway)).with_for_update())  # two who press at once agree
    waiting = _waiting_like(session, gateway, kind, arguments, now)
    if waiting is not None:
        return waiting
    id_, expires_at = secrets.token_urlsafe(ID_BYTES), now + VALID.get(kind, VALID_ELSE)
    content = {
        "id": id_,
        "gateway": gateway.code,
        "kind": kind,
        "arguments": arguments,
        "created_at": format_instant(now),
        "expires_at": format_instant(expires_at),
    }
    command = GatewayCommand(
        district_id=gateway.district_id,
        id=id_,
        gateway_id=gateway.id,
        kind=kind,
        arguments=json.dumps(arguments),
        text=json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        created_at=now,
        created_by=actor,
        expires_at=expires_at,
        state="waiting",
    )
    session.add(command)
    session.flush()
    told = str(arguments.get("meter") or arguments.get("version") or "")
    book_events(session, gateway.district_id, [Event(gateway.id, ASKED[kind], now, told, actor)], now)
    return command


def _is(gateway: Gateway) -> sa.ColumnElement[bool]:
    return sa.and_(Gateway.district_id == gateway.district_id, Gateway.id == gateway.id)


def _waiting_like(
    session: Session, gateway: Gateway, kind: str, arguments: dict[str, Any], now: datetime
) -> GatewayCommand | None:
    like = sa.select(GatewayCommand).where(
        GatewayCommand.district_id == gateway.district_id,
        GatewayCommand.gateway_id == gateway.id,
        GatewayCommand.state == "waiting",
        GatewayCommand.expires_at > now,
        GatewayCommand.kind == kind,
        GatewayCommand.arguments == json.dumps(arguments),
    )
    return session.scalars(like.order_by(GatewayCommand.created_at.desc()).limit(1)).first()


def finish(executor: Executor, signer: SignedBy, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Take down what became of commands, in the caller's transaction. A result stands as it came first.

    Results of commands that are not this gateway's are ignored: a box on a restored image repeats old ones.
    """
    mine = sa.and_(
        GatewayCommand.district_id == signer.district_id,
        GatewayCommand.gateway_id == signer.gateway_id,
        GatewayCommand.state == "waiting",
    )
    for outcome in sorted(outcomes):
        found = {"state": outcome.state, "detail": outcome.detail.replace("\0", "␀"), "finished_at": now}
        changed = sa.update(GatewayCommand).where(mine, GatewayCommand.id == outcome.id).values(found)
        kind = executor.execute(changed.returning(GatewayCommand.kind)).scalar()
        if kind is not None:
            detail = f"{kind}: {outcome.detail}" if outcome.detail else kind
            event = Event(signer.gateway_id, f"command_{outcome.state}", now, detail)
            book_events(executor, signer.district_id, [event], now)


def waiting_for(executor: Executor, signer: SignedBy, verifier: Verifier, now: datetime) -> list[Signed]:
    """The commands that wait for this gateway, the oldest first, signed; they count as delivered from now on."""
    mine = sa.and_(GatewayCommand.district_id == signer.district_id, GatewayCommand.gateway_id == signer.gateway_id)
    open_ = sa.and_(mine, GatewayCommand.state == "waiting", GatewayCommand.expires_at > now)
    statement = sa.select(GatewayCommand.id, GatewayCommand.text, GatewayCommand.delivered_at).where(open_)
    oldest = statement.order_by(GatewayCommand.created_at, GatewayCommand.id).limit(MOST_IN_A_REPLY)
    rows = executor.execute(oldest).all()
    fresh = [row.id for row in rows if row.delivered_at is None]
    if fresh:
        first = sa.update(GatewayCommand).where(mine, GatewayCommand.id.in_(fresh))
        executor.execute(first.values(delivered_at=now))
    return [Signed(row.text, verifier.sign(signer.key_id, LABEL + row.text.encode())) for row in rows]


class WaitingGateways:
    """Which gateways have commands waiting: asked of the database once a second at most, whoever posts discharges."""

    def __init__(self, database: Database, seconds: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._database, self._seconds, self._clock = database, seconds, clock
        self._known: frozenset[tuple[int, int]] = frozenset()
        self._read_at = -seconds
        self._lock = Lock()

    def holds(self, signer: SignedBy, now: datetime) -> bool:
        """Whether a command waited for the gateway a second ago."""
        if self._clock() - self._read_at >= self._seconds and self._lock.acquire(blocking=False):
            try:
                self._known = self._read(now)
                self._read_at = self._clock()
            finally:
                self._lock.release()
        return (signer.district_id, signer.gateway_id) in self._known

    def _read(self, now: datetime) -> frozenset[tuple[int, int]]:
        statement = sa.select(GatewayCommand.district_id, GatewayCommand.gateway_id).where(
            GatewayCommand.state == "waiting", GatewayCommand.expires_at > now
        )
        with self._database.reading() as connection:
            return frozenset((row[0], row[1]) for row in connection.execute(statement.distinct()))
