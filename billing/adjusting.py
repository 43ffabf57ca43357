"""What a month that is billed already would cost now, less what it did: the lines that make up for it."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from billing.statements import Assessment, Line


class Billed(NamedTuple):
    """What a tenancy was billed for a month so far: the sums of its lines of final statements that were not voided."""

    household_id: int
    grams: int
    discharges: int
    won: int


def differences(
    assessment: Assessment,
    billed: Mapping[int, Billed],
    spared: Mapping[int, int] | None = None,
    replaced: Mapping[int, int] | None = None,
) -> list[Line]:
    """One `adjustment` line for each tenancy whose month, assessed with all that is known now, differs from `billed`.

    Grams, discharges and won of the line are what is added, or taken off. Nothing is said of a tenancy for which all
    three stay; one that was billed and is not assessed any more gets everything back. Statement + adjustments =
    assessment, by construction.

    `spared`: won of `billed` that a tenancy never had to pay, because an objection was accepted or the usage written
    off. What is taken off comes out of that first, so that nobody gets the same won back twice. `replaced`: won of a
    statement that these lines stand in the place of.
    """
    month = date.fromisoformat(assessment.detail["month"])
    now: dict[int, list[Line]] = {}
    for line in assessment.lines:
        now.setdefault(line.tenancy_id, []).append(line)
    gone = sorted(billed.keys() - now.keys())
    found = []
    for tenancy_id in [*now, *gone]:
        lines = now.get(tenancy_id, [])
        household_id = lines[0].household_id if lines else billed[tenancy_id].household_id
        old = billed.get(tenancy_id, Billed(household_id, 0, 0, 0))
        new = _sums(household_id, lines)
        fallen = new.won - old.won - (replaced or {}).get(tenancy_id, 0)
        kept = _kept(fallen, (spared or {}).get(tenancy_id, 0))
        line = _line(month, tenancy_id, old, new, lines, kept)
        if line.grams or line.discharges or line.won:
            found.append(line)
    return found


def _kept(change: int, spared: int) -> int:
    """What of a change in won was given before: of the other sign, never more than the change or what was given."""
    if change < 0 < spared:
        return min(spared, -change)
    return max(spared, -change) if spared < 0 < change else 0


def _sums(household_id: int, lines: list[Line]) -> Billed:
    grams, discharges = sum(line.grams for line in lines), sum(line.discharges for line in lines)
    return Billed(household_id, grams, discharges, sum(line.won for line in lines))


def _line(month: date, tenancy_id: int, old: Billed, new: Billed, lines: list[Line], kept: int) -> Line:
    """The difference, with both sides and the new lines in full, so that the new sum can be explained too."""
    grams, discharges, won = (after - before for before, after in zip(old[1:], new[1:], strict=True))
    detail: dict[str, Any] = {
        **{"old": _told(old), "new": _told(new)},
        "lines": [
            {name: getattr(line, name) for name in ("kind", "grams", "discharges", "won", "detail")} for line in lines
        ],
    }
    if kept:
        detail["kept"] = kept
    return Line("adjustment", month, new.household_id, tenancy_id, grams, discharges, won + kept, detail)


def _told(billed: Billed) -> dict[str, int]:
    return {"grams": billed.grams, "discharges": billed.discharges, "won": billed.won}
