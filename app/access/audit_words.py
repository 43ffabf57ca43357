"""What each action of the audit log says to staff, who read what changed after it; {actor} and {subject} are filled."""

from app.texts import Text

ACTIONS: dict[str, Text] = {}
