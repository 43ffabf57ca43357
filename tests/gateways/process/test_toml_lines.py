"""Every key of a TOML text is found where it stands, and a mistake in a config is reported on its own line."""

import json
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.config import ConfigError, load_config
from gateways.link.uplink import UplinkSettings
from gateways.toml_lines import Way, places
from gateways.weighing.thresholds import Thresholds

# --- Any TOML text

COMMENTS = st.sampled_from(["", " # a [table] = {x", "\t#", '  # """'])
BLANKS = st.sampled_from(["", "\n", "# [[meters]]\n", "  \n\t# key = 1\n", "\r\n"])
BARE = st.from_regex(r"[A-Za-z0-9_-]{1,4}", fullmatch=True)
QUOTED = st.text("ab.#=[]{}'가 ", max_size=4).map(lambda text: json.dumps(text, ensure_ascii=False))
LITERAL = st.text('ab.#=[]{}"가 \\', max_size=4).map(lambda text: f"'{text}'")
NAMES = st.one_of(BARE, QUOTED, LITERAL)
SCALARS = st.one_of(
    st.integers().map(str),
    st.sampled_from(["true", "1.5e3", "nan", "1979-05-27 07:32:00", "07:32:00", "0x_f".replace("_", ""), "-inf"]),
    QUOTED,
    LITERAL,
    st.sampled_from(['"""\n[a]\nb = 1 # \\"""\n"""', "'''\n[[c]]\n''d'\n'''", '"""a"""""', "''''a'''''", '""', "''"]),
)


def lists(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    gap = st.sampled_from(["", " ", "\n", " # ] }\n\t"])
    items = st.lists(st.tuples(gap, values, gap).map("".join), max_size=3)
    return st.tuples(items, st.booleans(), gap).map(
        lambda made: "[" + ",".join(made[0]) + ("," if made[1] and made[0] else "") + made[2] + "]"
    )


def tables(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.lists(st.tuples(NAMES, values), max_size=3)
    return pairs.map(lambda made: "{ " + ", ".join(f"{name} = {value}" for name, value in made) + " }")


VALUES = st.recursive(SCALARS, lambda values: st.one_of(lists(values), tables(values)), max_leaves=5)
KEYS = st.lists(NAMES, min_size=1, max_size=3).flatmap(
    lambda names: st.sampled_from([".", " . ", "\t."]).map(lambda dot: dot.join(names))
)
LINES = st.one_of(
    st.tuples(BLANKS, KEYS, st.sampled_from(["=", " = "]), VALUES, COMMENTS).map(lambda made: "".join(made) + "\n"),
    st.tuples(KEYS, COMMENTS).map(lambda made: f"[ {made[0]} ]{made[1]}\n"),
    st.tuples(KEYS, COMMENTS).map(lambda made: f"  [[{made[0]}]]{made[1]}\n"),
)


def ways(value: Any, way: Way = ()) -> set[Way]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {way} | {inner for step, child in steps for inner in ways(child, (*way, step))}


def valid_text(lines: list[str]) -> str:
    """The lines that TOML takes after those before them: random keys often clash."""
    text = ""
    for line in lines:
        try:
            tomllib.loads(text + line)
        except tomllib.TOMLDecodeError:
            continue
        text += line
    return text


@given(st.lists(LINES, max_size=12))
def test_every_value_of_a_text_has_a_place_and_nothing_else_has(lines: list[str]) -> None:
    text = valid_text(lines)
    assert set(places(text)) == ways(tomllib.loads(text)) - {()}


@given(st.lists(LINES, max_size=12))
def test_a_place_is_where_the_key_its_header_or_its_element_begins(lines: list[str]) -> None:
    text = valid_text(lines)
    for way, (line, column) in places(text).items():
        rest = text.split("\n")[line - 1][column - 1 :]
        name = way[-1]
        if isinstance(name, str) and not rest.startswith("["):
            # One of the names of the (dotted) key that begins here.
            assert name in names_of(rest)


def names_of(rest: str) -> list[str]:
    for match in re.finditer("=", rest):
        try:
            node = tomllib.loads(f"{rest[: match.start()]} = 0")
        except tomllib.TOMLDecodeError:
            continue
        names = []
        while isinstance(node, dict):
            [(name, node)] = node.items()
            names.append(name)
        return names
    raise AssertionError(f"no key in {rest!r}")


# --- A config with one mistake


@dataclass(frozen=True)
class Line:
    """A line of a config; `mistakes` are what may stand there instead, each wrong by itself."""

    text: str
    mistakes: tuple[str, ...] = ()


WRONG_NUMBERS = ("-1", "nan", "'5'", "[1]", "{ a = 1 }", "1979-05-27")


def number(name: str, value: Any) -> Line:
    wrong = (*WRONG_NUMBERS, "true", *(("1.5",) if isinstance(value, int) else ()))
    return Line(f"{name} = {value}", (*(f"{name} = {found}" for found in wrong), f"{name}x = {value}"))


def text(name: str, value: str, *more: str) -> Line:
    wrong = ("5", "''", "true", "[]", *more)
    return Line(f'{name} = "{value}"', tuple(f"{name} = {found}" for found in wrong))


def device(name: str, port: str, *lines: Line) -> list[Line]:
    return [Line(f"[meters.{name}]", (f"[meters.{name}x]",)), text("port", port), *lines]


def meter(index: int) -> list[Line]:
    return [
        Line("[[meters]]"),
        text("meter", f"W0G-001-01-{index}"),
        number("capacity_g", 100_000),
        *device(
            "reader", f"/dev/r{index}", text("protocol", "rdm6300", "'cas_22'", "'rdm630'"), number("baudrate", 9600)
        ),
        *device(
            "scale", f"/dev/s{index}", text("protocol", "cas_22", "'rdm6300'"), text("stability", "inferred", "'x'")
        ),
        *device("lid", f"/dev/l{index}", text("driver", "relay", "'motor'")),
        *device("display", f"/dev/d{index}", text("language", "en", "'fr'")),
    ]


def table(name: str, kind: type[Any]) -> list[Line]:
    numbers = [f for f in fields(kind) if f.type in (int, float)]
    return [Line(f"[{name}]", (f"[{name}s]",)), *(number(f.name, getattr(kind(), f.name)) for f in numbers)]


TOP = [
    text("server", "https://meters.example.go.kr", "'meters.example.go.kr'", "'ftp://a'"),
    text("key_file", "gateway.key"),
    text("spool", "spool.db"),
    text("port_log", "log"),
]


@st.composite
def broken_configs(draw: st.DrawFn) -> tuple[str, int]:
    """A config in random layout with one wrong line, and that line's number."""
    parts = [meter(index) for index in range(draw(st.integers(1, 3)))]
    parts += [table("session", Thresholds), table("uplink", UplinkSettings)]
    lines = TOP + [line for part in draw(st.permutations(parts)) for line in part]
    wrong = draw(st.sampled_from([index for index, line in enumerate(lines) if line.mistakes]))
    written, at = "", 0
    for index, line in enumerate(lines):
        written += draw(BLANKS)
        if index == wrong:
            at = written.count("\n") + 1
        chosen = draw(st.sampled_from(line.mistakes)) if index == wrong else line.text
        written += draw(st.sampled_from(["", "  ", "\t"])) + chosen + draw(COMMENTS) + "\n"
    return written, at


@given(broken_configs())
def test_a_mistake_is_reported_on_its_own_line(tmp_path_factory: pytest.TempPathFactory, made: tuple[str, int]) -> None:
    written, at = made
    path: Path = tmp_path_factory.getbasetemp() / "broken.toml"
    path.write_bytes(written.encode())
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert at in {problem.place.line for problem in caught.value.problems if problem.place}
    # A name that is written wrong is also missing where it should stand; nothing else is told.
    assert {p.key for p in caught.value.problems if p.place and p.place.line != at} <= {"config_missing"}
    assert f"{path}:{at}:" in caught.value.in_words("en")
