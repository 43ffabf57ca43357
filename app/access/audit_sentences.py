"""An entry of the audit log as staff read it: one function for pages, the API and commands."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from app.access.audit_words import ACTIONS, FIELDS, VALUES
from app.texts import Text, listed
from billing.days import SEOUL

UNKNOWN_ACTION = Text("{actor} 님: {action} {subject}", "{actor}: {action} {subject}")
COMMAND_LINE = Text("명령줄 사용자 {user}", "{user} at the command line")
BY_NAME = Text("{name}({actor})", "{name} ({actor})")
NOTHING = Text("–", "–")
YES, NO = Text("예", "yes"), Text("아니요", "no")
ORIGINS = {"page": Text("화면", "page"), "api": Text("API", "API"), "command": Text("명령", "command")}
FROM_ADDRESS = Text("{via}, {address}", "{via}, {address}")
CHANGED = Text("{name}: {before} → {after}", "{name}: {before} → {after}")
GIVEN = Text("{name}: {after}", "{name}: {after}")


class Change(NamedTuple):
    """A field that differs; `before` is None where the entry tells only what was given or done."""

    name: Text
    before: Text | None
    after: Text

    @property
    def line(self) -> Text:
        """The change in one line."""
        return GIVEN.fill(name=self.name, after=self.after) if self.before is None else CHANGED.fill(**self._asdict())


class Told(NamedTuple):
    """An entry in words; `row` is what is stored, as `audit_queries` gives it."""

    id: int
    at: datetime
    sentence: Text
    changes: tuple[Change, ...]
    reason: str | None
    origin: Text
    row: dict[str, Any]


def told(row: dict[str, Any]) -> Told:
    """Turn an entry, a row of `audit_queries.entries`, into sentences."""
    words = {"actor": _actor(row), "subject": row["subject"], "action": row["action"]}
    sentence = ACTIONS.get(row["action"], UNKNOWN_ACTION).fill(**words)
    changes = tuple(_changes(row["before"], row["after"]))
    return Told(row["id"], row["at"], sentence, changes, row["reason"], _origin(row), row)


def as_plain(entry: Told, language: str) -> dict[str, Any]:
    """An entry for programs: what is stored, and what it says in one language, each change in one of `lines` too."""
    changes = [
        {"name": name.said(language), "before": before and before.said(language), "after": after.said(language)}
        for name, before, after in entry.changes
    ]
    lines = [change.line.said(language) for change in entry.changes]
    return entry.row | {"sentence": entry.sentence.said(language), "changes": changes, "lines": lines}


def field_name(name: str) -> Text:
    """What people call a field."""
    return FIELDS.get(name, Text(name, name))


def _actor(row: Mapping[str, Any]) -> Text:
    actor, name = row["actor"], row["actor_name"]
    if name is not None:
        return BY_NAME.fill(name=name, actor=actor)
    kind, _, user = actor.partition(":")
    return COMMAND_LINE.fill(user=user) if kind == "cli" and user else Text(actor, actor)


def _origin(row: Mapping[str, Any]) -> Text:
    via = ORIGINS.get(row["via"], Text(row["via"], row["via"]))
    return FROM_ADDRESS.fill(via=via, address=row["address"]) if row["address"] else via


def _changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Change]:
    old, new = before or {}, after or {}
    return [
        Change(field_name(name), None if before is None else _value(name, old.get(name)), _value(name, new.get(name)))
        for name in dict.fromkeys((*old, *new))
        if before is None or old.get(name) != new.get(name)
    ]


def _value(name: str, value: Any) -> Text:
    """A stored value as people write it: instants in Seoul, nothing as a dash."""
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, list):
        return listed(_value(name, each) for each in value)
    if isinstance(value, dict):
        return listed(GIVEN.fill(name=field_name(key), after=_value(key, each)) for key, each in value.items())
    text = _in_seoul(str(value))
    return VALUES.get(name, {}).get(text, Text(text, text))


def _in_seoul(text: str) -> str:
    """An instant as `2026-11-27 15:02:05` of Seoul; any other text as it is."""
    try:
        instant = datetime.fromisoformat(text)
        return f"{instant.astimezone(SEOUL):%Y-%m-%d %H:%M:%S}" if instant.tzinfo else text
    except (ValueError, OverflowError):
        return text
