"""From what a complex's households discharged in a month to the lines that they owe."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from billing.rating import Rated, Rater, Step
from billing.rating import Used as Used
from billing.sharing import share
from billing.tariffs import Span, Tariff, Tier
from billing.units import rounded

NOTHING = Decimal(0)
GENERAL = "general"  # the payer class of everybody who belongs to no other one


class Basis(NamedTuple):
    """What an estimate rests on: `basis_g` in `basis_days` days, carried over to its own days (both ends included)."""

    first_day: date
    last_day: date
    basis_first_day: date
    basis_last_day: date
    basis_g: int
    basis_days: int
    expected_g: int
    weighed_g: int


class Estimated(NamedTuple):
    """Weight of a span that no scale saw: `grams` more than what was weighed on the estimate's days."""

    estimate_id: int
    span: int
    grams: int
    basis: Basis | None = None


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
    """The lines of all parts, in their order, and the complex's sums: won = lines + suspense shares + residue.

    `detail` (as JSON takes it) says what the sums follow from: `month`, `exact`, `won`, `parts` and for suspense that
    is shared or a complex that is billed as a whole the `steps`.
    """

    lines: list[Line]
    suspense_g: int
    suspense_count: int
    suspense_won: int
    residue_won: int
    exact_won: Decimal
    detail: dict[str, Any]


def assess(complex_month: ComplexMonth) -> Assessment:
    """The lines of a complex's month by its scheme. Order of discharges does not matter; of parts, only for ties.

    `household` and `prepaid`: each household for its own weight, and a share of the suspense where that is shared;
    the residue is what rounding each household for itself lost against rounding the complex once. `complex`: the
    complex's weight is rated once and shared.
    """
    return _of_the_whole(complex_month) if complex_month.scheme == "complex" else _of_households(complex_month)


def _of_households(complex_month: ComplexMonth) -> Assessment:
    raters = {payer_class: Rater(tariffs) for payer_class, tariffs in complex_month.tariffs.items()}
    groups: dict[tuple[int, str], list[int]] = {}
    for place, part in enumerate(complex_month.parts):
        groups.setdefault((part.household_id, part.payer_class), []).append(place)
    lines: list[list[Line]] = [[]] * len(complex_month.parts)
    exact = NOTHING
    for (_, payer_class), places in groups.items():
        parts = [complex_month.parts[place] for place in places]
        rated, found = _usage_lines(complex_month, raters[payer_class], parts)
        exact += rated.exact
        for place, those in zip(places, found, strict=True):
            lines[place] = those
    suspense = _suspense(complex_month)
    if suspense:
        exact += suspense.exact
        _add_shares(complex_month, suspense, lines)
    last = complex_month.tariffs[GENERAL][-1]
    total = rounded(exact, last.rounding, last.round_to_won)
    return _assessment(complex_month, lines, exact, total, suspense)


def _usage_lines(complex_month: ComplexMonth, rater: Rater, parts: list[Part]) -> tuple[Rated, list[list[Line]]]:
    """What the tenancies of a household owe for its weight, which is rated as a whole: one list of lines for each."""
    if len(parts) > 1 or parts[0].estimated:
        return _parted_lines(complex_month, rater, parts)
    part = parts[0]
    used = _joined(part.used)
    rated = rater.rate(part.used)
    return rated, [[_line("usage", complex_month, part, used, rated.won, {"steps": _told(rated.steps)})]]


def _parted_lines(complex_month: ComplexMonth, rater: Rater, parts: list[Part]) -> tuple[Rated, list[list[Line]]]:
    """The same where the won are shared: by grams, between tenancies and between what was weighed and estimated.

    Where each discharge is paid by itself, each tenancy's own.
    """
    rated = rater.rate(_by_span(parts), _estimated_by_span(complex_month, parts))
    used = [_joined(part.used) for part in parts]
    weights = [
        weight for part, own in zip(parts, used, strict=True) for weight in (own.grams, *_estimates(part).values())
    ]
    shares = iter(_at_each(rater, parts) or (share(rated.won, weights) if any(weights) else weights))
    whole = {
        **{"grams": sum(weights), "estimated_g": sum(weights) - sum(own.grams for own in used)},
        **{"discharges": sum(own.discharges for own in used), "won": rated.won},
    }
    detail = {"steps": _told(rated.steps), "whole": whole}
    found = []
    for part, own in zip(parts, used, strict=True):
        those = [_line("usage", complex_month, part, own, next(shares), detail)]
        for number, grams in _estimates(part).items():
            told = detail | {"estimate": number, "basis": _basis(part, number)}
            those.append(_line("estimated", complex_month, part, Used(grams, 0), next(shares), told))
        found.append(those)
    return rated, found


def _at_each(rater: Rater, parts: list[Part]) -> list[int] | None:
    """What each tenancy paid, where every discharge was paid by itself; None where a whole month is rated."""
    if any(part.estimated for part in parts) or any(each.rounded_at != "discharge" for each in rater.tariffs):
        return None
    return [rater.rate(part.used).won for part in parts]


def _suspense(complex_month: ComplexMonth) -> Rated | None:
    """What the suspense costs at the general tariff's lowest tier, where its households share it."""
    if complex_month.suspense_policy != "shared" or not complex_month.parts:
        return None
    rated = Rater([_lowest(tariff) for tariff in complex_month.tariffs[GENERAL]]).rate(complex_month.suspense)
    return rated if rated.won or rated.exact else None


def _lowest(tariff: Tariff) -> Tariff:
    return replace(tariff, tiers=(Tier(0, tariff.tiers[0].won_per_kg),), free_g=0, relief_percent=NOTHING)


def _add_shares(complex_month: ComplexMonth, suspense: Rated, lines: list[list[Line]]) -> None:
    """A share of the suspense for every part that has a weight in it, 0 won included."""
    by, weights = _sharing(complex_month)
    used = _joined(complex_month.suspense)
    detail = {
        **{"by": by, "all": sum(weights), "won": suspense.won},
        **{"grams": used.grams, "estimated_g": 0, "discharges": used.discharges, "steps": _told(suspense.steps)},
    }
    shares = share(suspense.won, weights)
    for part, own, won, those in zip(complex_month.parts, weights, shares, lines, strict=True):
        if own:
            those.append(_line("suspense_share", complex_month, part, Used(0, 0), won, {"own": own, **detail}))


def _of_the_whole(complex_month: ComplexMonth) -> Assessment:
    """Lines that share what the complex's whole weight costs at the general tariff (Guro's way)."""
    parts = complex_month.parts
    used, estimated = _by_span([*parts, _nobody(complex_month)]), _estimated_by_span(complex_month, parts)
    if complex_month.weighed_elsewhere_g is not None:
        used, estimated = _spread(complex_month, used), []
    rated = Rater(complex_month.tariffs[GENERAL]).rate(used, estimated)
    by, weights = _sharing(complex_month)
    whole = _joined(used)
    detail = {
        **{"by": by, "all": sum(weights), "won": rated.won, "grams": whole.grams + sum(estimated)},
        "estimated_g": sum(estimated),
        **{"discharges": whole.discharges, "steps": _told(rated.steps)},
        "elsewhere": complex_month.weighed_elsewhere_g is not None,
    }
    shares = share(rated.won, weights) if parts else []
    lines = []
    for part, own, won in zip(parts, weights, shares, strict=True):
        those = [_line("complex_share", complex_month, part, _joined(part.used), won, {"own": own, **detail})]
        for number, grams in _estimates(part).items():
            told = {"steps": [], "estimate": number, "basis": _basis(part, number), "elsewhere": detail["elsewhere"]}
            those.append(_line("estimated", complex_month, part, Used(grams, 0), 0, told))
        lines.append(those)
    return _assessment(complex_month, lines, rated.exact, rated.won, None)


def _assessment(
    complex_month: ComplexMonth, lines: list[list[Line]], exact: Decimal, total: int, suspense: Rated | None
) -> Assessment:
    listed = [line for those in lines for line in those]
    used, shared = _joined(complex_month.suspense), suspense.won if suspense else 0
    rounded_by = complex_month.tariffs[GENERAL][-1].id
    detail = {
        **{"month": complex_month.month.isoformat(), "exact": str(exact), "won": total, "rounded_by": rounded_by},
        **{"scheme": complex_month.scheme, "suspense_policy": complex_month.suspense_policy},
        "suspense_steps": _told(suspense.steps) if suspense else [],
    }
    residue = total - sum(line.won for line in listed)
    return Assessment(listed, used.grams, used.discharges, shared, residue, exact, detail)


def _sharing(complex_month: ComplexMonth) -> tuple[str, list[int]]:
    """By what won are shared, and each part's weight in it: days lived where nothing else says more."""
    by_weight = [_joined(part.used).grams + sum(_estimates(part).values()) for part in complex_month.parts]
    if complex_month.sharing == "weight" and any(by_weight):
        return "weight", by_weight
    by_days = [part.days for part in complex_month.parts]
    return ("days", by_days) if any(by_days) else ("parts", [1] * len(by_days))


def _spread(complex_month: ComplexMonth, used: Sequence[Used]) -> tuple[Used, ...]:
    """What was weighed elsewhere, laid over the spans as what the meters weighed or, where that is nothing, by days."""
    weighed = [each.grams for each in used]
    days = [(span.end - span.first_day).days for span in complex_month.spans]
    shares = share(complex_month.weighed_elsewhere_g or 0, weighed if any(weighed) else days)
    return tuple(Used(grams, 0, ((grams, 1),)) for grams in shares)


def _nobody(complex_month: ComplexMonth) -> Part:
    """The suspense as if it were a part, to be added up with the others."""
    return Part(0, 0, GENERAL, 0, complex_month.suspense)


def _joined(used: Sequence[Used]) -> Used:
    """Several weights as one; that of each discharge is left out."""
    if len(used) == 1:
        return used[0]
    return Used(sum(each.grams for each in used), sum(each.discharges for each in used))


def _by_span(parts: Sequence[Part]) -> tuple[Used, ...]:
    """What the parts discharged together in each span."""
    return tuple(
        Used(
            sum(each.grams for each in spans),
            sum(each.discharges for each in spans),
            tuple(weight for each in spans for weight in each.weights),
        )
        for spans in zip(*(part.used for part in parts), strict=True)
    )


def _estimated_by_span(complex_month: ComplexMonth, parts: Sequence[Part]) -> list[int]:
    grams = [0] * len(complex_month.spans)
    for part in parts:
        for each in part.estimated:
            grams[each.span] += each.grams
    return grams


def _estimates(part: Part) -> dict[int, int]:
    """Grams by estimate; one that reaches over a price change stands in several spans."""
    grams: dict[int, int] = {}
    for each in part.estimated:
        grams[each.estimate_id] = grams.get(each.estimate_id, 0) + each.grams
    return grams


def _basis(part: Part, number: int) -> dict[str, Any] | None:
    """What the estimate rests on, as JSON takes it; None where that was not told."""
    basis = next(each.basis for each in part.estimated if each.estimate_id == number)
    if basis is None:
        return None
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in basis._asdict().items()}


def _told(steps: Sequence[Step]) -> list[list[int | str]]:
    """Steps as JSON takes them: tariff, tier, grams, exact won."""
    return [[tariff, tier, grams, str(won)] for tariff, tier, grams, won in steps]


def _line(kind: str, complex_month: ComplexMonth, part: Part, used: Used, won: int, detail: dict[str, Any]) -> Line:
    month = complex_month.month
    return Line(kind, month, part.household_id, part.tenancy_id, used.grams, used.discharges, won, detail)
