"""What the pages of the fleet call things: faults, events, commands, states, in the language of the page."""

from typing import Any

from flask_babel import format_timedelta, gettext
from flask_babel import lazy_gettext as _l

FAULTS = {
    "comm": _l("Communication"),
    "power": _l("Power"),
    "weighing": _l("Weighing"),
    "lock": _l("Lock or lid"),
    "card": _l("Card"),
    "volume": _l("Bin full"),
    "user": _l("Use"),
}
CLOCKS = {"synced": _l("Right"), "holdover": _l("Runs alone"), "unset": _l("Not set")}
LIDS = {"closed": _l("Closed"), "open": _l("Open"), "unknown": _l("Not known")}
PORTS = {"reader": _l("Reader"), "scale": _l("Scale"), "lid": _l("Lid")}
REASONS = {"card_unknown": _l("Not on the list"), "card_blocked": _l("Blocked")}
COMMANDS = {
    "open_lid": _l("Open the lid"),
    "rotate_key": _l("Change the key"),
    "sync_cards": _l("Fetch the cards anew"),
    "update": _l("Update the software"),
    "roll_back": _l("Return to the software before"),
}
STATES = {
    "waiting": _l("Waits"),
    "done": _l("Done"),
    "refused": _l("Refused by the gateway"),
    "failed": _l("Failed"),
    "expired": _l("Expired"),
}
EVENTS = {
    "claim_code_made": _l("Claim code made"),
    "claimed": _l("Claimed"),
    "key_rotation_asked": _l("Change of the key asked for"),
    "key_made": _l("New key made"),
    "key_confirmed": _l("New key in use"),
    "key_rotated": _l("The box changed its key"),
    "key_revoked": _l("Key revoked"),
    "epoch_seen": _l("New spool seen"),
    "new_epoch": _l("The box began a new spool"),
    "spool_corrupt": _l("Spool damaged, kept aside"),
    "record_aside": _l("Record set aside"),
    "disk_full": _l("Disk full, service refused"),
    "disk_ok": _l("Disk has room again"),
    "wrong_device": _l("Wrong device on a port"),
    "lid_open_asked": _l("Opening of the lid asked for"),
    "cards_sync_asked": _l("Fetching of the cards asked for"),
    "update_sent": _l("Update asked for"),
    "roll_back_asked": _l("Return to the software before asked for"),
    "update_installed": _l("Update installed"),
    "update_rolled_back": _l("Update rolled back"),
    "update_failed": _l("Update failed"),
    "command_done": _l("Command done"),
    "command_refused": _l("Command refused"),
    "command_failed": _l("Command failed"),
    "command_expired": _l("Command expired"),
    "release_added": _l("Release added"),
    "card_enrolled": _l("Card enrolled"),
}
# What the service itself books of a gateway; without an actor anything else is what the box did or told.
BY_SERVICE = frozenset({"claim_code_made", "key_made", "key_confirmed", "key_revoked", "epoch_seen"})
COMPLAINTS = {
    "missing": _l("No device is plugged in there."),
    "unplugged": _l("The device was unplugged."),
    "denied": _l("The gateway may not open it: check its group and the device's rights."),
    "in_use": _l("Another program holds it."),
    "wrong_device": _l("Another device answers than the settings name."),
    "no_frames": _l("It talks, but not this protocol: check the wiring and the line settings."),
    "identity_unanswered": _l("The device does not say who it is."),
}


def name_of(words: dict[str, object], key: str) -> str:
    """The word for a key; the key itself where a newer gateway says something that this server has no word for."""
    return str(words.get(key, key))


def doer(event: dict[str, Any]) -> str:
    """Who did what an event tells: a person by name, the service, or the box."""
    if event["actor"]:
        return str(event["actor"])
    return str(gettext("the service") if event["kind"] in BY_SERVICE else gettext("the gateway"))


def age(seconds: int) -> str:
    """A time span in its largest unit."""
    return str(format_timedelta(seconds, threshold=1.2))
