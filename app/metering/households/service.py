"""What somebody at the registry desk does with a household: the registry's use cases, and the ledger following each.

Committing is left to the caller's `with database.begin()`. Days are Korean: a move counts from the first moment of its
day. Whatever is outside of the desk's reach raises the Problem `not-found`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.access.reach import WHOLE, Reach
from app.fleet.touches import last4_of
from app.metering.moves import follow
from app.problems import Problem
from app.registry import card_changes, moves, places, residents
from app.registry.card_changes import CardHash, Enrolled, Moved
from app.registry.cards import card_hash, last4
from app.registry.household_queries import card_home, current_tenancy, household_detail
from app.registry.models import District
from app.registry.moves import Stay, day_of_move, midnight
from app.registry.places import Home
from app.registry.residents import Details


@dataclass(frozen=True)
class Desk:
    """Who works, when, and how far they see. Moves return how many discharges were re-attributed."""

    session: Session
    district_id: int
    actor: str
    now: datetime
    reach: Reach = WHOLE

    def home(self, household_id: int) -> Home:
        """The household of this number."""
        return places.home_of(self.session, self.district_id, household_id, self.reach)

    def add(self, complex_code: str, building: str, unit: str) -> int:
        """A new household of a complex; its id."""
        complex_ = places.complex_of(self.session, self.district_id, complex_code, self.reach)
        return places.add_household(self.session, self.district_id, complex_, building, unit, self.actor, self.now)

    def rename(self, household_id: int, building: str, unit: str) -> None:
        """Correct building or unit."""
        home = self.home(household_id)
        places.rename_household(self.session, self.district_id, home, building, unit, self.actor, self.now)

    def move_in(self, household_id: int, on: date, until: date | None, resident: Details, card: CardHash | None) -> int:
        """A tenancy begins."""
        start = day_of_move(on, self.now)
        end = midnight(max(on, until)) if until else None  # one before the first day is refused like the first day
        stay = Stay(start, end, resident, card)
        return self._do(moves.move_in, household_id, "moved in", stay)

    def move_out(self, household_id: int, on: date, cards: str) -> int:
        """The tenancy ends; its cards are returned, kept or blocked."""
        return self._do(moves.move_out, household_id, "moved out", day_of_move(on, self.now), cards)

    def change_tenant(self, household_id: int, on: date, resident: Details, card: CardHash | None) -> int:
        """One tenancy ends and the next begins, with the same cards."""
        stay = Stay(day_of_move(on, self.now), resident=resident, card=card)
        return self._do(moves.change_tenant, household_id, "change of tenant", stay)

    def abandon(self, household_id: int, on: date, reason: str) -> int:
        """They left without notice."""
        return self._do(moves.abandon, household_id, "left without notice", day_of_move(on, self.now), reason)

    def come_back(self, household_id: int) -> int:
        """They had not left after all."""
        return self._do(moves.come_back, household_id, "came back")

    def give_card(self, household_id: int, card: CardHash, on: date | None) -> int:
        """A card for the household, from now or from a day on."""
        home = self.home(household_id)
        at = day_of_move(on, self.now) if on else self.now
        given = (self.session, self.district_id, card, "household", home.row.id, at, self.actor, self.now)
        enrolled = card_changes.enrol(*given)
        return self._follow(Moved(at, frozenset({enrolled.card_id})), "card given")

    def lose_card(self, household_id: int, card_id: int, reason: str) -> None:
        """A card was lost: it is refused at once."""
        self._check_card(household_id, card_id)
        card_changes.lose(self.session, self.district_id, card_id, reason, self.actor, self.now)

    def reissue_card(self, household_id: int, card_id: int, card: CardHash) -> Enrolled:
        """Another card in place of one that was lost."""
        self._check_card(household_id, card_id)
        return card_changes.reissue(self.session, self.district_id, card_id, card, self.actor, self.now)

    def take_card_back(self, household_id: int, card_id: int, on: date | None, handling: str) -> int:
        """A card is this household's no more."""
        self._check_card(household_id, card_id)
        at = day_of_move(on, self.now) if on else self.now
        moved = card_changes.give_back(self.session, self.district_id, card_id, at, handling, self.actor, self.now)
        return self._follow(moved, "card returned")

    def block_card(self, household_id: int, card_id: int, reason: str) -> None:
        """Refuse a card."""
        self._check_card(household_id, card_id)
        card_changes.block(self.session, self.district_id, card_id, reason, self.actor, self.now)

    def unblock_card(self, household_id: int, card_id: int) -> None:
        """Let a card open again."""
        self._check_card(household_id, card_id)
        card_changes.unblock(self.session, self.district_id, card_id, self.actor, self.now)

    def set_resident(self, household_id: int, details: Details, tenancy_id: int | None = None) -> None:
        """Change who lives there, or erase it: of the tenancy that lasts now where none is named."""
        home = self.home(household_id)
        tenancy_id = tenancy_id or current_tenancy(self.session, home, self.now)
        if tenancy_id is None:
            raise Problem("household-empty", household_id=household_id)
        residents.set_resident(self.session, self.district_id, home, tenancy_id, details, self.actor, self.now)

    def reveal(self, household_id: int, reason: str) -> dict[str, Any]:
        """The household with its personal details, and the look at them on record."""
        home = self.home(household_id)
        residents.reveal(self.session, self.district_id, home, reason, self.actor, self.now)
        return household_detail(self.session, home, self.now, revealed=True)

    def card_by_number(self, number: str) -> CardHash:
        """A card whose number somebody typed; raises `invalid` for none."""
        district = self.session.get_one(District, self.district_id)
        try:
            return CardHash(card_hash(district.card_key, number), last4(number))
        except ValueError as error:
            raise Problem("invalid", errors={"number": "8 … 24 × 0-9 A-F"}) from error

    def card_by_hash(self, value: str) -> CardHash:
        """A card that was held at a bin, by its hash in hexadecimal digits; for whoever sees some complexes, at a bin
        there. Raises `invalid` for any other.
        """
        try:
            hashed = bytes.fromhex(value)
        except ValueError as error:
            raise Problem("invalid", errors={"card": "is no card"}) from error
        seen = last4_of(self.session, self.district_id, hashed, self.reach)
        if seen is None and not self.reach.whole:
            raise Problem("invalid", errors={"card": "was held at no bin here"})
        return CardHash(hashed, seen)

    def _check_card(self, household_id: int, card_id: int) -> None:
        if card_home(self.session, self.district_id, card_id) != self.home(household_id).row.id:
            raise Problem("not-found")

    def _do(self, use_case: Any, household_id: int, reason: str, *arguments: Any) -> int:
        home = self.home(household_id)
        moved: Moved = use_case(self.session, self.district_id, home, *arguments, self.actor, self.now)
        return self._follow(moved, reason)

    def _follow(self, moved: Moved, reason: str) -> int:
        return follow(self.session, self.district_id, moved, self.actor, reason, self.now)
