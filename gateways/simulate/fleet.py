"""Which gateways, meters and cards to simulate: the JSON file that the service's demo command writes."""

from pathlib import Path

import msgspec


class FleetError(Exception):
    """The fleet file is missing or broken; the text says which and how."""


class FleetGateway(msgspec.Struct, frozen=True):
    """One gateway: its one-time claim code, its meters, and the numbers of the cards used there.

    `collectors` are the cards with which full bins are emptied; without any, that happens without a card.
    """

    gateway: str
    claim_code: str
    meters: list[str]
    cards: list[str]
    collectors: list[str] = []


class Fleet(msgspec.Struct, frozen=True):
    """A district's simulated gateways."""

    district: str
    gateways: list[FleetGateway]

    @property
    def meters(self) -> int:
        """Return how many meters there are."""
        return sum(len(gateway.meters) for gateway in self.gateways)

    @property
    def cards(self) -> int:
        """Return how many cards there are."""
        return sum(len(gateway.cards) for gateway in self.gateways)


def load_fleet(path: Path) -> Fleet:
    """Read the file. Raises FleetError."""
    try:
        fleet = msgspec.json.decode(path.read_bytes(), type=Fleet)
    except OSError as error:
        raise FleetError(error.strerror or str(error)) from error
    except msgspec.DecodeError as error:
        raise FleetError(str(error)) from error
    if not fleet.meters:
        raise FleetError("no meters in it")
    return fleet


def cut(fleet: Fleet, meters: int | None, households: int | None) -> Fleet:
    """Return the fleet with at most so many meters and cards, taken in turn so that every gateway keeps a share."""
    kept_meters = _in_turn([gateway.meters for gateway in fleet.gateways], meters)
    with_meters = [gateway for gateway, kept in zip(fleet.gateways, kept_meters, strict=True) if kept]
    kept_cards = _in_turn([gateway.cards for gateway in with_meters], households)
    return Fleet(
        fleet.district,
        [
            FleetGateway(gateway.gateway, gateway.claim_code, meters_kept, cards_kept, gateway.collectors)
            for gateway, meters_kept, cards_kept in zip(
                with_meters, [kept for kept in kept_meters if kept], kept_cards, strict=True
            )
        ],
    )


def _in_turn(groups: list[list[str]], limit: int | None) -> list[list[str]]:
    total = sum(len(group) for group in groups)
    left = total if limit is None else min(limit, total)
    shares = [0] * len(groups)
    while left > 0:
        for index, group in enumerate(groups):
            if left > 0 and shares[index] < len(group):
                shares[index] += 1
                left -= 1
    return [group[:share] for group, share in zip(groups, shares, strict=True)]
