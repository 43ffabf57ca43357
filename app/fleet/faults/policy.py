"""Policy of faults as data: for each subject its settings, with defaults that a district may override. Pure.

A setting's unit stands at the end of its name. `subject.setting` names it everywhere: in tables, pages and commands.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import NamedTuple

CLASSES = ("comm", "power", "weighing", "lock", "card", "volume", "user")
# What is seen of a device, beside what it reports itself (`reported:CLASS`), and the class that such a fault begins in.
SEEN = {"gateway_silent": "comm", "meter_silent": "power", "no_discharges": "lock"}
BY_PERSON = "by_person"
REPORTED = "reported:"
CONDITIONS = (*(REPORTED + name for name in CLASSES), *SEEN, BY_PERSON)


class Setting(NamedTuple):
    """A whole number with its bounds."""

    default: int
    least: int
    most: int


def _minutes(default: int) -> Setting:
    return Setting(default, 0, 7 * 24 * 60)


def _hours(default: int) -> Setting:
    return Setting(default, 1, 90 * 24)


def _class(open_after: int, close_after: int, due: int, escalate_after: int = 24) -> dict[str, Setting]:
    return {
        "open_after_minutes": _minutes(open_after),
        "close_after_minutes": _minutes(close_after),
        "due_hours": _hours(due),
        "escalate_after_hours": _hours(escalate_after),
    }


def _silence(open_after: int, close_after: int) -> dict[str, Setting]:
    return {"open_after_minutes": _minutes(open_after), "close_after_minutes": _minutes(close_after)}


SETTINGS: dict[str, dict[str, Setting]] = {
    "comm": _class(5, 5, 24),
    "power": _class(5, 5, 12),
    "weighing": _class(5, 10, 24),
    "lock": _class(5, 5, 24),
    "card": _class(10, 10, 24),
    "volume": _class(30, 10, 6),  # a full bin is emptied on its round; half an hour later somebody should know
    "user": _class(60, 10, 72),
    "gateway_silent": _silence(15, 5),  # it reports every minute, and waits five at most between attempts
    "meter_silent": _silence(30, 10),  # it tells of five minutes at a time
    "no_discharges": {"one_in_thousands": Setting(1000, 1, 1_000_000)},
    "network": {
        "least_gateways": Setting(10, 2, 100_000),
        "share_percent": Setting(20, 1, 100),
        "close_share_percent": Setting(10, 0, 100),
        "open_after_minutes": _minutes(10),  # before the single silences open, so that they join
        "close_after_minutes": _minutes(10),
        "due_hours": _hours(2),
        "escalate_after_hours": _hours(4),
    },
}
NAMES = tuple(f"{subject}.{setting}" for subject, settings in SETTINGS.items() for setting in settings)


class Hysteresis(NamedTuple):
    """How long a condition must last before a fault opens, and be gone before it closes."""

    open_after: timedelta
    close_after: timedelta


class Network(NamedTuple):
    """When silence is the network's: at least so many gateways and per cent of them, silent for `wait.open_after`."""

    least: int
    share_percent: int
    close_share_percent: int
    wait: Hysteresis


class Policy:
    """The settings of a district: the defaults, and what it set instead."""

    def __init__(self, overrides: Mapping[str, int] | Iterable[tuple[str, int]] = ()) -> None:
        self._values = {name: default_of(name) for name in NAMES} | dict(overrides)

    def __getitem__(self, name: str) -> int:
        return self._values[name]

    def hysteresis(self, subject: str) -> Hysteresis:
        """Of a class, of a silence or of the network; what is judged by traffic has none."""
        name = subject.removeprefix(REPORTED)
        if name == "no_discharges":  # improbability takes its time to grow, and one discharge ends it
            return Hysteresis(timedelta(0), timedelta(0))
        opens, closes = (self[f"{name}.{which}_after_minutes"] for which in ("open", "close"))
        return Hysteresis(timedelta(minutes=opens), timedelta(minutes=closes))

    def due(self, subject: str) -> timedelta:
        """How long whoever answers for a class, or for the network, has."""
        return timedelta(hours=self[f"{subject}.due_hours"])

    def escalate_after(self, subject: str) -> timedelta:
        """How long the next person up waits for the one before."""
        return timedelta(hours=self[f"{subject}.escalate_after_hours"])

    @property
    def one_in(self) -> int:
        """A bin's silence is a fault where it had a chance of one in so many."""
        return self["no_discharges.one_in_thousands"] * 1000

    @property
    def network(self) -> Network:
        shares = (self["network.share_percent"], self["network.close_share_percent"])
        return Network(self["network.least_gateways"], *shares, self.hysteresis("network"))


def default_of(name: str) -> int:
    """What holds where the district says nothing. Raises KeyError for a name that there is not."""
    return setting_of(name).default


def setting_of(name: str) -> Setting:
    """The setting `subject.setting`. Raises KeyError for a name that there is not."""
    subject, _, setting = name.partition(".")
    return SETTINGS[subject][setting]
