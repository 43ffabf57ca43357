"""Files of households taken in and back, and the ledger following the cards that have other holders since."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from app.db import Database
from app.metering.moves import follow
from app.registry.card_changes import Moved
from app.registry.imports.report import Report
from app.registry.imports.service import IMPORTS, Order, Then
from app.registry.imports.undo import undo


def take_in(database: Database, kind: str, order: Order) -> Report:
    """Take in a file of this kind (a key of IMPORTS), or only look. Raises Refused; then nothing has changed."""
    return IMPORTS[kind](database, replace(order, then=_following(order.actor, order.now)))


def take_back(database: Database, reference: str, actor: str, now: datetime) -> tuple[str, dict[str, int]]:
    """Undo an import; its name, and the number of rows by table. Raises Refused; then nothing has changed."""
    return undo(database, reference, actor, now, _following(actor, now))


def _following(actor: str, now: datetime) -> Then:
    def then(session: Session, district_id: int, moved: Moved) -> int:
        return follow(session, district_id, moved, actor, "import", now)

    return then
