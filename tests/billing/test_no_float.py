"""Billing computes with integers and decimals: no float can come about anywhere in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import billing

FILES = sorted(Path(billing.__file__).parent.rglob("*.py"))
MAKES_FLOATS = {"float", "round", "complex", "fmean", "fsum", "sqrt", "total_seconds", "timestamp"}


def floats_in(tree: ast.AST) -> Iterator[str]:
    """Where floats come from: literals, true division, and what makes or rounds them; names of modules of them."""
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=float() | complex()):
                yield f"{node.lineno}: a literal"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield f"{node.lineno}: /"
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in MAKES_FLOATS:
                yield f"{node.lineno}: {name}"
            case ast.Import(names=names) if {name.name for name in names} & {"math", "statistics", "random", "time"}:
                yield f"{node.lineno}: import"
            case ast.ImportFrom(module="math" | "statistics" | "random" | "time"):
                yield f"{node.lineno}: import"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_float_comes_about(file: Path) -> None:
    assert list(floats_in(ast.parse(file.read_text()))) == []


@pytest.mark.parametrize(
    "code", ["x = 0.5", "x = a / b", "x /= 2", "float(x)", "round(x)", "import math", "from time import time", "1e3"]
)
def test_whatever_makes_a_float_is_seen(code: str) -> None:
    assert list(floats_in(ast.parse(code)))


def test_there_is_something_to_look_at() -> None:
    assert {"rating.py", "statements.py", "adjusting.py"} <= {file.name for file in FILES}
