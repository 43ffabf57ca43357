"""The parts of a backup, taken out and put back changed."""

import zipfile
from contextlib import closing
from pathlib import Path


def zipped(path: Path) -> dict[str, bytes]:
    with closing(zipfile.ZipFile(path)) as file:
        return {name: file.read(name) for name in file.namelist()}


def rewrite(path: Path, changes: dict[str, bytes]) -> None:
    """The same file with other parts, as somebody might make it who knows how."""
    parts = zipped(path) | changes
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
