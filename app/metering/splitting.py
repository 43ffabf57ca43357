"""Takes a batch apart that the fast reader refuses as a whole, so that one record's odd JSON stays that record's fault.

Half a surrogate pair or NaN inside one record makes msgspec give up on the entire body. Python's own reader tolerates
both; it only finds where each record begins and ends, and every record keeps its own bytes.
"""

import json
from collections.abc import Iterator

_scan = json.JSONDecoder().raw_decode
SPACE = " \t\n\r"


def split(content: bytes) -> tuple[bytes, list[bytes]]:
    """The envelope with its records taken out, and the records. Raises ValueError where even this is no JSON object."""
    text = content.decode()
    try:
        for name, start, end in _members(text):
            if name == "discharges" and text[start] == "[":
                records = [text[first:last].encode() for first, last in _elements(text, start)]
                return (text[:start] + "[]" + text[end:]).encode(), records
    except (IndexError, RecursionError) as error:
        raise ValueError("the body ends too early, or is nested too deeply") from error
    raise ValueError("there are no discharges in the body")


def _members(text: str) -> Iterator[tuple[object, int, int]]:
    """Name, start and end of each member's value in the outermost object."""
    at = _after(text, 0, "{")
    while text[at] != "}":
        name, at = _scan(text, at)
        start = _after(text, at, ":")
        _, at = _scan(text, start)
        yield name, start, at
        at = _next(text, at)


def _elements(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Start and end of each element of the array that begins at `start`."""
    at = _after(text, start, "[")
    while text[at] != "]":
        _, end = _scan(text, at)
        yield at, end
        at = _next(text, end)


def _next(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _after(text: str, at: int, mark: str) -> int:
    at = _skip(text, at)
    if text[at] != mark:
        raise ValueError(f"expected {mark} at character {at}")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while text[at] in SPACE:
        at += 1
    return at
