"""Households, tenancies and cards of a file, compared with the registry. docs/imports.md tells every rule.

Tenancies are taken in order of their beginning, each row accepted or refused for good: whatever it is refused for has
been accepted before, so that a second import of the same file decides the same and changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.access.reach import WHOLE, Reach
from app.registry.imports.changes import Rows, new_ids
from app.registry.imports.holdings import NEW, Chip, Held, Holdings, Place, Stay, Unit, attach, load, overlaps
from app.registry.imports.household_rows import Group, Line, read_groups
from app.registry.imports.masking import mask
from app.registry.imports.report import Report, Update
from app.registry.imports.sheets import Sheet
from app.registry.imports.words import shown
from app.registry.models import District
from app.texts import Text

IN_REGISTRY = Text("등록된 내용", "in the registry")
FROM = Text("{start}부터", "from {start} on")
FROM_TO = Text("{start} – {end}", "{start} – {end}")
ON_LINE = Text("{line}번째 줄", "line {line}")

Blocked = tuple[str, dict[str, Any]]


def compare(session: Session, district: District, sheet: Sheet, report: Report, reach: Reach = WHOLE) -> Rows:
    """What has to be created; the report receives what has to be updated, and which rows cannot be used.

    A complex outside of the reach is as unknown as one that is not there.
    """
    plan = Plan(load(session, district.id, reach), report)
    groups = read_groups(sheet, district.card_key, report)
    for group in groups:
        plan.take(group)
    report.skipped.sort(key=lambda note: note.line or 0)
    report.totals = plan.totals
    created = plan.rows(session, district.id)
    report.created |= {table: len(rows) for table, rows in created.items() if rows}
    return created


@dataclass
class Plan:
    """The registry in memory, with what the file adds to it."""

    holdings: Holdings
    report: Report
    new_places: list[Place] = field(default_factory=list)
    new_units: list[Unit] = field(default_factory=list)
    new_stays: list[Stay] = field(default_factory=list)
    new_chips: list[Chip] = field(default_factory=list)
    new_held: list[Held] = field(default_factory=list)
    new_residents: list[Stay] = field(default_factory=list)
    used_units: set[Unit] = field(default_factory=set)
    used_stays: int = 0
    used_chips: set[bytes] = field(default_factory=set)

    @property
    def totals(self) -> dict[str, int]:
        return {"households": len(self.used_units), "tenancies": self.used_stays, "cards": len(self.used_chips)}

    def take(self, group: Group) -> None:
        """Accept the rows of a tenancy, or tell why not."""
        first = group.lines[0]
        unit = self._unit(first)
        if unit is None:
            self._skip(group.lines, "unknown_complex", {"code": mask(first.complex_code)})
            return
        stay = next((each for each in unit.stays if each.start == group.start), None)
        stay = stay or Stay(NEW, unit, group.start, group.end, first.line)
        end = group.end or stay.end
        blocked = _blocked(stay, end)
        if blocked:
            self._skip(group.lines, *blocked)
            return
        accepted = list(self._accepted(group, stay, end))
        if accepted:
            self._keep(stay, end, accepted, group)

    def _unit(self, line: Line) -> Unit | None:
        """The household of a row, a new one if need be; None where the complex is unknown."""
        complex_id = self.holdings.complexes.get(line.complex_code)
        if complex_id is None:
            return None
        place = self.holdings.places.get((line.complex_code, line.building))
        place = place or Place(NEW, complex_id, line.complex_code, line.building)
        return self.holdings.units.get((line.complex_code, line.building, line.unit)) or Unit(NEW, place, line.unit)

    def _accepted(self, group: Group, stay: Stay, end: datetime | None) -> Iterator[Line]:
        seen: dict[bytes | None, int] = {}
        for line in group.lines:
            hash_ = line.card.hash if line.card else None
            chip = self.holdings.chips.get(hash_) if hash_ else None
            taken = _taken(chip, stay, stay.start, end) if chip else None
            if hash_ in seen:
                self._skip([line], "same_line", {"other_line": seen[hash_]})
            elif taken:
                self._skip([line], *taken)
            else:
                seen[hash_] = line.line
                yield line

    def _keep(self, stay: Stay, end: datetime | None, accepted: list[Line], group: Group) -> None:
        if stay.id == NEW:
            self._register(stay)
        elif stay.end != end:
            self._end(stay, end, accepted[0])
        elif group.end is None and end is not None:
            first = accepted[0]
            self.report.note(first.line, first.subject, "end_kept", moved_out=shown(end))
        self.used_units.add(stay.unit)
        self.used_stays += 1
        self._introduce(stay, accepted)
        for line in accepted:
            if line.card:
                self.used_chips.add(line.card.hash)
                self._assign(stay, line)

    def _introduce(self, stay: Stay, accepted: list[Line]) -> None:
        """Store who lives there, where nobody is known yet: what people entered since is never overwritten."""
        told = next((line.resident for line in accepted if line.resident), None)
        if told is not None and stay.resident is None:
            stay.resident = told
            self.new_residents.append(stay)
        elif told not in (None, stay.resident):
            self.report.note(accepted[0].line, accepted[0].subject, "resident_kept")

    def _register(self, stay: Stay) -> None:
        unit, place = stay.unit, stay.unit.place
        if (place.complex_code, place.name) not in self.holdings.places:
            self.holdings.places[place.complex_code, place.name] = place
            self.new_places.append(place)
        if unit.id == NEW and not unit.stays:
            self.holdings.units[place.complex_code, place.name, unit.name] = unit
            self.new_units.append(unit)
        unit.stays.append(stay)
        self.new_stays.append(stay)

    def _end(self, stay: Stay, end: datetime | None, line: Line) -> None:
        """The end of a tenancy moves, and with it the end of the cards that were held until then."""
        self._update("tenancy", stay.id, line, stay.end, end)
        for held in stay.held:
            moved = _moved_end(held, stay, end)
            if moved != held.end:
                self._update("card_assignment", held.id, line, held.end, moved)
                held.end = moved
        stay.end = end

    def _update(self, table: str, key: int, line: Line, old: datetime | None, new: datetime | None) -> None:
        self.report.updates.append(Update(table, key, line.line, line.subject, {"valid_to": (old, new)}))

    def _assign(self, stay: Stay, line: Line) -> None:
        assert line.card
        chip = self.holdings.chips.get(line.card.hash)
        if chip is None:
            chip = self.holdings.chips[line.card.hash] = Chip(NEW, *line.card)
            self.new_chips.append(chip)
        if all(held.stay is not stay for held in chip.held):
            held = Held(NEW, chip, stay, stay.start, stay.end, line.line)
            attach(held)
            self.new_held.append(held)

    def _skip(self, lines: list[Line], reason: str, values: dict[str, Any]) -> None:
        for line in lines:
            self.report.skip(line.line, line.subject, reason, **values)

    def rows(self, session: Session, district_id: int) -> Rows:
        """Give everything new its id; then the rows to insert."""
        made: dict[str, list[Any]] = {
            "building": self.new_places,
            "household": self.new_units,
            "tenancy": self.new_stays,
            "card": self.new_chips,
            "card_assignment": self.new_held,
        }
        for table, things in made.items():
            for thing, id_ in zip(things, new_ids(session, district_id, table, len(things)), strict=True):
                thing.id = id_
        rows = {
            table: [{"district_id": district_id, **_row(thing)} for thing in things] for table, things in made.items()
        }
        rows["resident"] = [
            {"district_id": district_id, "tenancy_id": stay.id, **stay.resident._asdict()}
            for stay in self.new_residents
            if stay.resident
        ]
        return rows


def _row(thing: Place | Unit | Stay | Chip | Held) -> dict[str, Any]:
    match thing:
        case Place():
            return {"id": thing.id, "complex_id": thing.complex_id, "name": thing.name}
        case Unit():
            place = thing.place
            return {"id": thing.id, "complex_id": place.complex_id, "building_id": place.id, "unit": thing.name}
        case Stay():
            return {
                "id": thing.id,
                "household_id": thing.unit.id,
                "valid_from": thing.start,
                "valid_to": thing.end,
            }
        case Chip():
            return {"id": thing.id, "card_hash": thing.hash, "last4": thing.last4}
        case Held():
            return {
                "id": thing.id,
                "card_id": thing.chip.id,
                "tenancy_id": thing.stay.id,
                "valid_from": thing.start,
                "valid_to": thing.end,
            }


def _blocked(stay: Stay, end: datetime | None) -> Blocked | None:
    """Why the tenancy cannot last from its start to `end`, or None."""
    for other in stay.unit.stays:
        if other is not stay and overlaps(stay.start, end, other.start, other.end):
            span = {"span": _span(stay.start, end), "other": _span(other.start, other.end)}
            return "tenancy_overlap", {**span, "where": _where(other.line)}
    if end == stay.end:
        return None
    for held in stay.held:
        moved = _moved_end(held, stay, end)
        if moved and moved <= held.start:
            dates = {"moved_out": shown(end), "start": shown(held.start)}
            return "card_after_end", {**dates, "card": _card(held.chip)}
        if taken := _taken(held.chip, stay, held.start, moved):
            return taken
    return None


def _taken(chip: Chip, stay: Stay, start: datetime, end: datetime | None) -> Blocked | None:
    """Why the card cannot belong to this tenancy during that time, or None."""
    for other in chip.held:
        if other.stay is not stay and overlaps(start, end, other.start, other.end):
            values = {"card": _card(chip), "holder": other.stay.unit.subject, "where": _where(other.line)}
            return "card_taken", {**values, "other": _span(other.start, other.end)}
    return None


def _moved_end(held: Held, stay: Stay, end: datetime | None) -> datetime | None:
    """A card held to the end of the tenancy follows it; one that was handed back earlier does not."""
    if held.end is None or held.end == stay.end or (end is not None and held.end > end):
        return end
    return held.end


def _span(start: datetime, end: datetime | None) -> Text:
    return (FROM_TO if end else FROM).fill(start=shown(start), end=shown(end))


def _where(line: int | None) -> Text:
    return ON_LINE.fill(line=line) if line else IN_REGISTRY


def _card(chip: Chip) -> str:
    return f"…{chip.last4 or ''}"
