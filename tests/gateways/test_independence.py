"""The box stands alone, and its modules stay small."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

GATEWAYS = Path(__file__).parents[2] / "gateways"
MODULES = sorted(GATEWAYS.rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(GATEWAYS)))
def test_no_module_of_the_box_knows_the_service(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not {"app", "billing", "migrations", "scripts"} & set(imported(tree))


PURE = ["frames", "weighing"]

IMPURE = {"time", "datetime", "os", "pathlib", "serial", "sqlite3", "requests", "random"}


@pytest.mark.parametrize("name", PURE)
def test_what_decides_about_weights_looks_at_no_clock_and_opens_nothing(name: str) -> None:
    place = GATEWAYS / name
    for path in sorted(place.glob("*.py")) if place.is_dir() else [place]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not IMPURE & set(imported(tree))


def test_no_weight_is_ever_a_float() -> None:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id.endswith("_g"):
                assert "float" not in ast.unparse(node.annotation), f"{path.name}: {node.target.id}"
