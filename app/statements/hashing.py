"""What a statement and a run are recognised by for ever: SHA-256 over their content as text, UTF-8.

A statement's text is one row of its fields (number, month, household, tenancy, payer class, grams, count, won), then
one of each line (place, kind, usage month, household, tenancy, grams, count, won, manual adjustment, detail); fields
stand between tabs, each row ends with a newline, what is missing is empty. A run's text is the row of RUN_FIELDS, then
the hash of each statement in hexadecimal, by serial. Neither holds when it was made, by whom, or the id of a run: what
was read alike has the same hash. The detail is JSON, in which tabs and newlines are escaped.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from app.statements.storing import LineRow

RUN_FIELDS = (
    *("number", "complex_id", "month", "version", "scheme", "suspense", "sharing", "statements", "grams", "count"),
    *("lines_won", "suspense_g", "suspense_count", "suspense_won", "residue_won", "reissued_won", "won", "detail"),
)


Fields = tuple[str, date, int, int, str, int, int, int]


def of_statement(fields: Fields, lines: Iterable[LineRow]) -> bytes:
    """The hash of a statement; fields in the order above."""
    # Written out, not looped: it runs for every statement.
    number, month, household_id, tenancy_id, payer_class, grams, count, won = fields
    text = [f"{number}\t{month}\t{household_id}\t{tenancy_id}\t{payer_class}\t{grams}\t{count}\t{won}\n"]
    for _, _, _, place, kind, usage_month, household, tenancy, weight, discharges, due, adjustment, detail in lines:
        manual = "" if adjustment is None else adjustment
        said = f"{place}\t{kind}\t{usage_month}\t{household}\t{tenancy}"
        text.append(f"{said}\t{weight}\t{discharges}\t{due}\t{manual}\t{detail}\n")
    return hashlib.sha256("".join(text).encode()).digest()


def of_run(fields: Mapping[str, Any], statements: Iterable[bytes]) -> bytes:
    """The hash of a run with the hashes of its statements, by serial."""
    rows = ["\t".join(str(fields[name]) for name in RUN_FIELDS), *(each.hex() for each in statements)]
    return hashlib.sha256(("\n".join(rows) + "\n").encode()).digest()
