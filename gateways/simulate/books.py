"""Whether what was booked is what the scales showed: conservation of mass, nothing lost, nothing doubled. Pure.

Per meter the records in order must tell of every change of the bin's weight: the sum of their nets is the true change
within the scale's step for each record. A weight that a record lacks (unsettled, aborted) is resolved by the next known
one, or the one before. Each true drop must be some record's, and no record that bills may be without a drop.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateways.simulate.truth import Drop

BILLED: Final = frozenset({"settled", "late_close"})
# Outcomes that a drop must lie behind.
DEPOSITS: Final = frozenset({*BILLED, "recovered"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A record as booked; `card` is the hash, weights are grams. (gateway, epoch, seq) names it."""

    gateway: str
    epoch: str
    seq: int
    meter: str
    card: str | None
    outcome: str
    before_g: int | None
    after_g: int | None
    net_g: int | None


@dataclass(frozen=True, slots=True)
class MeterBalance:
    """One meter's account in grams: what records say by kind, against the true change of the bin's weight."""

    meter: str
    true_g: int
    billed_g: int
    recovered_g: int
    resolved_g: int
    collected_g: int
    other_g: int
    records: int
    allowed_g: int

    @property
    def difference_g(self) -> int:
        """Return what the records say more than is true."""
        return self.billed_g + self.recovered_g + self.resolved_g + self.collected_g + self.other_g - self.true_g

    @property
    def is_even(self) -> bool:
        """Whether the difference lies within the scale's step."""
        return abs(self.difference_g) <= self.allowed_g


@dataclass(slots=True)
class Books:
    """The whole comparison; `violations` are sentences, empty if all is well."""

    meters: list[MeterBalance] = field(default_factory=list)
    drops: int = 0
    records: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    lost: list[Drop] = field(default_factory=list)
    invented: list[Entry] = field(default_factory=list)
    doubled: list[Entry] = field(default_factory=list)
    miscarded: list[str] = field(default_factory=list)

    @property
    def violations(self) -> list[str]:
        """Return what must not be."""
        return [
            *(f"lost: {drop.grams} g at {drop.meter}, {drop.at}" for drop in self.lost),
            *(f"without a drop: {_named(entry)}" for entry in self.invented),
            *(f"twice: {_named(entry)}" for entry in self.doubled),
            *(f"{m.meter}: {m.difference_g:+d} g, allowed {m.allowed_g}" for m in self.meters if not m.is_even),
            *self.miscarded,
        ]


def _named(entry: Entry) -> str:
    return f"{entry.gateway}/{entry.epoch}/{entry.seq} {entry.outcome} {entry.net_g} g at {entry.meter}"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Grams by which a scale may differ from the truth: in each record, and by drift while the box was off."""

    step_g: int = 10
    drift_g: int = 0

    def of(self, entry: Entry) -> int:
        """Return what a record's net may be off by: only what is billed was weighed within minutes."""
        return self.step_g if entry.outcome in BILLED else self.step_g + self.drift_g


def compare(
    truth: Iterable[Drop], entries: Sequence[Entry], initial_g: dict[str, int], tolerance: Tolerance | None = None
) -> Books:
    """Hold the records (in the order of their numbers) against the truth (in order).

    `initial_g` are the bins' weights before both begin, 0 where missing.
    """
    allowed = tolerance or Tolerance()
    changes, booked = defaultdict(list), defaultdict(list)
    books = Books()
    for change in truth:
        changes[change.meter].append(change)
        books.drops += change.kind == "drop"
    for entry in _once(entries, books):
        booked[entry.meter].append(entry)
        books.outcomes[entry.outcome] = books.outcomes.get(entry.outcome, 0) + 1
    for meter in sorted({*changes, *booked}):
        start = initial_g.get(meter, 0)
        books.meters.append(_balance(meter, start, changes[meter], booked[meter], allowed))
        billed = _match(changes[meter], booked[meter], books, allowed)
        _check_cards(meter, billed, booked[meter], books, allowed)
    return books


def _once(entries: Iterable[Entry], books: Books) -> Iterable[Entry]:
    seen: set[tuple[str, str, int]] = set()
    for entry in entries:
        books.records += 1
        name = (entry.gateway, entry.epoch, entry.seq)
        if name in seen:
            books.doubled.append(entry)
        else:
            seen.add(name)
            yield entry


def _balance(
    meter: str, start: int, changes: Sequence[Drop], entries: Sequence[Entry], tolerance: Tolerance
) -> MeterBalance:
    sums = {"billed": 0, "recovered": 0, "resolved": 0, "collected": 0, "other": 0}
    end = changes[-1].gross_g if changes else start
    slow = 0  # records between whose weights hours may lie
    here = start
    for entry, following in zip(entries, _known_after(entries, end), strict=True):
        before = here if entry.before_g is None else entry.before_g
        here = following if entry.after_g is None else entry.after_g
        is_weighed = entry.before_g is not None and entry.after_g is not None
        sums[_kind(entry) if is_weighed else "resolved"] += here - before
        slow += not is_weighed or entry.outcome == "recovered"
    return MeterBalance(
        meter=meter,
        true_g=end - start,
        billed_g=sums["billed"],
        recovered_g=sums["recovered"],
        resolved_g=sums["resolved"],
        collected_g=sums["collected"],
        other_g=sums["other"],
        records=len(entries),
        allowed_g=tolerance.step_g * len(entries) + tolerance.drift_g * slow,
    )


def _known_after(entries: Sequence[Entry], end: int) -> list[int]:
    """For each record the first weight that is known after it, in grams."""
    known, following = [], end
    for entry in reversed(entries):
        known.append(following)
        following = next(g for g in (entry.before_g, entry.after_g, following) if g is not None)
    return known[::-1]


def _kind(entry: Entry) -> str:
    if entry.outcome in BILLED:
        return "billed"
    return {"recovered": "recovered", "collection": "collected"}.get(entry.outcome, "other")


def _match(
    changes: Sequence[Drop], entries: Sequence[Entry], books: Books, tolerance: Tolerance
) -> list[tuple[Drop, Entry]]:
    """Give each drop to a record: weighed deposits take theirs in order, what lies between goes to unweighed ones."""
    drops = [change for change in changes if change.kind == "drop"]
    deposits = [index for index, entry in enumerate(entries) if entry.outcome in DEPOSITS]
    fits = [(at, deposits[nth]) for at, nth in _align(drops, [entries[index] for index in deposits], tolerance)]
    taken = {index for _, index in fits}
    books.invented += [entries[i] for i in deposits if i not in taken and not _is_drift(entries[i], tolerance)]
    drop_from = entry_from = 0
    for drop_to, entry_to in [*fits, (len(drops), len(entries))]:
        claims = [entry for entry in entries[entry_from:entry_to] if entry.outcome not in DEPOSITS]
        books.lost += _claim(drops[drop_from:drop_to], claims, tolerance)
        drop_from, entry_from = drop_to + 1, entry_to + 1
    return [(drops[at], entries[index]) for at, index in fits]


def _is_drift(entry: Entry, tolerance: Tolerance) -> bool:
    return entry.outcome not in BILLED and (entry.net_g or 0) <= tolerance.drift_g


def _align(drops: Sequence[Drop], deposits: Sequence[Entry], tolerance: Tolerance) -> list[tuple[int, int]]:
    """Return the most pairs of a drop and the deposit that tells of it, both in order (longest common subsequence)."""
    start = 0
    while start < min(len(drops), len(deposits)) and _fits(drops[start], deposits[start], tolerance):
        start += 1
    rows, columns = len(drops) - start, len(deposits) - start
    longest = [[0] * (columns + 1) for _ in range(rows + 1)]
    for row in reversed(range(rows)):
        for column in reversed(range(columns)):
            longest[row][column] = (
                longest[row + 1][column + 1] + 1
                if _fits(drops[start + row], deposits[start + column], tolerance)
                else max(longest[row + 1][column], longest[row][column + 1])
            )
    return [(at, at) for at in range(start)] + [
        (start + row, start + column) for row, column in _walk(longest, rows, columns)
    ]


def _walk(longest: list[list[int]], rows: int, columns: int) -> Iterator[tuple[int, int]]:
    row = column = 0
    while row < rows and column < columns:
        here = longest[row][column]
        if longest[row + 1][column] == here:
            row += 1
        elif longest[row][column + 1] == here:
            column += 1
        else:
            yield row, column
            row, column = row + 1, column + 1


def _fits(drop: Drop, entry: Entry, tolerance: Tolerance) -> bool:
    return _is_of(drop, entry) and abs(drop.grams - (entry.net_g or 0)) <= tolerance.of(entry)


def _is_of(drop: Drop, entry: Entry) -> bool:
    return drop.card is not None and drop.card.hash == entry.card


def _claim(drops: Sequence[Drop], claims: list[Entry], tolerance: Tolerance) -> list[Drop]:
    """Take for each drop the first record that may tell of it; return the drops that nobody tells of."""
    lost = []
    for drop in drops:
        claim = next((entry for entry in claims if _tells_of(entry, drop, tolerance)), None)
        if claim is None:
            lost.append(drop)
        else:
            del claims[: claims.index(claim) + 1]
    return lost


def _tells_of(entry: Entry, drop: Drop, tolerance: Tolerance) -> bool:
    if entry.card is not None and not _is_of(drop, entry):
        return False
    return entry.net_g is None or abs(entry.net_g - drop.grams) <= tolerance.of(entry)


def _check_cards(
    meter: str, matched: Sequence[tuple[Drop, Entry]], entries: Sequence[Entry], books: Books, tolerance: Tolerance
) -> None:
    """Compare the billed grams of each card with what its owner threw in and had billed."""
    true: dict[str, int] = defaultdict(int)
    count: dict[str, int] = defaultdict(int)
    billed: dict[str, int] = defaultdict(int)
    for drop, entry in matched:
        if entry.outcome in BILLED and entry.card is not None:
            true[entry.card] += drop.grams
            count[entry.card] += 1
    for entry in entries:
        if entry.outcome in BILLED and entry.card is not None:
            billed[entry.card] += entry.net_g or 0
    for card, grams in billed.items():
        if abs(grams - true[card]) > tolerance.step_g * count[card]:
            books.miscarded.append(f"{meter}: card {card[:8]}… billed {grams} g for {true[card]} g")
