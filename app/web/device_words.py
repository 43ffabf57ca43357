"""What pages call the states of certificates, applications and vendors, in the language of the page."""

from flask_babel import lazy_gettext as _l

CERTIFICATES = {
    "missing": _l("No certificate"),
    "failed": _l("Failed inspection"),
    "overdue": _l("Overdue"),
    "due": _l("Due within 60 days"),
    "valid": _l("Certified"),
}
CERTIFICATE_BADGES = {
    "missing": "bg-light-warning",
    "failed": "bg-danger",
    "overdue": "bg-light-danger",
    "due": "outline-warning",
    "valid": "bg-light-success",
}
RESULTS = {"passed": _l("Passed"), "failed": _l("Failed the inspection")}
STANDING = {"standing": _l("In use"), "retired": _l("Taken away")}
KINDS = {"meter": _l("RFID meter"), "reducer": _l("Reducer")}
STATES = {
    "applied": _l("Applied"),
    "selected": _l("Selected"),
    "rejected": _l("Rejected"),
    "withdrawn": _l("Withdrawn"),
    "installed": _l("Installed"),
    "trial": _l("Trial run"),
    "trained": _l("Residents trained"),
    "surveyed": _l("Survey held"),
    "closed": _l("Closed"),
}
VENDORS = {"manufacturer": _l("Manufacturer"), "sales_point": _l("Sales point")}
ACTIVE = {"active": _l("Active"), "ended": _l("Ended")}


def name_of(words: dict[str, object], key: str) -> str:
    """The word for a key."""
    return str(words.get(key, key))
