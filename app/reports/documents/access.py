"""The key to one statement, as the code on its paper carries it: whoever holds the paper may read that statement."""

from typing import NamedTuple

from itsdangerous import BadData, URLSafeSerializer

from app.problems import Problem


class Named(NamedTuple):
    """A statement by its key in the database, and whose it is."""

    district_id: int
    run_id: int
    serial: int
    tenancy_id: int


def token(secret_key: str, named: Named) -> str:
    """What nobody can guess or make without the service's secret; it stays valid as long as that does."""
    made = _serializer(secret_key).dumps(list(named))
    return made if isinstance(made, str) else made.decode()


def named(secret_key: str, text: str) -> Named:
    """The statement of a token; raises the Problem `not-found` for anything else."""
    try:
        return Named(*_serializer(secret_key).loads(text))
    except (BadData, TypeError) as error:
        raise Problem("not-found") from error


def _serializer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="jongnyang statement")
