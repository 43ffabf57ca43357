"""The main menu: groups of pages, of which each reader sees those that they may open."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from flask import Flask, g, request, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from app.access import rules
from app.access.accounts import Identity

Page = tuple[str, LazyString]

MENU: tuple[tuple[LazyString, tuple[Page, ...]], ...] = (
    (_l("Today"), (("web.home", _l("Today")),)),
    (
        _l("Volumes"),
        (("volume_pages.district", _l("Volumes")), ("volume_pages.complexes", _l("Complexes"))),
    ),
    (
        _l("Households"),
        (
            ("household_pages.households", _l("Households and cards")),
            ("fleet_pages.enrolment", _l("Enrol a card")),
            ("import_pages.imports", _l("Files")),
        ),
    ),
    (
        _l("Devices"),
        (
            ("device_pages.meters", _l("Meters")),
            ("fleet_pages.gateways", _l("Gateways")),
            ("device_pages.due", _l("Scale certificates")),
            ("device_pages.reducers", _l("Reducers")),
            ("installation_pages.installations", _l("Installations")),
        ),
    ),
    (
        _l("Faults"),
        (
            ("fault_pages.desk", _l("Faults")),
            ("fault_pages.by_month", _l("Faults by month")),
            ("fault_rule_pages.show_rules", _l("Rules and duties")),
            ("message_pages.desk", _l("Messages")),
        ),
    ),
    (
        _l("Billing"),
        (
            ("board_pages.newest", _l("Month's board")),
            ("billing_pages.statements", _l("Statements")),
            ("dispute_pages.desk", _l("Objections")),
            ("billing_correction_pages.queue", _l("Not billed yet")),
            ("billing_correction_pages.adjustments", _l("Adjustments")),
            ("estimate_pages.desk", _l("Estimates")),
            ("payment_pages.listed", _l("Payments")),
            ("owed_pages.arrears", _l("Arrears")),
            ("owed_pages.revenue", _l("Revenue")),
        ),
    ),
    (
        _l("Tariffs"),
        (
            ("tariff_pages.list_tariffs", _l("Tariffs")),
            ("tariff_pages.compare", _l("What if")),
            ("terms_pages.list_terms", _l("Terms of complexes")),
            ("payer_class_pages.list_classes", _l("Payer classes")),
            ("terms_pages.list_weights", _l("Weighed elsewhere")),
            ("terms_pages.show_limits", _l("Limits and windows")),
        ),
    ),
    (_l("Vendors"), (("vendor_pages.vendors", _l("Vendors")), ("vendor_pages.own", _l("My profile")))),
    (
        _l("Administration"),
        (("people_pages.list_people", _l("People")), ("audit_pages.audit", _l("Audit log"))),
    ),
    (_l("Manual"), (("manual_pages.manual", _l("Manual")),)),
)
LIMITED_TO = {"vendor_pages.own": "vendor"}  # of no use to those who see more


class Item(NamedTuple):
    """A page as the menu shows it; `current` is what aria-current says: `page`, `true` (a page below it) or empty."""

    path: str
    name: LazyString
    current: str


class Group(NamedTuple):
    """A group leads to the first of its pages; those of the group that the reader is in stand in a second row."""

    name: LazyString
    items: list[Item]

    @property
    def current(self) -> str:
        found = [item.current for item in self.items if item.current]
        return "page" if "page" in found and self.items[0].current == "page" else "true" if found else ""


def menu(app: Flask) -> list[Group]:
    """What the reader of this page may open; before the log-in the manual alone."""
    groups = [(name, list(_paths(app, pages))) for name, pages in MENU]
    paths = [path for _, pages in groups for path, _ in pages]
    # A page belongs to the nearest one above it, in whichever group that is.
    nearest = max((path for path in paths if path != "/" and request.path.startswith(f"{path}/")), key=len, default="")
    if request.path in paths:
        nearest = ""
    return [Group(name, [_item(*page, nearest) for page in pages]) for name, pages in groups if pages]


def first_page(app: Flask) -> str:
    """Where somebody begins who may not see the first page."""
    beginnings = ("fault_pages.desk", "vendor_pages.own", "manual_pages.manual")
    return next(url_for(endpoint) for endpoint in beginnings if may_open(app, endpoint, g.get("identity")))


def _paths(app: Flask, pages: tuple[Page, ...]) -> Iterator[tuple[str, LazyString]]:
    return ((url_for(endpoint), name) for endpoint, name in pages if may_open(app, endpoint, g.get("identity")))


def _item(path: str, name: LazyString, nearest: str) -> Item:
    return Item(path, name, "page" if request.path == path else "true" if path == nearest else "")


def may_open(app: Flask, endpoint: str, identity: Identity | None) -> bool:
    """Whether the rule of a page lets somebody in, and the page is meant for them."""
    view: Any = app.view_functions["web.live" if endpoint == "web.home" else endpoint]
    rule = rules.rule_of(view)
    if rule == rules.PUBLIC:
        return True
    if identity is None or rule is None:
        return False
    kind = identity.reach.kind
    meant = LIMITED_TO.get(endpoint, kind) == kind
    return meant and identity.may(rule) and (rule == rules.LOGGED_IN or kind in ("district", rules.reach_of(view)))
