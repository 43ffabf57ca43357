"""From what a complex's households discharged in a month to the lines that they owe."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from billing.tariffs import Span, Tariff


class Used(NamedTuple):
    """Weight of a span. `weights` ((grams, how many discharges) …) is given where the tariff rounds each discharge."""

    grams: int
    discharges: int
    weights: tuple[tuple[int, int], ...] = ()


class Estimated(NamedTuple):
    """Weight of a span that no scale saw: `grams` more than what was weighed on the estimate's days."""

    estimate_id: int
    span: int
    grams: int


class Part(NamedTuple):
    """What one tenancy of a household did in the month, span by span; `days` of it it lived there."""

    household_id: int
    tenancy_id: int
    payer_class: str
    days: int
    used: tuple[Used, ...]
    estimated: tuple[Estimated, ...] = ()


class ComplexMonth(NamedTuple):
    """All that a complex's month is billed from. `tariffs` by payer class, one for each span."""

    month: date
    scheme: str
    suspense_policy: str
    sharing: str
    spans: tuple[Span, ...]
    tariffs: Mapping[str, tuple[Tariff, ...]]
    parts: Sequence[Part]
    suspense: tuple[Used, ...]
    weighed_elsewhere_g: int | None = None


class Line(NamedTuple):
    """A line of a statement; `detail` is what its won follow from, as JSON takes it."""

    kind: str
    usage_month: date
    household_id: int
    tenancy_id: int
    grams: int
    discharges: int
    won: int
    detail: dict[str, Any]


class Assessment(NamedTuple):
    """The lines of all parts, in their order, and the complex's sums: won = lines + suspense shares + residue."""

    lines: list[Line]
    suspense_g: int
    suspense_count: int
    suspense_won: int
    residue_won: int
    exact_won: Decimal
    detail: dict[str, Any]
