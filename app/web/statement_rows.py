"""What the page of a household's statement shows beside it: what was issued anew, and what is still owed."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.statements import queries
from app.statements.corrections import voids
from app.statements.payments import accounts
from billing.statements import Line

Row = dict[str, Any]


def issued_anew(session: Session, district_id: int, row: Row, reach: Reach) -> Row | None:
    """What changed where a statement was issued anew, seen from either: `old` and `new` number, and the `changes`."""
    for old in (row, *_others(session, district_id, row, reach)):
        new = old["void"] and old["void"]["reissued_as"]
        if new and row["number"] in (old["number"], new):
            instead = queries.statement(session, district_id, new, reach)
            return {"old": old["number"], "new": new, "changes": voids.diff(_lines(old), _lines(instead))}
    return None


def _others(session: Session, district_id: int, row: Row, reach: Reach) -> Iterator[Row]:
    """The other statements of the same tenancy and month, the newest first."""
    for each in reversed(row["versions"]):
        if each["number"] != row["number"]:
            yield queries.statement(session, district_id, each["number"], reach)


def _lines(row: Row) -> list[Line]:
    tenant = (row["household_id"], row["tenancy_id"])
    return [
        Line(each["kind"], each["usage_month"], *tenant, each["grams"], each["count"], each["won"], each["detail"])
        for each in row["lines"]
    ]


def account(session: Session, district_id: int, row: Row, today: date) -> Row | None:
    """What the tenancy of a statement owes in all; None where the month is not closed, or nothing was ever owed."""
    if row["state"] == "preview":
        return None
    found = accounts.household_account(session, district_id, row["household_id"], today)
    return next((each for each in found if each["tenancy_id"] == row["tenancy_id"]), None)
