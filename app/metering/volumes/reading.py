"""Volumes with their coverage, in one round trip, and in one more each for a list of places and for moved meters."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from app.db import Round, Statement, from_driver, is_sqlite, to_microseconds
from app.metering.volumes import households, statements
from app.metering.volumes.coverage import Standing, Stood, judge
from app.metering.volumes.model import Ask, Page, Place, Volume
from app.metering.volumes.slots import DAY, By, Slot, slots
from app.metering.volumes.statements import Scope
from app.metering.volumes.usual import usual_grams
from app.problems import Problem
from app.times import format_instant
from billing.days import service_day

MOST_SLOTS = 10_000  # a year of hours
IN_A_DAY: dict[By | None, int] = {"hour": 24, "day": 1}

Rows = list[tuple[Any, ...]]
Sums = tuple[int, int, int, int]  # discharges, grams, and both without a household
NO_SUMS: Sums = (0, 0, 0, 0)
NOWHERE = Stood([], {})


class Part(NamedTuple):
    """A place of the answer: where its sums and its meters are found."""

    place: Place
    sums: Any
    coverage: Any


def volumes(connection: sa.Connection, district_id: int, ask: Ask, now: datetime) -> Page:
    """What was thrown away, in order of place and time; slots that have not begun by `now` are left out.

    Raises the Problem `invalid` for a range that is cut into too many slots, for households of broken months, for the
    parts of a household, and for an `after` that no page gave.
    """
    if ask.per is not None and ask.place.kind == "household":
        raise Problem("invalid", errors={"per": [_("A household has no parts; leave “per” out.")]})
    found = _slots(ask, now)
    if ask.per == "household":
        return _by_household(connection, district_id, ask, found, now)
    if ask.per is not None:
        return _by_part(connection, district_id, ask, found, now)
    return _by_slot(connection, district_id, ask, found, now)


def _slots(ask: Ask, now: datetime) -> list[Slot]:
    # Counted by days first: the hours of a century would take gigabytes only to be refused.
    if (ask.end - ask.start).days * IN_A_DAY.get(ask.by, 0) <= MOST_SLOTS:
        found = [slot for slot in slots(ask.by, ask.start, ask.end) if slot.start < now]
        if len(found) <= MOST_SLOTS:
            return found
    raise Problem(
        "invalid",
        errors={"from": [_("At most %(most)s intervals; choose fewer days or longer ones.", most=MOST_SLOTS)]},
    )


def _by_slot(connection: sa.Connection, district_id: int, ask: Ask, all_slots: list[Slot], now: datetime) -> Page:
    """One place, a row a slot."""
    found = all_slots if ask.after is None else [slot for slot in all_slots if slot.start > _instant(ask.after)]
    found, more = found[: ask.limit], len(found) > ask.limit
    if not found:
        return Page([], None)
    if more or ask.after is not None:
        last_day = service_day(found[-1].end - timedelta(microseconds=1))
        ask = ask._replace(start=service_day(found[0].start), end=last_day + DAY)
    scope = statements.scope_of(district_id, ask.place, ask.reach)
    read = _Read(connection, district_id, ask, scope, found, now)
    rows = read.rows([Part(ask.place, 0, 0)])
    return Page(rows, format_instant(rows[-1].start) if more else None)


def _by_part(connection: sa.Connection, district_id: int, ask: Ask, found: list[Slot], now: datetime) -> Page:
    """Complexes or dongs of a place, all slots of one after the other."""
    scope = statements.scope_of(district_id, ask.place, ask.reach)
    known = _run(connection, statements.complexes(scope))
    if not found or not known:
        return Page([], None)
    if ask.per == "dong":
        places: dict[Any, Place] = {dong: Place("dong", 0, dong, name) for _, _, _, dong, name, _ in known}
    else:
        places = {id_: Place("complex", id_, code, name) for id_, code, name, *_ in known}
    keys = _keys_after(places, ask.after)
    wanted = keys[: max(1, ask.limit // len(found))]
    if not wanted:
        return Page([], None)
    more = len(keys) > len(wanted)
    if ask.per == "complex" and len(wanted) < len(places):
        scope = statements.between(scope, wanted[0], wanted[-1])
    read = _Read(connection, district_id, ask, scope, found, now, complexes=known)
    rows = read.rows([Part(places[key], key, key) for key in wanted])
    # Complexes without a dong come first, under "": a client would take that for the end, and "-" sorts just behind it.
    return Page(rows, (str(wanted[-1]) or "-") if more else None)


def _by_household(connection: sa.Connection, district_id: int, ask: Ask, found: list[Slot], now: datetime) -> Page:
    """Households of a place, with the coverage of their complex."""
    if not statements.whole_months(ask.start, ask.end):
        raise Problem(
            "invalid",
            errors={"per": [_("Households are read by whole months: give the first day of one and the last of one.")]},
        )
    if ask.by not in (None, "month", "year"):
        raise Problem("invalid", errors={"by": [_("Households are read by month or year, or for the whole range.")]})
    scope = statements.scope_of(district_id, ask.place, ask.reach)
    most = max(1, ask.limit // max(1, len(found)))
    homes = _run(connection, households.page(scope, _number(ask.after or "0"), most + 1))
    shown, more = homes[:most], len(homes) > most
    if not shown or not found:
        return Page([], None)
    among = households.sums_of_page(scope, ask, shown[0][0], shown[-1][0], is_sqlite(connection))
    read = _Read(connection, district_id, ask, scope, found, now, among)
    parts = [
        Part(Place("household", id_, "", f"{building}-{unit}"), id_, complex_id)
        for id_, complex_id, building, unit in shown
    ]
    return Page(read.rows(parts), str(shown[-1][0]) if more else None)


class _Read:
    """All that was read for one answer, by part and slot."""

    def __init__(
        self,
        connection: sa.Connection,
        district_id: int,
        ask: Ask,
        scope: Scope,
        found: list[Slot],
        now: datetime,
        sums: Statement | None = None,
        complexes: Rows | None = None,
    ) -> None:
        self._ask, self._slots, self._now, self._sqlite = ask, found, now, is_sqlite(connection)
        if sums is None and ask.place.kind == "household":
            sums = households.sums(district_id, ask, self._sqlite)
        compares = ask.compare and "household" not in (ask.per, ask.place.kind)
        asked = Round(connection)
        named = asked.add([] if complexes else [statements.complexes(scope)])
        standing = asked.add([statements.standing(scope, found[0].start, min(found[-1].end, now))])
        summed = asked.add([sums or statements.sums(scope, ask, self._sqlite)])
        heard = asked.add([statements.alive(scope, ask, (), self._sqlite)])
        daily = asked.add([statements.daily(scope, ask)] if compares else [])
        asked.run()
        self._stood = self._stood_by_part(standing(), complexes or named())
        self._sums: dict[tuple[Any, Any], Sums] = {(part, key): (a, b, c, d) for part, key, a, b, c, d in summed()}
        moved = [meter for _, _, _, meter, _, _ in standing() if meter is not None]
        apart = _run(connection, statements.alive(scope, ask, moved, self._sqlite)) if moved else heard()
        self._heard: dict[Any, Rows] = defaultdict(list)
        for row in apart:
            self._heard[row[0], row[1]].append(row[2:])
        self._daily = self._grams_by_part_and_day(daily())

    def rows(self, parts: list[Part]) -> list[Volume]:
        """A row for each part and slot."""
        now = self._now
        timed = [(slot, self._driver_key(slot.key), min(slot.end, now) - slot.start) for slot in self._slots]
        return [self._row(part, *each) for part in parts for each in timed]

    def _row(self, part: Part, slot: Slot, key: Any, elapsed: timedelta) -> Volume:
        covered = self._stood[part.coverage].cover(self._heard.get((part.coverage, key), ()), slot, self._now)
        sums = self._sums.get((part.sums, key), NO_SUMS)
        daily = self._daily.get(part.sums)
        usual = usual_grams(daily, slot) if daily else None
        condition = judge(covered, slot, sums[1], usual, self._now)
        if part.place.kind == "household":
            covered = covered._replace(households=1)
        return Volume(
            part.place, slot.start, slot.end, elapsed, *sums, *covered[:7], covered.alive_share, usual, condition
        )

    def _stood_by_part(self, rows: Rows, complexes: Rows) -> dict[Any, Stood]:
        dongs = {row[0]: row[3] for row in complexes}
        households = {row[0]: row[5] for row in complexes}
        found: dict[Any, list[Standing]] = defaultdict(list)
        for complex_id, gateway_id, meters, meter_id, start, end in rows:
            part = {None: 0, "dong": dongs[complex_id]}.get(self._ask.per, complex_id)
            stood = Standing(complex_id, gateway_id, meters, meter_id, instant_from(start), from_driver(end))
            found[part].append(stood)
        return defaultdict(lambda: NOWHERE, {part: Stood(stood, households) for part, stood in found.items()})

    def _grams_by_part_and_day(self, rows: Rows) -> dict[Any, dict[date, int]]:
        found: dict[Any, dict[date, int]] = defaultdict(dict)
        for part, day, grams in rows:
            found[part][date.fromisoformat(day) if self._sqlite else day] = grams
        return found

    def _driver_key(self, key: datetime | date | None) -> Any:
        """As the database writes it."""
        if not self._sqlite or key is None:
            return key
        return to_microseconds(key) if isinstance(key, datetime) else key.isoformat()


def instant_from(value: Any) -> datetime:
    """An instant in UTC from what the driver hands over, never None."""
    instant = from_driver(value)
    assert instant is not None
    return instant


def _run(connection: sa.Connection, statement: Statement) -> Rows:
    asked = Round(connection)
    rows = asked.add([statement])
    asked.run()
    return rows()


def _keys_after(keys: Iterable[Any], after: str | None) -> list[Any]:
    """In order, those that follow the last one of the page before."""
    ordered = sorted(keys)
    if after is None:
        return ordered
    last: Any = after if ordered and isinstance(ordered[0], str) else _number(after)
    return [key for key in ordered if key > last]


def _number(after: str) -> int:
    if not (after.isascii() and after.isdecimal()) or len(after) > 10:
        raise unknown_page()
    return int(after)


def _instant(after: str) -> datetime:
    try:
        instant = datetime.fromisoformat(after)
    except ValueError as error:
        raise unknown_page() from error
    if instant.tzinfo is None:
        raise unknown_page()
    return instant


def unknown_page() -> Problem:
    """For an `after` that no page gave."""
    return Problem("invalid", errors={"after": [_("Take it from “next_after” of the page before.")]})
