"""What a statement and a run are recognised by for ever: SHA-256 over their content as text, UTF-8.

A statement's text is one row of its fields (number, month, household, tenancy, payer class, grams, count, won), then
one of each line (place, kind, usage month, household, tenancy, grams, count, won, manual adjustment, detail); fields
stand between tabs, each row ends with a newline, what is missing is empty. A run's text is the row of RUN_FIELDS, then
the hash of each statement in hexadecimal, by serial. Neither holds when it was made, by whom, or the id of a run: what
was read alike has the same hash. The detail is JSON, in which tabs and newlines are escaped.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

RUN_FIELDS = (
    *("number", "complex_id", "month", "version", "scheme", "suspense", "sharing", "statements", "grams", "count"),
    *("lines_won", "suspense_g", "suspense_count", "suspense_won", "residue_won", "reissued_won", "won", "detail"),
)


def of_statement(fields: Sequence[str | int | date], lines: Iterable[Sequence[str | int | date | None]]) -> bytes:
    """The hash of a statement; fields and lines as above, in that order."""
    rows = ["\t".join(map(str, fields)), *("\t".join(map(_text, line)) for line in lines)]
    return hashlib.sha256(("\n".join(rows) + "\n").encode()).digest()


def of_run(fields: Mapping[str, Any], statements: Iterable[bytes]) -> bytes:
    """The hash of a run with the hashes of its statements, by serial."""
    rows = ["\t".join(str(fields[name]) for name in RUN_FIELDS), *(each.hex() for each in statements)]
    return hashlib.sha256(("\n".join(rows) + "\n").encode()).digest()


def _text(value: str | int | date | None) -> str:
    return "" if value is None else str(value)
