"""A published file as rows of text: CSV, or the JSON envelope of the K-eco open API."""

import json
import re
from typing import Any

from app.metering.reported.forms import KNOWN_COLUMNS
from app.metering.reported.texts import BAD_ITEM, BAD_JSON, NO_LIST
from app.registry.imports.sheets import File, Row, Sheet, read_sheet
from app.texts import Refused

JSON = "JSON"
NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")  # what no database takes, or no file


def read_file(file: File) -> Sheet:
    """Rows with the known columns; in JSON `line` counts the items from 1. Raises Refused for what cannot be read."""
    if file.content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return _read_json(file)
    return read_sheet(file, (), KNOWN_COLUMNS)


def _read_json(file: File) -> Sheet:
    name = file.name
    try:
        # Numbers stay text: what is no whole number is then told as it was written.
        value = json.loads(file.content.decode("utf-8-sig"), parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise Refused(BAD_JSON.fill(name=name, error=error)) from error
    items = _items(name, value)
    columns = list(dict.fromkeys(column for item in items for column in item))
    known = [column for column in KNOWN_COLUMNS if column in columns]
    rows = [Row(number, {each: _text(item.get(each)) for each in known}) for number, item in enumerate(items, 1)]
    ignored = [column for column in columns if column not in known]
    return Sheet(name, file.sha256, JSON, ignored, rows)


def _items(name: str, value: Any) -> list[dict[str, Any]]:
    data = value.get("data", value) if isinstance(value, dict) else value
    items = data.get("list") if isinstance(data, dict) else data
    if not isinstance(items, list) or not items:
        said = data.get("resultMsg") if isinstance(data, dict) else None
        raise Refused(NO_LIST.fill(name=name, said=said or "–"))
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict) or not all(map(_is_text, [*item.keys(), *item.values()])):
            raise Refused(BAD_ITEM.fill(name=name, number=number))
    return items


def _is_text(value: Any) -> bool:
    return not isinstance(value, dict | list) and not NO_TEXT.search(str(value))


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
