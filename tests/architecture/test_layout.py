"""The tree keeps its promises: who imports whom, what may be committed, and that every make target explains itself."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
THIRD_PARTY = re.compile(r"\.min\.(js|css)$|(^|/)(vendor|third_party|node_modules)/")
LONGEST_LINE = 2000  # nobody types a longer one; a minifier or a bundler does


def committed_files() -> list[str]:
    """What git knows or would add; the files themselves where there is no git, as in an unpacked archive."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        folders = ("app", "billing", "gateways", "migrations", "scripts", "tests", "docs")
        return [str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).rglob("*.*")]
    return [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def imported_packages(source: str) -> Iterator[str]:
    """The first part of each module that the source imports, wherever in it; relative imports stay inside."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def imports_of(package: str) -> set[tuple[str, str]]:
    """Pairs of a file of `package` and a package that it imports."""
    files = list((ROOT / package).rglob("*.py"))
    assert files, f"{package}/ holds no Python file: this test looks in the wrong place."
    return {(str(file.relative_to(ROOT)), name) for file in files for name in imported_packages(file.read_text())}


def test_billing_imports_the_standard_library_only() -> None:
    foreign = {
        (file, name) for file, name in imports_of("billing") if name not in {*sys.stdlib_module_names, "billing"}
    }
    assert not foreign


def test_migrations_import_nothing_of_the_service() -> None:
    # A migration must do in ten years what it does today, whatever has become of the models.
    inside = {"app", "billing", "gateways", "scripts"}
    assert not {(file, name) for file, name in imports_of("migrations/versions") if name in inside}


def test_imports_are_found_wherever_they_stand() -> None:
    source = "import os.path as p\ndef f():\n    from app.db import Base\nfrom . import x\nfrom .y import z\n"
    assert set(imported_packages(source)) == {"os", "app"}


def test_no_third_party_file_is_committed() -> None:
    assert not [name for name in committed_files() if THIRD_PARTY.search(name)]


def test_no_script_or_style_is_minified() -> None:
    written = [ROOT / name for name in committed_files() if name.endswith((".js", ".css", ".html"))]
    assert not [str(path) for path in written if max(map(len, path.read_text().splitlines()), default=0) > LONGEST_LINE]


def test_every_make_target_explains_itself() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.MULTILINE))
    explained = set(re.findall(r"^([a-z][a-z-]*):(?!=).*## \w", makefile, re.MULTILINE))
    assert {"install", "run", "test", "lint", "bench", "soak", "clean"} <= targets
    assert targets == explained


@pytest.mark.parametrize("arguments", [[], ["help"]])
def test_make_alone_lists_the_targets(arguments: list[str]) -> None:
    shown = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "make test " in shown
    assert "make run " in shown
