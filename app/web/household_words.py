"""What pages call the states of households and cards, and the kinds of files, in the language of the page."""

from flask_babel import lazy_gettext as _l

STATES = {"lived_in": _l("Lived in"), "empty": _l("Empty"), "abandoned": _l("Left without notice")}
STATE_BADGES = {"lived_in": "bg-light-success", "empty": "outline-gray", "abandoned": "bg-light-danger"}
CARDS = {
    "open": _l("Opens"),
    "kept": _l("Waits for the next tenancy"),
    "lost": _l("Lost"),
    "replaced": _l("Replaced"),
    "blocked": _l("Blocked"),
    "gone": _l("Returned"),
}
CARD_BADGES = {
    "open": "bg-light-success",
    "kept": "outline-gray",
    "lost": "bg-light-danger",
    "replaced": "bg-light-danger",
    "blocked": "bg-light-danger",
    "gone": "outline-gray",
}
HANDLINGS = {
    "returned": _l("Returned to the office"),
    "kept": _l("Kept by the unit for the next tenancy"),
    "blocked": _l("Not returned: block them"),
}
FILES = {
    "households": _l("Households and cards"),
    "complexes": _l("Complexes (K-eco)"),
    "history": _l("Months of an earlier system"),
    "volumes": _l("Reported volumes"),
}
# What to tell about a field that cannot be used, by its name.
ERRORS = {
    "reason": _l("Give a reason; it stays on the record."),
    "on": _l("Give a day from 1990 to a year from now."),
    "until": _l("Give a later day than that of moving in."),
    "building": _l("Give a building of up to 40 letters, and no card number."),
    "unit": _l("Give a unit of up to 40 letters, and no card number."),
    "number": _l("A card number has 8 to 24 hexadecimal digits, as a reader shows them."),
    "card": _l("Choose a card that was held at a bin, or write its number."),
    "name": _l("Give up to 100 letters."),
    "phone": _l("Give up to 100 letters."),
    "email": _l("Give up to 100 letters."),
}
