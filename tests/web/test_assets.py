"""What the pages load comes from locked packages, and nothing of it from another host."""

import json
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.access.people import PAGE

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "app/web/static/vendor"
OURS = [
    *(ROOT / "app/web/static").glob("*.*"),
    VENDOR / "krds.css",
    VENDOR / "uPlot.min.css",
    VENDOR / "swagger-ui.css",
]


def test_the_lock_fits_the_packages_and_names_no_host() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    wanted = json.loads((ROOT / "package.json").read_text())
    for kind in ("dependencies", "devDependencies"):
        for name, version in wanted[kind].items():
            assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


def test_every_locked_package_has_its_hash() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


@pytest.mark.parametrize("file", [file for file in OURS if file.suffix == ".css"], ids=lambda file: file.name)
def test_style_sheets_load_only_files_that_are_there(file: Path) -> None:
    found = re.findall(r"""url\(["']?([^"')]+)|@import ["']([^"']+)""", file.read_text())
    for named in ("".join(groups) for groups in found):
        assert named.startswith("data:") or (file.parent / named).is_file(), named


@pytest.mark.parametrize("path", ["/", "/volumes", "/complexes", "/api/docs", "/problems"])
def test_pages_load_only_files_that_are_there(client: FlaskClient, path: str) -> None:
    page = client.get(path, headers=PAGE).text
    loaded = re.findall(r'(?:src|href)="([^"]+\.(?:css|js|svg|woff2))"', page)
    assert loaded
    for file in loaded:
        assert file.startswith("/static/"), file
        with client.get(file) as answer:
            assert answer.status_code == 200, file


@pytest.mark.parametrize("path", ["/", "/volumes", "/api/docs"])
def test_no_page_may_load_from_elsewhere_or_run_what_stands_in_it(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers=PAGE)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert ("img-src 'self' data:" in policy) == (path == "/api/docs")
    assert not re.search(r"<style|<script(?![^>]* src=)| on\w+=| style=", answer.text)
