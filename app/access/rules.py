"""Every route declares who may call it. A route without a rule is refused, and a test fails for it."""

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

ATTRIBUTE = "access_rule"
PUBLIC = "public"
GATEWAY = "gateway"
LOGGED_IN = "logged-in"

SCOPES = {
    "metering:read": "volumes, discharges and quarantine",
    "metering:correct": "corrections and decisions about quarantined records",
    "registry:write": "complexes, households, cards, meters and gateways",
    "fleet:read": "gateways: contact, spools, faults, events and commands",
    "fleet:write": "gateways: claim codes, keys, commands, display rates and releases",
    "access:admin": "accounts and tokens",
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
    """Any account, with whatever scopes."""
    setattr(view, ATTRIBUTE, LOGGED_IN)
    return view


def scope(name: str) -> Callable[[View], View]:
    """An account or API token with this scope."""
    if name not in SCOPES:
        raise ValueError(f"{name!r} is no scope; there are {', '.join(SCOPES)}.")

    def declare(view: View) -> View:
        setattr(view, ATTRIBUTE, name)
        return view

    return declare


def rule_of(view: Callable[..., Any]) -> str | None:
    """What the view declared, or None."""
    return getattr(view, ATTRIBUTE, None)
