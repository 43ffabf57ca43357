"""What the pages of messages call things, in the language of the page."""

from collections.abc import Callable

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

CHANNELS = {"email": _l("E-mail"), "sms": _l("SMS"), "webhook": _l("Webhook")}
STATES = {
    "waiting": (_l("Waiting"), "outline-gray"),
    "sending": (_l("Being sent"), "outline-gray"),
    "sent": (_l("Sent"), "bg-light-success"),
    "failed": (_l("Failed"), "bg-light-danger"),
    "unknown": (_l("May not have arrived"), "bg-light-warning"),
    "cancelled": (_l("Cancelled"), "outline-gray"),
    "merged": (_l("In a digest"), "outline-gray"),
}
KINDS = {
    "fault_opened": _l("Fault"),
    "fault_assigned": _l("Fault assigned"),
    "fault_escalated": _l("Fault overdue"),
    "fault_closed": _l("Fault over"),
    "incident_opened": _l("Outage"),
    "incident_escalated": _l("Outage goes on"),
    "incident_closed": _l("Outage over"),
    "digest": _l("Digest of the night"),
    "test": _l("Test message"),
}


def state(name: str) -> str:
    """A state in words."""
    return str(STATES[name][0])


def badge(name: str) -> str:
    """The KRDS badge of a state."""
    return STATES[name][1]


def reason(error: str | None) -> str:
    """Why a message is where it is, and what to do, from what the outbox wrote down."""
    if error is None:
        return ""
    code, _colon, detail = error.partition(": ")
    sentence = _REASONS.get(code)
    return sentence(detail) if sentence else error


_REASONS: dict[str, Callable[[str], str]] = {
    "no-channel": lambda _detail: _("The person has no active channel. Ask them to add one under “My channels”."),
    "no-sender": lambda detail: _("This service is not set up for it. The operator sets %(name)s.", name=detail),
    "bad-sender": lambda _detail: _("The address of the sender in the settings cannot be used. Ask the operator."),
    "forbidden-host": lambda _detail: _("The host is not in JONGNYANG_WEBHOOK_HOSTS any more. Ask the operator."),
    "not-reached": lambda _detail: _("The other side could not be reached."),
    "refused": lambda detail: _("The other side refused it (%(number)s).", number=detail),
    "no-answer": lambda _detail: _("The other side broke off without an answer, so it may have arrived."),
    "lost": lambda _detail: _("The service stopped while it was being sent, so it may have arrived."),
    "error": lambda _detail: _("Something went wrong here while it was being sent. See the log."),
    "ended": lambda _detail: _("What it tells of was over before it was sent."),
    "by-hand": lambda _detail: _("Somebody cancelled it."),
}
