"""Use cases of the programme: complexes apply, staff take each application from step to step.

Committing is left to the caller's `with database.begin()`; nothing that was entered is changed, and each is booked.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.access.reach import WHOLE, Reach
from app.db import upsert
from app.ids import allocate
from app.problems import Problem
from app.registry.installations.models import (
    KINDS,
    NEXT,
    InstallationApplication,
    InstallationCount,
    InstallationStep,
    InstallationTarget,
)
from app.registry.models import Complex, Meter
from billing.days import service_day

ENOUGH_HOUSEHOLDS = 60
MOST_UNITS, MOST_HOUSEHOLDS = 1_000, 100_000
MOST_TEXT = 500
YEARS = (1990, 2200)
CLOSED = frozenset(state for state, after in NEXT.items() if not after)

MISSING = _l("Fill this in.")
TOO_LONG = _l("This is too long.")
NO_COMPLEX = _l("No complex has this code.")
NOT_YET = _l("This day has not come yet.")
BEFORE_LAST = _l("This is before the step before it.")
POOR_UNITS = _l("Write a whole number from 1 to 1,000.")
POOR_HOUSEHOLDS = _l("Write a whole number from 0 to 100,000.")
POOR_SCORE = _l("Write a whole number from 0 to 100.")
NO_METER = _l("No meter has one of these codes.")
FEW_HOUSEHOLDS = _l("Fewer than 60 households: say why it is selected all the same.")
NO_KIND = _l("The kind is meter or reducer.")
POOR_YEAR = _l("Write a year as 2026.")


class Wish(NamedTuple):
    """What a complex applies for. `applicant` is who signed for it, such as its management office."""

    complex: str
    kind: str
    units: int
    households: int
    applicant: str
    applied_on: date


class Step(NamedTuple):
    """What happened: `units` and `meters` (codes) of an installation, `score` of 100 and `answers` of a survey."""

    state: str
    on_day: date
    note: str = ""
    units: int | None = None
    meters: tuple[str, ...] = ()
    score: int | None = None
    answers: int | None = None


def apply(
    session: Session, district_id: int, wish: Wish, actor: str, now: datetime, reach: Reach = WHOLE
) -> InstallationApplication:
    """Enter an application; its first step is `applied`. Raises `not-found` for a complex out of reach, `invalid`.

    Fewer than 60 households are taken in with a warning; they are selected only for a reason.
    """
    same = sa.and_(Complex.district_id == district_id, Complex.code == wish.complex)
    complex_ = session.scalar(sa.select(Complex).where(same, reach.within(Complex.id)))
    errors = _wrong_wish(wish, now)
    if complex_ is None:
        errors["complex"] = NO_COMPLEX
    if errors or complex_ is None:
        raise Problem("invalid", errors=errors)
    application = InstallationApplication(
        district_id=district_id,
        id=allocate(session, district_id, "installation_application")[0],
        complex_id=complex_.id,
        **{name: value for name, value in wish._asdict().items() if name != "complex"},
        recorded_by=actor,
        recorded_at=now,
    )
    session.add(application)
    session.flush()
    _add(session, application, 1, Step("applied", wish.applied_on), actor, now)
    after = {"kind": wish.kind, "units": wish.units, "households": wish.households, "on": wish.applied_on}
    _book(session, application, complex_.code, "applied", {}, after, None, actor, now)
    return application


def take_step(
    session: Session, district_id: int, application_id: int, step: Step, actor: str, now: datetime, reach: Reach = WHOLE
) -> InstallationStep:
    """Take an application to its next state. Raises `not-found`, `step-out-of-order`, `invalid` for a day before the
    step before it or figures that do not fit, and `too-few-households` for a selection without a reason.
    """
    key = (InstallationApplication.district_id == district_id, InstallationApplication.id == application_id)
    application = session.scalar(sa.select(InstallationApplication).where(*key).with_for_update())
    if application is None:
        raise Problem("not-found")
    reach.check(application.complex_id)
    last = _last(session, application)
    if step.state not in NEXT[last.state]:
        raise Problem("step-out-of-order", state=last.state, next=list(NEXT[last.state]))
    errors = _wrong_step(session, district_id, step, last, now)
    if errors:
        raise Problem("invalid", errors=errors)
    if step.state == "selected" and application.households < ENOUGH_HOUSEHOLDS and not step.note.strip():
        raise Problem("too-few-households", households=application.households, errors={"note": FEW_HOUSEHOLDS})
    made = _add(session, application, last.step + 1, step, actor, now)
    code = session.get_one(Complex, (district_id, application.complex_id)).code
    before = {"state": last.state}
    after = {"state": step.state, "on": step.on_day, "units": step.units, "score": step.score}
    after = {name: value for name, value in after.items() if value is not None}
    _book(session, application, code, step.state, before, after, step.note.strip() or None, actor, now)
    return made


class Count(NamedTuple):
    """Installed in a year; with `until`, in it and all years before."""

    kind: str
    year: int
    units: int
    until: bool = False


def set_counts(session: Session, district_id: int, counts: Iterable[Count], actor: str, now: datetime) -> int:
    """Take over what was installed before the programme was kept here; a year that is known is counted anew.

    How many counts were new or other than before. Raises `invalid`.
    """
    changed = 0
    for count in counts:
        _check_year(count.kind, count.year, count.units)
        key = (district_id, count.kind, count.year)
        known = session.get(InstallationCount, key)
        if known is not None and (known.units, known.until) == (count.units, count.until):
            continue
        before = {"units": known.units} if known is not None else None
        _put(session, InstallationCount, key, count._asdict() | {"recorded_by": actor, "recorded_at": now})
        after = {"units": count.units, "until": count.until}
        _book_year(session, district_id, "counted", count, before, after, actor, now)
        changed += 1
    return changed


def set_target(session: Session, district_id: int, kind: str, year: int, units: int, actor: str, now: datetime) -> None:
    """How many are to be installed in a year; set again, the later counts. Raises `invalid`."""
    _check_year(kind, year, units)
    key = (district_id, kind, year)
    known = session.get(InstallationTarget, key)
    before = {"units": known.units} if known is not None else None
    values = {"kind": kind, "year": year, "units": units, "set_by": actor, "set_at": now}
    _put(session, InstallationTarget, key, values)
    _book_year(session, district_id, "target_set", Count(kind, year, units), before, {"units": units}, actor, now)


def _wrong_wish(wish: Wish, now: datetime) -> dict[str, object]:
    errors: dict[str, object] = {}
    if wish.kind not in KINDS:
        errors["kind"] = NO_KIND
    if not 1 <= wish.units <= MOST_UNITS:
        errors["units"] = POOR_UNITS
    if not 0 <= wish.households <= MOST_HOUSEHOLDS:
        errors["households"] = POOR_HOUSEHOLDS
    if not wish.applicant:
        errors["applicant"] = MISSING
    if len(wish.applicant) > MOST_TEXT:
        errors["applicant"] = TOO_LONG
    if wish.applied_on > service_day(now):
        errors["applied_on"] = NOT_YET
    return errors


def _wrong_step(
    session: Session, district_id: int, step: Step, last: InstallationStep, now: datetime
) -> dict[str, object]:
    errors: dict[str, object] = {}
    if step.on_day > service_day(now):
        errors["on_day"] = NOT_YET
    if step.on_day < last.on_day:
        errors["on_day"] = BEFORE_LAST
    if len(step.note) > MOST_TEXT:
        errors["note"] = TOO_LONG
    if step.state in ("rejected", "withdrawn") and not step.note.strip():
        errors["note"] = MISSING
    if step.state == "installed" and not 1 <= (step.units or 0) <= MOST_UNITS:
        errors["units"] = POOR_UNITS
    if step.state == "surveyed" and not 0 <= (step.score if step.score is not None else -1) <= 100:
        errors["score"] = POOR_SCORE
    if step.state == "surveyed" and not 0 <= (step.answers if step.answers is not None else -1) <= MOST_HOUSEHOLDS:
        errors["answers"] = POOR_HOUSEHOLDS
    if step.meters and _known(session, district_id, step.meters) != set(step.meters):
        errors["meters"] = NO_METER
    return errors


def _known(session: Session, district_id: int, codes: tuple[str, ...]) -> set[str]:
    return set(session.scalars(sa.select(Meter.code).where(Meter.district_id == district_id, Meter.code.in_(codes))))


def _check_year(kind: str, year: int, units: int) -> None:
    errors: dict[str, object] = {}
    if kind not in KINDS:
        errors["kind"] = NO_KIND
    if not YEARS[0] <= year <= YEARS[1]:
        errors["year"] = POOR_YEAR
    if not 0 <= units <= MOST_HOUSEHOLDS:
        errors["units"] = POOR_HOUSEHOLDS
    if errors:
        raise Problem("invalid", errors=errors)


def _last(session: Session, application: InstallationApplication) -> InstallationStep:
    s = InstallationStep
    mine = sa.select(s).where(s.district_id == application.district_id, s.application_id == application.id)
    return session.scalars(mine.order_by(s.step.desc()).limit(1)).one()


def _add(
    session: Session, application: InstallationApplication, number: int, step: Step, actor: str, now: datetime
) -> InstallationStep:
    installed, surveyed = step.state == "installed", step.state == "surveyed"
    made = InstallationStep(
        district_id=application.district_id,
        application_id=application.id,
        step=number,
        state=step.state,
        on_day=step.on_day,
        units=step.units if installed else None,
        meters=" ".join(step.meters) if installed and step.meters else None,
        score=step.score if surveyed else None,
        answers=step.answers if surveyed else None,
        note=step.note.strip() or None,
        actor=actor,
        booked_at=now,
    )
    session.add(made)
    session.flush()
    return made


def _put(session: Session, model: type, key: tuple[int, str, int], values: dict[str, object]) -> None:
    statement = upsert(session, model).values(values | {"district_id": key[0]})
    changed = {name: value for name, value in values.items() if name not in ("kind", "year")}
    session.execute(statement.on_conflict_do_update(index_elements=["district_id", "kind", "year"], set_=changed))
    session.expire_all()


def _book(
    session: Session,
    application: InstallationApplication,
    code: str,
    state: str,
    before: Mapping[str, object],
    after: Mapping[str, object],
    reason: str | None,
    actor: str,
    now: datetime,
) -> None:
    of = application
    entry = audit.Entry(
        *(f"installation.{state}", "installation", of.id, f"{code} #{of.id}", before or None, after, reason),
        complex_id=of.complex_id,
    )
    audit.book(session, of.district_id, entry, actor, now)


def _book_year(
    session: Session,
    district_id: int,
    done: str,
    count: Count,
    before: Mapping[str, object] | None,
    after: Mapping[str, object],
    actor: str,
    now: datetime,
) -> None:
    name = f"{count.kind} {count.year}"
    entry = audit.Entry(f"installation.{done}", "installation_year", name, name, before, after)
    audit.book(session, district_id, entry, actor, now)
