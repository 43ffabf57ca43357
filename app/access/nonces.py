"""Admission of a signed request inside the transaction that acts on it: its key still lives and its nonce is new."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.access.models import GatewayKey, GatewayNonce
from app.db import upsert

WINDOW = timedelta(seconds=300)  # how far a signature's `created` may be from the server's clock
KEPT = 3 * WINDOW  # an older nonce is refused by its `created` anyway

Signed = tuple[int, str, str, datetime]  # district, key id, nonce, created


def admit(connection: sa.Connection, requests: Sequence[Signed]) -> list[str | None]:
    """For each request None, or why it is refused: `key-revoked` or `nonce-replayed`.

    The nonce is used up only if the caller's transaction commits, so a request that failed may be sent again.
    """
    live = _live_keys(connection, {(district_id, key_id) for district_id, key_id, *_ in requests})
    fresh = _use_nonces(connection, [request for request in requests if request[:2] in live])
    answers: list[str | None] = []
    for district_id, key_id, nonce, _ in requests:
        if (district_id, key_id) not in live:
            answers.append("key-revoked")
        elif (district_id, key_id, nonce) not in fresh:
            answers.append("nonce-replayed")
        else:
            fresh.discard((district_id, key_id, nonce))  # twice in one group: the second is the replay
            answers.append(None)
    return answers


def purge(connection: sa.Connection, now: datetime) -> int:
    """Forget nonces that no signature could use any more; how many they were."""
    return connection.execute(sa.delete(GatewayNonce).where(GatewayNonce.created_at < now - KEPT)).rowcount


def _live_keys(connection: sa.Connection, keys: set[tuple[int, str]]) -> set[tuple[int, str]]:
    wanted = sa.tuple_(GatewayKey.district_id, GatewayKey.key_id).in_(sorted(keys))
    rows = connection.execute(
        sa.select(GatewayKey.district_id, GatewayKey.key_id).where(wanted, GatewayKey.revoked_at.is_(None))
    )
    return {(district_id, key_id) for district_id, key_id in rows}


def _use_nonces(connection: sa.Connection, requests: Sequence[Signed]) -> set[tuple[int, str, str]]:
    if not requests:
        return set()
    names = ("district_id", "key_id", "nonce", "created_at")
    # Sorted, so that two transactions with the same nonces wait for each other instead of dead-locking.
    values = [dict(zip(names, request, strict=True)) for request in sorted(requests)]
    statement = upsert(connection, GatewayNonce).values(values).on_conflict_do_nothing()
    returned = connection.execute(
        statement.returning(GatewayNonce.district_id, GatewayNonce.key_id, GatewayNonce.nonce)
    )
    return {tuple(row) for row in returned}
