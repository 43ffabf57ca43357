"""Policy and duties of a district: read by the watch, set by staff. Nothing here commits."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.access import audit
from app.access.models import Account, AccountComplex
from app.access.rules import ROLES
from app.db import upsert
from app.fleet.faults.answering import ANSWERING
from app.fleet.faults.models import FaultDuty, FaultRule
from app.fleet.faults.policy import CLASSES, NAMES, Policy, setting_of
from app.ids import allocate
from app.problems import Problem
from app.registry.models import Complex


def read_policy(session: Session, district_id: int) -> Policy:
    """The policy in force."""
    rows = session.execute(sa.select(FaultRule.name, FaultRule.value).where(FaultRule.district_id == district_id))
    return Policy((name, value) for name, value in rows if name in NAMES)


def set_rule(session: Session, district_id: int, name: str, value: int | None, actor: str, now: datetime) -> bool:
    """Set a setting, or return to its default with None; whether anything changed. Raises `invalid`."""
    if name not in NAMES:
        raise Problem("invalid", errors={"name": _l("There is no such setting: %(name)s", name=name[:60])})
    setting = setting_of(name)
    if value is not None and not setting.least <= value <= setting.most:
        raise Problem(
            "invalid",
            errors={name: _l("Write a number from %(least)s to %(most)s.", least=setting.least, most=setting.most)},
        )
    before, after = read_policy(session, district_id)[name], setting.default if value is None else value
    if after == before:
        return False
    if after == setting.default:
        session.execute(sa.delete(FaultRule).where(FaultRule.district_id == district_id, FaultRule.name == name))
    else:
        row = {"value": after, "set_by": actor, "set_at": now}
        statement = upsert(session, FaultRule).values(row | {"district_id": district_id, "name": name})
        session.execute(statement.on_conflict_do_update(index_elements=["district_id", "name"], set_=row))
    entry = audit.Entry("fault.rule_set", "fault_rule", name, name, {"value": before}, {"value": after})
    audit.book(session, district_id, entry, actor, now)
    return True


class Wanted(NamedTuple):
    """A duty as people write it: codes and logins; None for any complex, any class, nobody above."""

    complex: str | None
    fault_class: str | None
    owner: str
    escalate_to: str | None


def set_duty(session: Session, district_id: int, wanted: Wanted, actor: str, now: datetime) -> int:
    """Say who answers for a class at a complex; the id of the duty, which replaces what was said of the same before."""
    if wanted.fault_class is not None and wanted.fault_class not in CLASSES:
        raise Problem("invalid", errors={"fault_class": _l("Choose one: %(classes)s", classes=", ".join(CLASSES))})
    complex_id = None if wanted.complex is None else complex_of(session, district_id, wanted.complex)
    owner_id = answerer(session, district_id, wanted.owner, complex_id, "owner")
    above = wanted.escalate_to
    above_id = None if above is None else answerer(session, district_id, above, complex_id, "escalate_to")
    found = session.scalar(
        sa.select(FaultDuty).where(
            *(FaultDuty.district_id == district_id, FaultDuty.complex_id.is_not_distinct_from(complex_id)),
            FaultDuty.fault_class.is_not_distinct_from(wanted.fault_class),
        )
    )
    before = None if found is None else _logins(session, found)
    values = {"owner_id": owner_id, "escalate_to_id": above_id, "set_by": actor, "set_at": now}
    if found is None:
        id_ = allocate(session, district_id, "fault_duty")[0]
        found = FaultDuty(
            district_id=district_id, id=id_, complex_id=complex_id, fault_class=wanted.fault_class, **values
        )
        session.add(found)
    else:
        for name, value in values.items():
            setattr(found, name, value)
    session.flush()
    _book(session, found, "fault.duty_set", wanted, before, {"owner": wanted.owner, "escalate_to": above}, actor, now)
    return found.id


def remove_duty(session: Session, district_id: int, duty_id: int, actor: str, now: datetime) -> None:
    """Take a duty back; what is open keeps its owner."""
    duty = session.get(FaultDuty, (district_id, duty_id))
    if duty is None:
        raise Problem("not-found")
    code = session.scalar(
        sa.select(Complex.code).where(Complex.district_id == district_id, Complex.id == duty.complex_id)
    )
    wanted = Wanted(code, duty.fault_class, "", None)
    _book(session, duty, "fault.duty_removed", wanted, _logins(session, duty), None, actor, now)
    session.delete(duty)
    session.flush()


def complex_of(session: Session, district_id: int, code: str) -> int:
    """The id of a complex by its code; raises `invalid` where there is none."""
    found = session.scalar(sa.select(Complex.id).where(Complex.district_id == district_id, Complex.code == code))
    if found is None:
        raise Problem("invalid", errors={"complex": _l("There is no such complex: %(code)s", code=code[:40])})
    return found


def answerer(session: Session, district_id: int, login: str, complex_id: int | None, field: str) -> int:
    """The account of somebody who can answer there: not disabled, may work on faults, and sees the complex."""
    account = session.scalar(
        sa.select(Account).where(
            Account.district_id == district_id, Account.login == login, Account.disabled_at.is_(None)
        )
    )
    if account is None or not may_answer(session, account, complex_id):
        raise Problem(
            "invalid",
            errors={field: _l("Nobody of this login can answer for faults there: %(login)s", login=login[:64])},
        )
    return account.id


def may_answer(session: Session, account: Account, complex_id: int | None) -> bool:
    """Whether somebody may work on faults and sees the complex, or the whole district where it is None."""
    role = ROLES[account.role]
    if ANSWERING not in role.scopes:
        return False
    if "complex" not in role.reaches or account.all_complexes:
        return True
    mine = (AccountComplex.district_id == account.district_id, AccountComplex.account_id == account.id)
    return complex_id in set(session.scalars(sa.select(AccountComplex.complex_id).where(*mine)))


def answerers(session: Session, district_id: int, complex_id: int | None = None, anywhere: bool = False) -> list[Any]:
    """Login and name of those who may answer for faults at a complex, or, with `anywhere`, at any that they see."""
    able = [name for name, role in ROLES.items() if ANSWERING in role.scopes]
    narrow = [name for name in able if "complex" in ROLES[name].reaches]
    sees = sa.exists().where(
        AccountComplex.district_id == Account.district_id,
        AccountComplex.account_id == Account.id,
        AccountComplex.complex_id == complex_id,
    )
    statement = sa.select(Account.login, Account.name).where(
        *(Account.district_id == district_id, Account.disabled_at.is_(None), Account.role.in_(able)),
        sa.true() if anywhere else sa.or_(Account.role.not_in(narrow), Account.all_complexes, sees),
    )
    return list(session.execute(statement.order_by(Account.name, Account.login)))


def _logins(session: Session, duty: FaultDuty) -> dict[str, Any]:
    ids = [id_ for id_ in (duty.owner_id, duty.escalate_to_id) if id_ is not None]
    here = (Account.district_id == duty.district_id, Account.id.in_(ids))
    logins = dict(session.execute(sa.select(Account.id, Account.login).where(*here)).all())
    return {"owner": logins.get(duty.owner_id), "escalate_to": logins.get(duty.escalate_to_id or 0)}


def _book(
    session: Session,
    duty: FaultDuty,
    action: str,
    wanted: Wanted,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    actor: str,
    now: datetime,
) -> None:
    subject = f"{wanted.complex or '*'} {wanted.fault_class or '*'}"
    entry = audit.Entry(action, "fault_duty", duty.id, subject, before, after, complex_id=duty.complex_id)
    audit.book(session, duty.district_id, entry, actor, now)
