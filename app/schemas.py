"""What the documented forms of every domain share."""

from typing import Any

from marshmallow import RAISE, Schema, fields

MAX_ID = 2**31 - 1


class Strict(Schema):
    """Refuses unknown fields, and numbers or texts that only look like what they should be."""

    class Meta:
        unknown = RAISE


class Words(fields.String):
    """What a person writes: without blanks around it, and without what a database cannot store."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs).strip()
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise self.make_error("invalid")
        return text
