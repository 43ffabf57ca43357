"""Who answers for a fault, and whom to turn to when it is overdue. Pure but for `read_duties`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
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
    owner_id: int
    escalate_to_id: int | None

    def covers(self, complex_id: int | None, fault_class: str) -> bool:
        return self.complex_id in (None, complex_id) and self.fault_class in (None, fault_class)


class Answer(NamedTuple):
    """Who answers, and the ladder: whom to turn to next, and after that. The ladder may be empty."""

    owner_id: int | None
    ladder: tuple[int, ...] = ()


class Duties:
    """The duties of a district among the people who are there. `people`: names by account id; `narrow` of them see
    some complexes only: (account id, complex id).
    """

    def __init__(
        self,
        duties: Iterable[Duty],
        people: Mapping[int, str],
        fallback_id: int | None = None,
        narrow: Mapping[int, frozenset[int]] = MappingProxyType({}),
    ) -> None:
        # The most specific first: complex and class, complex, class, neither.
        self._duties = sorted(duties, key=lambda duty: (duty.complex_id is None, duty.fault_class is None))
        self._people = people
        self._fallback_id = fallback_id
        self._narrow = narrow

    def answer(self, complex_id: int | None, fault_class: str, owner_id: int | None = None) -> Answer:
        """Who answers for a fault; with an `owner_id`, whom to turn to when that person does not."""
        found = [duty for duty in self._duties if duty.covers(complex_id, fault_class)]
        owners = [duty.owner_id for duty in found if self.can_answer(duty.owner_id, complex_id)]
        owner = owner_id if owner_id is not None else next(iter(owners), self._fallback_id)
        ladder = dict.fromkeys(
            duty.escalate_to_id for duty in found if self.can_answer(duty.escalate_to_id, complex_id)
        )
        return Answer(owner, tuple(each for each in ladder if each is not None and each != owner))

    @property
    def seeing_all(self) -> frozenset[int]:
        """Who sees every complex."""
        return frozenset(self._people) - self._narrow.keys()

    def can_answer(self, account_id: int | None, complex_id: int | None) -> bool:
        """Whether somebody is there and sees the complex."""
        if account_id is None or account_id not in self._people:
            return False
        return account_id not in self._narrow or complex_id in self._narrow[account_id]

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
    mine = sa.select(AccountComplex.account_id, AccountComplex.complex_id)
    places: dict[int, set[int]] = defaultdict(set)
    for account_id, complex_id in session.execute(mine.where(AccountComplex.district_id == district_id)):
        places[account_id].add(complex_id)
    narrow = {
        account.id: frozenset(places[account.id])
        for account in accounts
        if "complex" in ROLES[account.role].reaches and not account.all_complexes
    }
    fallback = next((account.id for role in FALLBACK for account in accounts if account.role == role), None)
    people = {account.id: account.name for account in accounts}
    return Duties((Duty(*row) for row in duties), people, fallback, narrow)
