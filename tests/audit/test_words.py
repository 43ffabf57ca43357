"""Everything that is booked has words in both languages, nobody's name stands in it, and no route books nothing."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.access import audit, rules
from app.access.audit_sentences import told
from app.access.audit_words import ACTIONS, FIELDS, KINDS, VALUES
from app.metrics import UNAUDITED
from app.texts import Text
from tests.access.people import running_app
from tests.audit.log import START, Log
from tests.metering.staff import Staff

APP = Path(audit.__file__).parents[1]
ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
WORDS = APP / "access" / "audit_words.py"


def strings() -> Iterator[tuple[str, bool]]:
    """Every string of the service's code, and whether it is the beginning of an f-string such as `account.{done}`."""
    for path in APP.rglob("*.py"):
        if path == WORDS:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
                yield str(node.values[0].value), True
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value, False


def test_every_action_that_has_a_sentence_is_booked_somewhere() -> None:
    found = list(strings())
    plain = {text for text, begins in found if not begins}
    beginnings = {text for text, begins in found if begins}
    unused = [
        action
        for action in ACTIONS
        if action not in plain and not (f"{action.split('.')[0]}." in beginnings and action.split(".")[1] in plain)
    ]
    assert unused == []


def test_an_action_without_a_sentence_is_refused(log: Log) -> None:
    with pytest.raises(ValueError, match=r"card\.eaten has no sentence"):
        log.book(action="card.eaten")
    assert log.head.number == 0


def test_actions_are_named_by_noun_and_verb() -> None:
    assert [action for action in ACTIONS if not ACTION.fullmatch(action)] == []


def test_a_sentence_names_who_or_what_and_ends_as_one() -> None:
    for text, end in ((text, end) for texts in ACTIONS.values() for text, end in zip(texts, ("다.", "."), strict=True)):
        names = {name for _, name, _, _ in string.Formatter().parse(text) if name}
        assert names, text
        assert names <= {"actor", "subject"}, text
        assert text.endswith(end), text


@pytest.mark.parametrize("words", [ACTIONS, FIELDS, KINDS, *VALUES.values()], ids=lambda words: next(iter(words)))
def test_words_are_korean_and_english(words: dict[str, Text]) -> None:
    for text in words.values():
        assert re.search("[가-힣]", text.ko) or text.ko.isupper() or text.ko == text.en, text
        assert not re.search("[가-힣]", text.en), text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        ([], "–"),
        (True, "예"),
        (False, "아니요"),
        (0, "0"),
        ("update", "소프트웨어 갱신"),
        (["a", "b"], "a, b"),
        ({"net_g": 5}, "무게(g): 5"),
        ("2026-11-27T06:02:05+00:00", "2026-11-27 15:02:05"),
        ("2026-11-27", "2026-11-27"),
        ("{actor}", "{actor}"),
        ("9999-12-31T23:59:59+00:00", "9999-12-31T23:59:59+00:00"),
    ],
)
def test_values_are_written_as_people_write_them(value: object, shown: str) -> None:
    row = {"id": 1, "at": START, "action": "gateway.command_given", "actor": "kim", "actor_name": None, "via": "page"}
    row |= {"subject": "GW-1", "before": {"command": "?"}, "after": {"command": value}, "reason": None, "address": None}
    (change,) = told(row).changes
    assert change.line.ko == f"명령: ? → {shown}"


def test_an_action_of_an_older_version_is_still_told() -> None:
    row = {"id": 1, "at": START, "action": "bin.polished", "actor": "kim", "actor_name": "김하나", "via": "telex"}
    row |= {"subject": "M1", "before": None, "after": None, "reason": None, "address": "10.0.0.9"}
    entry = told(row)
    assert entry.sentence == Text("김하나(kim) 님: bin.polished M1", "김하나 (kim): bin.polished M1")
    assert entry.origin.en == "telex, 10.0.0.9"


@pytest.mark.unaudited
def test_a_route_that_changes_something_and_books_nothing_is_counted(database_url: str) -> None:
    def forget() -> str:
        return "done"

    with running_app(database_url) as app:
        app.add_url_rule("/api/v1/forgetful", view_func=rules.scope("fleet:write")(forget), methods=["POST"])
        staff = Staff(app)
        before = UNAUDITED.labels("forget")._value.get()
        assert staff.post("/forgetful", {}).status_code == 200
        assert UNAUDITED.labels("forget")._value.get() == before + 1
