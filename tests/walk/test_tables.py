"""Every table keeps districts apart, and each that tells of a complex or a person says how its reads are narrowed."""

import sqlalchemy as sa

import app.factory  # noqa: F401 - declares every table
from app.db import Base

TABLES = Base.metadata.tables
NO_DISTRICT = {"district": "is the district itself"}
# Keys and unique constraints without the district, and why.
UNIQUE_BEYOND = {("district", ("code",)): "K-eco's code of the district, by which commands name it"}
# What makes a table one of those that somebody limited must not read past their own.
TELLING = {
    *("complex_id", "vendor_id", "household_id", "tenancy_id", "account_id", "card_id", "meter_id", "gateway_id"),
    *("fault_id", "application_id", "certificate_id"),
    *("name", "phone", "email", "login", "address", "last4", "representative", "actor", "words", "subject"),
}
WHOLE = "only whole-district readers: no route with another reach reads it"
UNREAD = "no route reads it: written and used by ingest, boxes or the log-in"
COMPLEX = "reach.within(complex_id)"
GATEWAY = "fleet.queries: gateways that run a meter within reach, their meters within reach"
METER = "registry.devices and certificates: meters that stand within reach"
HOUSEHOLD = "registry.household_queries: the household's complex within reach"
OWN = "only the reader's own account"
JUDGE = "no route reads it: what the judge of faults remembers"
ADMIN = "access:admin, which only administrators have"
BILLED = "statements.queries: runs of complexes within reach"
NARROWED = {
    "account": f"{ADMIN}; everybody their own",
    "account_complex": ADMIN,
    "account_link": UNREAD,
    "account_session": f"{ADMIN}; everybody their own",
    "alive_day": "volumes.statements.scope_of: complexes within reach",
    "alive_hour": "volumes.statements.scope_of: complexes within reach",
    "alive_month": "volumes.statements.scope_of: complexes within reach",
    "api_token": f"{ADMIN}; everybody their own",
    "audit_entry": f"audit_queries: {COMPLEX}",
    "building": HOUSEHOLD,
    "card": HOUSEHOLD,
    "card_assignment": HOUSEHOLD,
    "complex": "volumes.places.complexes: reach.within(complex.id)",
    "complex_day": "volumes.statements.scope_of and web.queries.complexes_today: complexes within reach",
    "complex_terms": BILLED,
    "complex_weight": BILLED,
    "contact_channel": OWN,
    "discharge": f"metering.queries.discharge_detail, web.queries.latest_discharges: {COMPLEX}",
    "discharge_correction": "read with its discharge",
    "dispute": BILLED,
    "dispute_event": "read with its dispute",
    "district": "the reader's own",
    "dong": "the whole district; of a complex, the dong it lies in",
    "earlier_month": HOUSEHOLD,
    "estimate": BILLED,
    "estimate_share": "read with its estimate",
    "fault": f"fleet.faults.queries: {COMPLEX}",
    "fault_duty": WHOLE,
    "fault_event": "read with its fault",
    "fault_mark": JUDGE,
    "fault_rule": WHOLE,
    "fault_watch": JUDGE,
    "fee_layout": BILLED,
    "gateway": GATEWAY,
    "gateway_card_list": UNREAD,
    "gateway_claim": GATEWAY,
    "gateway_command": f"{GATEWAY}; none of a gateway that ever ran a meter elsewhere",
    "gateway_epoch": GATEWAY,
    "gateway_event": f"{GATEWAY}; none of a gateway that ever ran a meter elsewhere",
    "gateway_key": f"{GATEWAY}; never the secret",
    "gateway_release": WHOLE,
    "gateway_status": GATEWAY,
    "household": HOUSEHOLD,
    "household_month": "volumes.households: households of complexes within reach",
    "import_batch": "what the reader took in",
    "import_change": "read with its batch",
    "import_upload": "what the reader uploaded",
    "incident": "fleet.faults.queries: incidents that a fault within reach belongs to",
    "installation_application": f"registry.installations: {COMPLEX}",
    "installation_step": "read with its application",
    "late_decision": WHOLE,
    "manual_adjustment": BILLED,
    "message": f"{OWN}; all of the district with fault:manage",
    "meter": METER,
    "meter_alive": "web.trend: meters that stand within reach",
    "meter_assignment": METER,
    "meter_hour": "volumes.statements.scope_of: complexes within reach",
    "opening_balance": HOUSEHOLD,
    "payment": BILLED,
    "quarantine": WHOLE,
    "quarantine_decision": WHOLE,
    "reducer": f"registry.devices: {COMPLEX}",
    "reported_volume": WHOLE,
    "resident": f"{HOUSEHOLD}, masked until revealed for a reason",
    "scale_certificate": METER,
    "scale_certificate_withdrawal": METER,
    "statement": BILLED,
    "statement_line": "read with its statement",
    "statement_run": BILLED,
    "statement_void": "read with its statement",
    "tariff": "tariffs are public: the whole district",
    "tenancy": HOUSEHOLD,
    "tenancy_class": BILLED,
    "unknown_card": UNREAD,
    "unknown_touch": f"fleet.touches: {COMPLEX}",
    "vendor": "reach.check_vendor",
}


def telling(table: sa.Table) -> set[str]:
    return TELLING & set(table.columns.keys())


def test_every_table_is_kept_apart_by_district() -> None:
    apart = {name for name, table in TABLES.items() if "district_id" in table.primary_key.columns}
    assert TABLES.keys() - apart == NO_DISTRICT.keys()


def test_nothing_is_unique_beyond_its_district() -> None:
    unique = {
        (name, tuple(column.name for column in constraint.columns))
        for name, table in TABLES.items()
        for constraint in [*table.constraints, *(index for index in table.indexes if index.unique)]
        if isinstance(constraint, (sa.UniqueConstraint, sa.Index))
    }
    assert {each for each in unique if "district_id" not in each[1]} == UNIQUE_BEYOND.keys()


def test_no_reference_leaves_its_district() -> None:
    loose = {
        (name, constraint.name)
        for name, table in TABLES.items()
        for constraint in table.foreign_key_constraints
        if constraint.referred_table.name != "district" and "district_id" not in constraint.columns
    }
    assert not loose


def test_every_table_that_tells_of_a_complex_or_a_person_says_how_it_is_narrowed() -> None:
    """A new one fails here until its reads are narrowed, and say so; the canaries then prove it."""
    assert {name for name, table in TABLES.items() if telling(table)} - NARROWED.keys() == set()
    assert NARROWED.keys() - TABLES.keys() == set()
