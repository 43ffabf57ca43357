"""Fills frozen dataclasses from a TOML file, and collects every problem with its line not only the first."""

import difflib
import math
import re
import tomllib
import types
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from gateways.messages import Lang, say
from gateways.toml_lines import Place, Way, places

T = TypeVar("T")

_SYNTAX_PLACE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
# What a number counts, by the end of its setting's name.
_UNITS: Final = {"_s": "config_seconds", "_g": "config_grams", "_bytes": "config_bytes"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in the file: where, and the message's key and values."""

    place: Place | None
    key: str
    values: dict[str, object]


class ConfigError(Exception):
    """The config file cannot be used. `in_words` gives a line for every problem: place, setting, found, expected."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        super().__init__(path, problems)
        self.path = path
        self.problems = sorted(problems, key=lambda problem: problem.place or Place(0, 0))

    def in_words(self, lang: Lang) -> str:
        """Return `file:line:column: text` lines."""
        return "\n".join(
            f"{self._where(problem)}: {say(lang, problem.key, **problem.values)}" for problem in self.problems
        )

    def _where(self, problem: Problem) -> str:
        return f"{self.path}:{problem.place.line}:{problem.place.column}" if problem.place else str(self.path)

    def __str__(self) -> str:
        return self.in_words("en")


class Tables:
    """A TOML file's values, what is wrong with them, and where. Raises ConfigError for a file that is no TOML."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problems: list[Problem] = []
        text = self._text()
        try:
            self.values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(path, [_syntax(text, str(error))]) from error
        self._places = places(text)

    def _text(self) -> str:
        try:
            data = self._path.read_bytes()
        except OSError as error:
            raise ConfigError(self._path, [Problem(None, "config_unreadable", {"problem": error.strerror})]) from error
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line_start = data.rfind(b"\n", 0, error.start) + 1
            place = Place(data.count(b"\n", 0, error.start) + 1, error.start - line_start + 1)
            raise ConfigError(self._path, [Problem(place, "config_not_utf8", {})]) from error

    def report(self, way: Way, key: str, **values: object) -> None:
        """Note a problem with the setting at `way`, or with the nearest table around it that is in the file."""
        near = way
        while near and near not in self._places:
            near = near[:-1]
        named = {"setting": _dotted(way), "header": ".".join(step for step in way if isinstance(step, str))}
        self.problems.append(Problem(self._places.get(near, Place(1, 1)), key, {**named, **values}))

    def line(self, way: Way) -> int:
        """Return the line of a setting that is in the file."""
        return self._places[way].line

    def get(self, way: Way) -> object:
        """Return the value at `way`, None if there is none."""
        value: Any = self.values
        for step in way:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    # --- Filling

    def fill(
        self, kind: type[T], way: Way = (), check: Callable[[Any, Way], None] = lambda _made, _way: None
    ) -> T | None:
        """Make a `kind` of the table at `way`: None if something in it is wrong, which is then in `problems`.

        Fields may be texts, numbers, booleans, paths (relative to the file's folder), literals, other dataclasses and
        tuples of them. A field's metadata `toml` is its name in the file. `check` sees every dataclass that was made.
        """
        before = len(self.problems)
        table = self.get(way) if way else self.values
        if not isinstance(table, dict):
            self.report(way, "config_table", found=_shown(table))
            return None
        settings = {_name(field): field for field in _settings(kind)}
        self._refuse_unknown(way, table, settings)
        hints = get_type_hints(kind)
        values = {
            field.name: self._value(hints[field.name], (*way, name), field, check)
            for name, field in settings.items()
            if self._is_given(way, table, name, field)
        }
        made = self._make(kind, values, way, table) if len(self.problems) == before else None
        if made is not None:
            check(made, way)
        return made

    def _refuse_unknown(self, way: Way, table: dict[str, Any], settings: dict[str, Field[Any]]) -> None:
        for name in table.keys() - settings.keys():
            [*guess] = difflib.get_close_matches(name, settings, n=1)
            key = "config_unknown_guess" if guess else "config_unknown"
            self.report((*way, name), key, guess="".join(guess), known=", ".join(sorted(settings)))

    def _is_given(self, way: Way, table: dict[str, Any], name: str, field: Field[Any]) -> bool:
        if name in table:
            return True
        if field.default is MISSING and field.default_factory is MISSING:
            self.report((*way, name), "config_missing")
        return False

    def _make(self, kind: type[T], values: dict[str, Any], way: Way, table: dict[str, Any]) -> T | None:
        try:
            return kind(**values)
        except ValueError as error:
            # The line of the first setting that the reason names, else of the table.
            named = [name for name in table if re.search(rf"\b{re.escape(name)}\b", str(error))]
            self.report((*way, *named[:1]), "config_refused", problem=error)
            return None

    def _value(self, hint: Any, way: Way, field: Field[Any], check: Callable[[Any, Way], None]) -> Any:
        hint = _without_none(hint)
        if is_dataclass(hint):
            return self.fill(cast("type[Any]", hint), way, check)
        if get_origin(hint) is tuple:
            return self._rows(get_args(hint)[0], way, check)
        value = self.get(way)
        if problem := _problem(hint, value, str(way[-1]), field.default):
            self.report(way, problem, found=_shown(value), choices=", ".join(map(_shown, get_args(hint))))
        elif hint is Path:
            return self._path.parent / str(value)
        return value

    def _rows(self, kind: Any, way: Way, check: Callable[[Any, Way], None]) -> tuple[Any, ...]:
        rows = self.get(way)
        if not isinstance(rows, list) or not rows:
            self.report(way, "config_tables", found=_shown(rows))
            return ()
        return tuple(self.fill(kind, (*way, index), check) for index in range(len(rows)))


def _settings(kind: type[Any]) -> tuple[Field[Any], ...]:
    return fields(kind)


def _name(field: Field[Any]) -> str:
    return str(field.metadata.get("toml", field.name))


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        [hint] = [part for part in get_args(hint) if part is not type(None)]
    return hint


def _problem(hint: Any, value: object, name: str, default: object) -> str | None:
    """The message's key if the value does not fit. A whole number will do for a fraction, never a boolean."""
    if get_origin(hint) is Literal:
        fits = any(value == choice and type(value) is type(choice) for choice in get_args(hint))
        return None if fits else "config_choice"
    if hint in (str, Path):
        return None if isinstance(value, str) and (value or default == "") else "config_text"
    if hint is bool:
        return None if isinstance(value, bool) else "config_bool"
    allowed = (int, float) if hint is float else (int,)
    # Neither infinite nor not-a-number, which TOML can write.
    fits = type(value) in allowed and 0 <= value < math.inf  # type: ignore[operator]
    return None if fits else _number_problem(name, hint)


def _number_problem(name: str, hint: Any) -> str:
    whole = "config_whole" if hint is int else "config_number"
    return next((key for end, key in _UNITS.items() if name.endswith(end)), whole)


def _shown(value: object) -> str:
    """A value as one would write it in TOML, cut if it is long."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else "[…]"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _dotted(way: Way) -> str:
    return "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in way).lstrip(".")


def _syntax(text: str, reason: str) -> Problem:
    match = _SYNTAX_PLACE.search(reason)
    if match is None or match[1] is None:
        last = text.rstrip().rpartition("\n")[2]
        place = Place(text.rstrip().count("\n") + 1, len(last) + 1)
    else:
        place = Place(int(match[1]), int(match[2]))
    return Problem(place, "config_syntax", {"problem": _SYNTAX_PLACE.sub("", reason)})
