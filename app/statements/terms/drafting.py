"""From what somebody wrote to a tariff, and what an example month would cost by it."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from app.problems import Problem
from app.statements.terms.words import lazily
from billing.days import month_of
from billing.explaining import explain
from billing.statements import GENERAL, ComplexMonth, Line, Part, Used, assess
from billing.tariffs import Span, Tariff
from billing.words import Refused, Words

EXAMPLE_G = 12_400  # what a household of the first district throws away in a month: some 400 g a day
EXAMPLE_DAYS = 31
TABLE_G = (5_000, EXAMPLE_G, 20_000, 30_000, 50_000)


def tariff_of(first_day: date, terms: Mapping[str, Any]) -> Tariff:
    """A draft from terms as `Tariff.as_json` names them; raises the Problem `invalid`, which says what is wrong."""
    try:
        return Tariff.from_json(0, first_day, json.dumps(terms))
    except Refused as refused:
        raise Problem("invalid", errors={"terms": lazily(refused.words)}) from None


def example(tariff: Tariff, grams: int = EXAMPLE_G) -> tuple[int, list[Words]]:
    """What a household owes for a month of so many grams, one discharge a day, and why."""
    line = _line(tariff, grams)
    return line.won, explain(line, {tariff.id: tariff})


def table(tariff: Tariff) -> list[tuple[int, int]]:
    """Grams of example months and their won."""
    return [(grams, _line(tariff, grams).won) for grams in TABLE_G]


def _line(tariff: Tariff, grams: int) -> Line:
    day = month_of(tariff.first_day)
    each, rest = divmod(grams, EXAMPLE_DAYS)
    weights = ((each, EXAMPLE_DAYS - rest), (each + 1, rest))
    used = Used(grams, EXAMPLE_DAYS, tuple(weight for weight in weights if weight[1]))
    part = Part(1, 1, GENERAL, EXAMPLE_DAYS, (used,))
    spans, by_class = (Span(day, day),), {GENERAL: (tariff,)}
    month = ComplexMonth(day, "household", "not_billed", "equal", spans, by_class, [part], (Used(0, 0),))
    return assess(month).lines[0]
