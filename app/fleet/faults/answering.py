"""Who answers for a fault, and whom to turn to when it is overdue. Pure but for `read_duties`."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.models import Account, AccountComplex
from app.access.rules import ROLES
from app.fleet.faults.models import FaultDuty

ANSWERING = "fault:write"  # what somebody must be allowed to do to answer for a fault
FALLBACK = ("administrator", "operator")  # whoever of them is there longest answers where no duty says who


class Duty(NamedTuple):
    """`owner_id` answers at a complex (None: anywhere) for a class (None: any)."""

    complex_id: int | None
    fault_class: str | None
    owner_id: int | None
    escalate_to_id: int | None

    def covers(self, complex_id: int | None, fault_class: str) -> bool:
        return self.complex_id in (None, complex_id) and self.fault_class in (None, fault_class)


class Answer(NamedTuple):
    """Who answers, and the ladder: whom to turn to next, and after that. The ladder may be empty."""

    owner_id: int | None
    ladder: tuple[int, ...] = ()


class Duties:
    """The duties of a district among the people who are there. `people`: names by account id."""

    def __init__(self, duties: Iterable[Duty], people: Mapping[int, str], fallback_id: int | None = None) -> None:
        # The most specific first: complex and class, complex, class, neither.
        self._duties = sorted(duties, key=lambda duty: (duty.complex_id is None, duty.fault_class is None))
        self._people = people
        self._fallback_id = fallback_id

    def answer(self, complex_id: int | None, fault_class: str, owner_id: int | None = None) -> Answer:
        """Who answers for a fault; with an `owner_id`, whom to turn to when that person does not."""
        found = [duty for duty in self._duties if duty.covers(complex_id, fault_class)]
        owners = [duty.owner_id for duty in found if duty.owner_id in self._people]
        owner = owner_id if owner_id is not None else next(iter(owners), self._fallback_id)
        ladder = dict.fromkeys(duty.escalate_to_id for duty in found if duty.escalate_to_id in self._people)
        return Answer(owner, tuple(each for each in ladder if each is not None and each != owner))

    def name(self, account_id: int | None) -> str | None:
        """What somebody is called, or None for nobody and for who is gone."""
        return None if account_id is None else self._people.get(account_id)


def read_duties(session: Session, district_id: int) -> Duties:
    """The duties of a district; whoever is disabled, or does not see the complex any more, has none."""
    able = [name for name, role in ROLES.items() if ANSWERING in role.scopes]
    accounts = session.execute(
        sa.select(Account.id, Account.name, Account.role, Account.all_complexes)
        .where(Account.district_id == district_id, Account.disabled_at.is_(None), Account.role.in_(able))
        .order_by(Account.id)
    ).all()
    duties = session.execute(
        sa.select(FaultDuty.complex_id, FaultDuty.fault_class, FaultDuty.owner_id, FaultDuty.escalate_to_id)
        .where(FaultDuty.district_id == district_id)
        .order_by(FaultDuty.id)
    )
    everywhere = {a.id for a in accounts if a.all_complexes or "complex" not in ROLES[a.role].reaches}
    mine = sa.select(AccountComplex.account_id, AccountComplex.complex_id)
    somewhere = {tuple(row) for row in session.execute(mine.where(AccountComplex.district_id == district_id))}

    def seeing(account_id: int | None, complex_id: int | None) -> int | None:
        return account_id if account_id in everywhere or (account_id, complex_id) in somewhere else None

    found = (Duty(place, name, seeing(owner, place), seeing(above, place)) for place, name, owner, above in duties)
    fallback = next((account.id for role in FALLBACK for account in accounts if account.role == role), None)
    return Duties(found, {account.id: account.name for account in accounts}, fallback)
