"""Tariffs and comparisons as programs read them, by the API and by commands with --json."""

import json
from typing import Any

from app.statements.terms.words import both
from billing.tariffs import Tariff

Row = dict[str, Any]


def plain_terms(tariff: Tariff) -> Row:
    """Terms as a tariff is written."""
    terms: Row = json.loads(tariff.as_json())
    return terms


def plain_tariff(row: Row) -> Row:
    """A row of `tariffs.listed`."""
    told = {name: value for name, value in row.items() if name != "tariff"}
    words = {name: both(row[name]) for name in ("prices", "conditions")}
    return told | words | {"terms": plain_terms(row["tariff"])}


def plain_result(found: Row, tariff: Tariff) -> Row:
    """What `what_if.compare` found, with the draft."""
    failed = [each | {"problem": each["problem"].slug} for each in found["failed"]]
    return found | {"month": f"{found['month']:%Y-%m}", "failed": failed, "terms": plain_terms(tariff)}
