"""Admission of a signed request inside the transaction that acts on it: its key still lives and its nonce is new."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.access.keys import living
from app.access.models import GatewayKey, GatewayNonce
from app.db import Round, Statement, is_sqlite
from app.problems import Problem

WINDOW = timedelta(seconds=300)  # how far a signature's `created` may be from the server's clock
KEPT = 3 * WINDOW  # an older nonce is refused by its `created` anyway

Signed = tuple[int, str, str, datetime]  # district, key id, nonce, created

_USE = (
    "INSERT INTO gateway_nonce (district_id, key_id, nonce, created_at) "
    "SELECT n.district_id, n.key_id, n.nonce, n.created_at FROM {source} "
    "WHERE EXISTS (SELECT 1 FROM gateway_key k "
    "WHERE k.district_id = n.district_id AND k.key_id = n.key_id AND k.revoked_at IS NULL "
    "AND (k.retires_at IS NULL OR k.retires_at > ?)) "
    "ON CONFLICT DO NOTHING RETURNING district_id, key_id, nonce"
)
_USE_ONE = _USE.format(source="(SELECT ? AS district_id, ? AS key_id, ? AS nonce, ? AS created_at) AS n")
_USE_ALL = _USE.format(
    source="unnest(%b::int4[], %b::text[], %b::text[], %b::timestamptz[]) AS n (district_id, key_id, nonce, created_at)"
)


def admit(connection: sa.Connection, request: Signed, now: datetime) -> None:
    """Let one request in, in the caller's transaction; raises the Problem that says why not."""
    asked = Round(connection)
    used = asked.add(using_nonces(connection, [request], now))
    asked.run()
    (reason,) = refusals(connection, [request], used(), now)
    if reason is not None:
        raise Problem(reason)


def using_nonces(connection: sa.Connection, requests: Iterable[Signed], now: datetime) -> list[Statement]:
    """Statements that use up the nonces of requests whose keys live, and return what `refusals` reads.

    A nonce is used up only if the caller's transaction commits, so a request that failed may be sent again.
    """
    # Sorted, so that two transactions with the same nonces wait for each other instead of dead-locking.
    distinct = sorted(set(requests))
    if is_sqlite(connection):
        return [(_USE_ONE, (*request, now)) for request in distinct]
    return [(_USE_ALL, (*(list(column) for column in zip(*distinct, strict=True)), now))]


def refusals(
    connection: sa.Connection, requests: Iterable[Signed], used: Iterable[tuple[Any, ...]], now: datetime
) -> list[str | None]:
    """For each request None, or why it is refused: `key-revoked` or `nonce-replayed`; `used` are the rows returned."""
    fresh = set(used)
    answers: list[str | None] = []
    for district_id, key_id, nonce, _ in requests:
        if (district_id, key_id, nonce) in fresh:
            fresh.discard((district_id, key_id, nonce))  # twice in one group: the second is the replay
            answers.append(None)
        else:
            answers.append("nonce-replayed" if _lives(connection, district_id, key_id, now) else "key-revoked")
    return answers


def purge(connection: sa.Connection, now: datetime) -> int:
    """Forget nonces that no signature could use any more; how many they were."""
    return connection.execute(sa.delete(GatewayNonce).where(GatewayNonce.created_at < now - KEPT)).rowcount


def _lives(connection: sa.Connection, district_id: int, key_id: str, now: datetime) -> bool:
    key = sa.select(GatewayKey.key_id).where(GatewayKey.district_id == district_id, GatewayKey.key_id == key_id)
    return connection.execute(key.where(living(now))).first() is not None
