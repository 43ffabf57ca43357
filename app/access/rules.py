"""Every route declares who may call it and how far they must see. A route without a rule is refused, and a test fails.

A role grants scopes (what may be done); whose data it is done to is the account's reach (`app.access.reach`).
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

ATTRIBUTE = "access_rule"
REACH = "access_reach"
PUBLIC = "public"
GATEWAY = "gateway"
LOGGED_IN = "logged-in"

SCOPES = {
    "metering:read": "volumes, discharges and quarantine",
    "metering:correct": "corrections and decisions about quarantined records",
    "household:read": "households, cards and moves, personal details masked",
    "household:reveal": "personal details of a household, for a reason that is logged",
    "household:write": "moves in and out, cards, residents",
    "registry:read": "complexes, meters, certificates, installations and imports",
    "registry:write": "complexes, meters, gateways, certificates, installations and imports",
    "programme:apply": "applications of a complex for meters and reducers",
    "fleet:read": "gateways: contact, spools, faults, events and commands",
    "fleet:write": "gateways: claim codes, keys, commands, display rates and releases",
    "fault:read": "faults and incidents with their history",
    "fault:write": "faults: report, take over, note and close",
    "fault:manage": "who answers for faults, thresholds, due times, messages that could not be sent",
    "billing:read": "statements, tariffs, payments and disputes",
    "billing:review": "review of previews, disputes, payments and fee files of one's complexes",
    "billing:write": "previews, adjustments, voids, estimates, late usage and decisions about disputes",
    "billing:close": "closing a month, tariffs, billing terms and limits",
    "vendor:read": "vendors: manufacturers and sales points",
    "vendor:write": "vendors: contacts and profile",
    "audit:read": "the audit log",
    "access:admin": "accounts, invitations and tokens",
}


class Role(NamedTuple):
    """What a role may do, how far it may see, and whether it needs a second factor to log in."""

    scopes: frozenset[str]
    reaches: tuple[str, ...]
    second_factor: bool = False


READING = frozenset(name for name in SCOPES if name.endswith(":read"))
OPERATING = READING | {
    *("metering:correct", "household:write", "household:reveal", "registry:write", "fleet:write"),
    *("fault:write", "fault:manage", "vendor:write", "programme:apply"),
    *("billing:review", "billing:write", "billing:close"),
}
ROLES = {
    "administrator": Role(OPERATING | {"access:admin"}, ("district",), second_factor=True),
    "operator": Role(OPERATING, ("district",), second_factor=True),
    "viewer": Role(READING - {"audit:read"}, ("district",), second_factor=True),
    "manager": Role(
        frozenset(
            {
                *("metering:read", "household:read", "household:write", "household:reveal", "registry:read"),
                *("fleet:read", "fault:read", "fault:write", "programme:apply"),
                *("billing:read", "billing:review"),
            }
        ),
        ("complex",),
    ),
    "contractor": Role(
        frozenset({"registry:read", "fleet:read", "fault:read", "fault:write"}), ("district", "complex")
    ),
    "vendor": Role(frozenset({"vendor:read", "vendor:write"}), ("vendor",)),
    "auditor": Role(READING | {"household:reveal"}, ("district",), second_factor=True),
}


def public(view: View) -> View:
    """Anybody may call it."""
    setattr(view, ATTRIBUTE, PUBLIC)
    return view


def gateway(view: View) -> View:
    """Only a request signed by the gateway in its address; the view verifies it."""
    setattr(view, ATTRIBUTE, GATEWAY)
    return view


def logged_in(view: View) -> View:
    """Any account, with whatever scopes and reach: what the view shows is the reader's own."""
    setattr(view, ATTRIBUTE, LOGGED_IN)
    return view


def scope(name: str, reach: str = "district") -> Callable[[View], View]:
    """An account or API token with this scope.

    `reach` names who besides those who see the whole district may call it: `complex` those of some complexes, `vendor`
    those of a vendor. The view then narrows what it reads and writes by `current_reach()`.
    """
    if name not in SCOPES:
        raise ValueError(f"{name!r} is no scope; there are {', '.join(SCOPES)}.")
    if reach not in ("district", "complex", "vendor"):
        raise ValueError(f"{reach!r} is no reach: district, complex or vendor.")

    def declare(view: View) -> View:
        setattr(view, ATTRIBUTE, name)
        setattr(view, REACH, reach)
        return view

    return declare


def rule_of(view: Callable[..., Any]) -> str | None:
    """The scope, or kind of caller, that the view declared, or None."""
    return getattr(view, ATTRIBUTE, None)


def reach_of(view: Callable[..., Any]) -> str:
    """How far one must see to call the view."""
    return getattr(view, REACH, "district")
