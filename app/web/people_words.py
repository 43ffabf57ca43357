"""What pages call roles, scopes and the states of accounts, in the language of the page."""

import re

from flask_babel import lazy_gettext as _l

from app.web.manual_pages import ROLE_NAMES

ROLES = ROLE_NAMES
STATES = {
    "active": (_l("May log in"), "bg-light-success"),
    "invited": (_l("Waits for a password"), "outline-gray"),
    "locked": (_l("Locked"), "bg-light-warning"),
    "disabled": (_l("Disabled"), "bg-light-danger"),
}
SCOPES = {
    "metering:read": _l("See volumes, discharges and quarantine"),
    "metering:correct": _l("Correct discharges and decide about quarantine"),
    "household:read": _l("See households and cards, personal details masked"),
    "household:reveal": _l("See personal details, for a reason that is logged"),
    "household:write": _l("Moves, cards and residents"),
    "registry:read": _l("See complexes, meters, certificates and installations"),
    "registry:write": _l("Change complexes, meters, certificates and installations"),
    "fleet:read": _l("See gateways"),
    "fleet:write": _l("Work on gateways"),
    "fault:read": _l("See faults"),
    "fault:write": _l("Report, take over and close faults"),
    "fault:manage": _l("Decide who answers for faults, and when"),
    "billing:read": _l("See statements, tariffs, payments and objections"),
    "billing:review": _l("Review previews, take down objections, payments and fee files"),
    "billing:write": _l("Preview, adjust, void and decide about objections"),
    "billing:close": _l("Close months, set tariffs and terms"),
    "vendor:read": _l("See vendors"),
    "vendor:write": _l("Change vendors"),
    "audit:read": _l("See the audit log"),
    "programme:apply": _l("Apply for meters of a complex"),
    "access:admin": _l("Accounts, invitations and tokens"),
}
# What browsers and systems are recognised by, the special before the general: Edge calls itself Chrome too.
BROWSERS = {"Edg": "Edge", "Whale": "Whale", "SamsungBrowser": "Samsung Internet", "Firefox": "Firefox"}
BROWSERS |= {"Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {"Windows": "Windows", "Android": "Android", "iPhone": "iPhone", "iPad": "iPad"}
SYSTEMS |= {"Macintosh": "macOS", "Linux": "Linux"}


def browser_of(agent: str | None) -> str:
    """`Chrome, Windows` of what a browser calls itself; of something else its first word."""
    found = [next((name for mark, name in marks.items() if mark in (agent or "")), "") for marks in (BROWSERS, SYSTEMS)]
    return ", ".join(filter(None, found)) or (re.findall(r"[\w.-]+", agent or "") or ["–"])[0]
