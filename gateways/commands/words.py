"""A booked record in words."""

from datetime import datetime

from gateways.booked import BookedLine
from gateways.messages import Lang, say


def in_words(line: BookedLine, lang: Lang) -> str:
    """Return one line for a person."""
    at = datetime.fromisoformat(line.at).astimezone().strftime("%H:%M:%S")
    card = say(lang, "card", last4=line.last4) if line.last4 else say(lang, "no_card")
    return f"{at}  {line.meter}  {say(lang, line.outcome, grams=line.net_g)}  {card}"
