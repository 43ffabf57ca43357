"""A world with one row of every table for each of three sides, and a mark of the side in every text of its rows.

`own` and `other` are two complexes (and vendors) of one district, `foreign` is one of another district. The rows are
made from the tables themselves, so that a new table or column is in the world, marked, as soon as it is declared.
"""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.db import Base, Database
from app.metering.ledger import Partitions
from app.statements.terms.policy import Policy
from app.times import now
from billing.days import month_of, service_day
from billing.tariffs import Tariff, Tier

Row = dict[str, Any]
DISTRICT_MARK = {1: "ZQHOME", 2: "ZQAWAY"}
NOT_FILLED = {"id_counter"}
# Of what a column of this name tells, where it is no foreign key.
REFERENCES = {f"{table}_id": table for table in ("complex", "gateway", "meter", "household", "tenancy", "account")}
REFERENCES["run_id"] = "statement_run"
FIRST = ("epoch_no", "seq", "revision", "version", "serial", "line")  # numbers that are 1
MONTHS = ("month", "usage_month", "first_month")  # days that are the first of their month
OF_A_DISTRICT = ("district", "billing_policy", "payer_class", "tariff")  # which have one row for each district
OF_A_RUN = ("statement", "statement_line", "statement_void")
LAST_ID = 1000  # counters begin above every row of the world


class Side(NamedTuple):
    """`id` is that of all its rows, `last4` what its cards end with."""

    mark: str
    district_id: int
    id: int
    last4: str

    def text(self, *names: str) -> str:
        """A text that tells whose it is and where it stands; `names` begin with the table."""
        mark = DISTRICT_MARK[self.district_id] if names[0] in OF_A_DISTRICT else self.mark
        return "-".join((mark, *names)).replace("_", "-")[:40]

    def hash(self, name: str) -> bytes:
        """Sixteen bytes, as of a card."""
        return f"{self.mark}-{name}".encode().ljust(16, b".")[:16]

    def value(self, name: str) -> Any:
        """Of a column named TABLE.COLUMN of its row."""
        table, _, column = name.partition(".")
        return row_of(self, Base.metadata.tables[table])[column]


OWN = Side("ZQOWN", 1, 11, "A7F1")
OTHER = Side("ZQOTHER", 1, 12, "B8E2")
FOREIGN = Side("ZQFOREIGN", 2, 21, "C9D3")
NOWHERE = Side("ZQNOWHERE", 1, 99, "D0C4")  # has no row: what does not exist at all
SIDES = (OWN, OTHER, FOREIGN)

MOMENT = now() - timedelta(minutes=5)
EMPTY: tuple[str, ...] = (  # columns that would end, block, take back or narrow the thing, or need another role
    *("account.vendor_id", "account.scopes", "card.complex_id", "card.replaced_by_id", "card.kept_household_id"),
    *("fault.closed_by", "household.abandoned_by", "household.abandoned_reason"),
    *("card.blocked_by", "card.blocked_reason", "import_batch.undone_by", "account_session.ended_by"),
    *("installation_step.units", "reducer.retired_reason", "meter_assignment.end_reason", "message.digest_id"),
    *("message.channel_id", "payment.reverses_id", "estimate.settled_by"),
)


def overrides(side: Side) -> dict[str, Any]:
    """What cannot be any text: JSON, numbers in text, and names that the code knows."""
    mark, meter = side.mark, side.text("meter", "code")
    told = {"meter": meter, "faults": ["comm"], "gross_g": 1, "fill_percent": 1, "zero_drift_g": 1, "lid": "closed"}
    meters = [told | {"ports": {}}] + ([told | {"ports": {}, "meter": OTHER.text("shared")}] if side is OWN else [])
    report = {"clock": "synced", "firmware": side.text("firmware"), "meters": meters}
    return {
        **({"district.code": mark} if side is NOWHERE else {}),
        "card.card_hash": side.hash("card"),
        "discharge.card_hash": side.hash("card"),
        "unknown_card.card_hash": side.hash("touch"),
        "unknown_touch.card_hash": side.hash("touch"),
        "discharge.flags": json.dumps([mark]),
        "discharge.evidence": json.dumps({"note": mark}),
        "gateway_epoch.missing": "[]",
        "gateway_status.report": json.dumps(report),
        "gateway_command.arguments": json.dumps({"meter": meter}),
        "quarantine.raw": json.dumps({"meter": meter}).encode(),
        "quarantine.envelope": json.dumps({"boot_id": mark}),
        "quarantine_decision.corrected": json.dumps({"meter": meter}),
        "display_rate.won_per_kg": "100",
        "display_rate.first_day": date(2026, 1, 1) + timedelta(days=side.id),
        "audit_entry.before": json.dumps({"note": mark}),
        "audit_entry.after": json.dumps({"note": mark}),
        "audit_entry.via": "page",
        "dispute_event.state": "open",
        "fee_layout.columns": json.dumps([["number", mark], ["total", "won"]]),
        "fault_event.before": json.dumps({"note": mark}),
        "fault_event.after": json.dumps({"note": mark}),
        "import_batch.kind": "households",
        "import_upload.kind": "households",
        "import_upload.sha256": side.text("import_upload").ljust(64, "0"),
        "import_change.before": json.dumps({"note": [None, mark]}),
        "api_token.scopes": "metering:read",
        "gateway_release.content": mark.encode(),
        "tariff.terms": json.dumps({"tiers": [{"from_g": 0, "won_per_kg": "130"}]}),
        "tariff.first_day": month_of(service_day(MOMENT)),
        "installation_application.units": 2,
        "installation_count.year": 2000 + side.id,
        "installation_target.year": 2000 + side.id,
        "scale_certificate.due_on": service_day(MOMENT) + timedelta(days=300),
        "gateway_epoch.high_seq": 1,
        "gateway_claim.expires_at": MOMENT + timedelta(days=1),
        "gateway_command.expires_at": MOMENT + timedelta(days=1),
        "meter_alive.started_at": MOMENT - timedelta(minutes=10),
        "meter_assignment.valid_from": MOMENT - timedelta(days=400),
        "tenancy.valid_from": MOMENT - timedelta(days=400),
        "card_assignment.valid_from": MOMENT - timedelta(days=400),
    } | billed(side)


def billed(side: Side) -> dict[str, Any]:
    """A run of one statement with one line, and the tariff that it was made by."""
    first_day, tariff = date(2020, 1, 1), side.id if side is NOWHERE else side.district_id
    position = {"tariffs": 1, "runs": 1, "voids": 1, "terms": 1, "weights": 1, "classes": 1}
    total = {"exact": "400", "won": 400, "rounded_by": tariff, "parts": 1, "residues": {}, "position": position}
    return {
        **{"tariff.id": tariff, "tariff.first_day": first_day},
        "tariff.terms": Tariff(0, first_day, (Tier(0, Decimal(1000)),)).as_json(),
        "statement_run.detail": json.dumps(
            total | {"tariffs": {side.text("payer_class", "code"): [tariff]}, "looked_from": "2025-11-01"}
        ),
        **{f"statement_run.{name}_won": 0 for name in ("suspense", "residue", "reissued")},
        **{f"billing_policy.{name}": days for name, days in Policy()._asdict().items()},
        "statement_line.detail": json.dumps({"steps": [[tariff, 0, 400, "400"]]}),
    }


def row_of(side: Side, table: sa.Table) -> Row:
    """The side's row of a table."""
    given = overrides(side)
    choices = _choices(table)
    return {
        column.name: given.get(f"{table.name}.{column.name}", _value(side, table, column, choices))
        for column in table.columns
    }


def _value(side: Side, table: sa.Table, column: sa.Column[Any], choices: Mapping[str, str]) -> Any:
    name, full = column.name, f"{table.name}.{column.name}"
    if name == "district_id" or (table.name == "district" and name == "id"):
        return side.district_id
    if full in EMPTY:
        return None
    if name in choices:
        return choices[name]
    if name in FIRST and isinstance(column.type, sa.Integer):
        return 1
    if column.foreign_keys:
        return _referred(side, column)
    if name == "id" or name in REFERENCES:
        return side.text(table.name, name) if isinstance(column.type, sa.Text) else side.id
    if name == "last4":
        return side.last4
    return _plain(side, table, column)


def _referred(side: Side, column: sa.Column[Any]) -> Any:
    """What a reference to the side's own row says."""
    target = next((key.column for key in column.foreign_keys if key.column.name != "district_id"), None)
    return side.id if target is None else row_of(side, target.table)[target.name]


def _plain(side: Side, table: sa.Table, column: sa.Column[Any]) -> Any:
    """A value of the column's type; null where it may be, unless it is text."""
    kind = column.type
    if isinstance(kind, sa.Text):
        return side.text(table.name, column.name)
    if column.nullable:
        return None
    if isinstance(kind, sa.Date):
        return month_of(service_day(MOMENT)) if column.name in MONTHS else service_day(MOMENT)
    if isinstance(kind, sa.LargeBinary):
        return side.hash(column.name)
    if isinstance(kind, sa.Boolean):
        return False
    if isinstance(kind, sa.Integer):
        return 400
    if isinstance(kind, sa.Time):
        return time(22)
    return MOMENT.replace(minute=0, second=0, microsecond=0) if column.name == "hour" else MOMENT


def _choices(table: sa.Table) -> dict[str, str]:
    """By column that takes certain words alone: the first of them."""
    found = {}
    for constraint in table.constraints:
        if isinstance(constraint, sa.CheckConstraint):
            listed = re.search(r"(\w+) IN \('([^']*)'", str(constraint.sqltext))
            if listed:
                found[listed[1]] = listed[2]
    return found


def shared() -> dict[str, Row]:
    """A meter of the other complex that our own gateway runs."""
    id_ = OTHER.id + 1
    meter = row_of(OTHER, Base.metadata.tables["meter"]) | {"id": id_, "code": OTHER.text("shared")}
    stands = row_of(OTHER, Base.metadata.tables["meter_assignment"]) | {"id": id_, "meter_id": id_}
    return {"meter": meter, "meter_assignment": stands | {"gateway_id": OWN.id}}


def fill(database: Database) -> None:
    """Write the three sides' rows of every table."""
    if not database.is_sqlite:
        Partitions(database).create({month_of(service_day(MOMENT))})
    with database.engine.begin() as connection:
        for table in tables():
            rows = [row_of(side, table) for side in SIDES if not (table.name in OF_A_DISTRICT and side is OTHER)]
            connection.execute(table.insert(), rows)
        for name, row in shared().items():
            connection.execute(Base.metadata.tables[name].insert().values(row))
        closed = {"state": "final", "finalised_at": MOMENT}
        connection.execute(Base.metadata.tables["statement_run"].update().values(closed))
        kinds = [table.name for table in Base.metadata.sorted_tables]
        counters = [{"district_id": n, "kind": kind, "last_id": LAST_ID} for n in DISTRICT_MARK for kind in kinds]
        connection.execute(Base.metadata.tables["id_counter"].insert(), counters)


def tables() -> list[sa.Table]:
    """All that are filled, each after those that it refers to; statements refer to their run without a foreign key."""
    filled = [table for table in Base.metadata.sorted_tables if table.name not in NOT_FILLED]
    return sorted(filled, key=lambda table: table.name in OF_A_RUN)


def moment() -> datetime:
    """When all of it happened."""
    return MOMENT
