"""Where each key of a TOML text stands. The standard parser says what a text means, but not where it says it.

Only for a text that `tomllib` has taken: what is wrong with it otherwise is not noticed here.
"""

import re
import tomllib
from typing import Final, NamedTuple

# The way to a value: names of tables and keys, numbers of elements. ("meters", 0, "scale", "port")
Way = tuple[str | int, ...]

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_NAME: Final = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*')"""
_KEY: Final = re.compile(rf"{_NAME}(?:[ \t]*\.[ \t]*{_NAME})*")
# A string of several lines may end in up to five quotes, of which the last three close it.
_SCALAR: Final = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*'|[^,\]}#\r\n]+''', re.DOTALL
)


class Place(NamedTuple):
    """Line and column of a key, both from 1."""

    line: int
    column: int


def places(text: str) -> dict[Way, Place]:
    """Return where the key or the table's header of every value stands; an element's place is its own first sign."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: dict[Way, Place] = {}
        self._elements: dict[Way, int] = {}  # how many [[tables]] of a name there have been

    def scan(self) -> dict[Way, Place]:
        table: Way = ()
        while not self._is_next(""):
            if self._is_next("["):
                table = self._header()
            else:
                self._pair(table)
        return self._found

    def _is_next(self, sign: str) -> bool:
        """Whether `sign` comes next after blanks and comments; nothing comes at the end of the text."""
        self._at = self._end(_BLANK)
        return self._text.startswith(sign, self._at) if sign else self._at == len(self._text)

    def _skip(self, sign: str) -> None:
        if self._is_next(sign):
            self._at += len(sign)

    def _end(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self._at)
        assert match is not None, "tomllib took this text"
        return match.end()

    def _take(self, pattern: re.Pattern[str]) -> str:
        start, self._at = self._at, self._end(pattern)
        return self._text[start : self._at]

    def _note(self, way: Way, at: int) -> None:
        line_start = self._text.rfind("\n", 0, at) + 1
        self._found.setdefault(way, Place(self._text.count("\n", 0, at) + 1, at - line_start + 1))

    def _header(self) -> Way:
        start, is_element = self._at, self._text.startswith("[[", self._at)
        self._skip("[[" if is_element else "[")
        self._is_next("")
        way = self._inside((), _names(self._take(_KEY)), start, is_element)
        self._skip("]]" if is_element else "]")
        return way

    def _inside(self, way: Way, names: list[str], at: int, is_element: bool = False) -> Way:
        """The way of dotted names; a name of [[tables]] stands for the newest, or for a new one in its own header."""
        for index, name in enumerate(names):
            way = (*way, name)
            self._note(way, at)
            if is_element and index == len(names) - 1:
                self._elements[way] = self._elements.get(way, 0) + 1
            if way in self._elements:
                way = (*way, self._elements[way] - 1)
                self._note(way, at)
        return way

    def _pair(self, table: Way) -> None:
        start = self._at
        way = self._inside(table, _names(self._take(_KEY)), start)
        self._skip("=")
        self._value(way)

    def _value(self, way: Way) -> None:
        if self._is_next("["):
            self._list(way)
        elif self._is_next("{"):
            self._table(way)
        else:
            self._take(_SCALAR)

    def _list(self, way: Way) -> None:
        self._skip("[")
        count = 0
        while not self._is_next("]"):
            self._note((*way, count), self._at)
            self._value((*way, count))
            count += 1
            self._skip(",")
        self._skip("]")

    def _table(self, way: Way) -> None:
        self._skip("{")
        while not self._is_next("}"):
            self._pair(way)
            self._skip(",")
        self._skip("}")


def _names(key: str) -> list[str]:
    """Split a dotted key, which may be quoted, by reading a text made of it alone."""
    names = []
    node = tomllib.loads(f"{key} = 0")
    while isinstance(node, dict):
        [(name, node)] = node.items()
        names.append(name)
    return names
