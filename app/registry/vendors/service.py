"""Use cases of vendors. Committing is left to the caller's `with database.begin()`; each change is booked by name.

Staff keep all of a vendor's fields; a vendor's people keep those of OWN themselves.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.ids import allocate
from app.problems import Problem
from app.registry.masking import mask_email, mask_name, mask_phone
from app.registry.models import VENDOR_KINDS, Vendor

OWN = ("representative", "phone", "email", "address")
FIELDS = ("name", "business_number", *OWN, "memo", "designated_on")
CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,39}")
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
PHONE = re.compile(r"\+?[0-9][0-9 ()-]{5,24}")
MOST = {"name": 120, "representative": 60, "phone": 26, "email": 200, "address": 300, "memo": 500}
WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
MASKS = {"representative": mask_name, "phone": mask_phone, "email": mask_email}

POOR_CODE = _l("Write up to 40 letters, digits and hyphens.")
MISSING = _l("Fill this in.")
TOO_LONG = _l("This is too long.")
NO_KIND = _l("A vendor is a manufacturer or a sales point.")
POOR_NUMBER = _l("This is no business registration number: ten digits, the last of which checks the others.")
POOR_EMAIL = _l("This is no e-mail address.")
POOR_PHONE = _l("This is no phone number.")
BEFORE_START = _l("This is before the vendor was designated.")
STAFF_ALONE = _l("Only the district office changes this.")


def business_number(text: str) -> str | None:
    """The ten digits of a business registration number (사업자등록번호), or None for what is none.

    The last digit checks the others: they are weighted 1 3 7 1 3 7 1 3 5, and the tens of five times the ninth added.
    """
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"[0-9]{10}", digits):
        return None
    first = [int(digit) for digit in digits[:9]]
    total = sum(digit * weight for digit, weight in zip(first, WEIGHTS, strict=True)) + first[8] * 5 // 10
    return digits if (10 - total % 10) % 10 == int(digits[9]) else None


def add(
    session: Session, district_id: int, code: str, kind: str, fields: Mapping[str, Any], actor: str, now: datetime
) -> Vendor:
    """A new vendor. `fields` are of FIELDS, with `name`. Raises `code-taken`, `invalid`."""
    errors: dict[str, object] = {} if CODE.fullmatch(code) else {"code": POOR_CODE}
    if kind not in VENDOR_KINDS:
        errors["kind"] = NO_KIND
    values, wrong = _checked({"name": ""} | dict(fields))
    if errors or wrong:
        raise Problem("invalid", errors=errors | wrong)
    if session.scalar(sa.select(Vendor.id).where(Vendor.district_id == district_id, Vendor.code == code)):
        raise Problem("code-taken", code=code)
    id_ = allocate(session, district_id, "vendor")[0]
    vendor = Vendor(district_id=district_id, id=id_, code=code, kind=kind, **values)
    session.add(vendor)
    session.flush()
    after = {"kind": kind} | {name: value for name, value in values.items() if value is not None}
    _book(session, "vendor.added", vendor, None, _masked(after), actor, now)
    return vendor


def change(
    session: Session, district_id: int, code: str, fields: Mapping[str, Any], actor: str, now: datetime
) -> Vendor:
    """Set some of FIELDS. Raises `not-found`, `invalid`; what is as it was is not booked."""
    vendor = find(session, district_id, code)
    values, wrong = _checked(fields)
    if wrong:
        raise Problem("invalid", errors=wrong)
    before = {name: getattr(vendor, name) for name, value in values.items() if getattr(vendor, name) != value}
    if not before:
        raise Problem("nothing-changes")
    after = {name: values[name] for name in before}
    for name, value in after.items():
        setattr(vendor, name, value)
    session.flush()
    _book(session, "vendor.changed", vendor, _masked(before), _masked(after), actor, now)
    return vendor


def end(session: Session, district_id: int, code: str, ended_on: date, reason: str, actor: str, now: datetime) -> None:
    """A vendor is one no longer from a day on; its people may still log in and read. Raises `already-decided` …"""
    vendor = find(session, district_id, code)
    if vendor.ended_on is not None:
        raise Problem("already-decided")
    errors: dict[str, object] = {} if reason.strip() else {"reason": MISSING}
    if vendor.designated_on is not None and ended_on < vendor.designated_on:
        errors["ended_on"] = BEFORE_START
    if errors:
        raise Problem("invalid", errors=errors)
    vendor.ended_on = ended_on
    session.flush()
    _book(session, "vendor.ended", vendor, None, {"ended_on": ended_on}, actor, now, reason.strip())


def find(session: Session, district_id: int, code: str) -> Vendor:
    """The vendor of this code; raises the Problem `not-found`."""
    found = session.scalar(sa.select(Vendor).where(Vendor.district_id == district_id, Vendor.code == code))
    if found is None:
        raise Problem("not-found")
    return found


def _checked(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, object]]:
    """The fields as they are stored, blank ones as None, and what is wrong with them."""
    values: dict[str, Any] = {
        name: value.strip() or None if isinstance(value, str) else value for name, value in fields.items()
    }
    wrong: dict[str, object] = {}
    if "name" in values and not values["name"]:
        wrong["name"] = MISSING
    for name, most in MOST.items():
        if len(values.get(name) or "") > most:
            wrong[name] = TOO_LONG
    for name, form, told in (("email", EMAIL, POOR_EMAIL), ("phone", PHONE, POOR_PHONE)):
        if values.get(name) and not form.fullmatch(values[name]):
            wrong.setdefault(name, told)
    if values.get("business_number"):
        values["business_number"] = business_number(values["business_number"])
        if values["business_number"] is None:
            wrong["business_number"] = POOR_NUMBER
    return values, wrong


def _masked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as the audit log may hold them for ever: nobody's name, number or address can be read there."""
    return {name: MASKS[name](value) if name in MASKS else value for name, value in fields.items()}


def _book(
    session: Session,
    action: str,
    vendor: Vendor,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> None:
    entry = audit.Entry(action, "vendor", vendor.id, vendor.name, before, after, reason)
    audit.book(session, vendor.district_id, entry, actor, now)
