"""scripts/apt.sh installs Debian packages where it may, says what to type where it may not, and never fails."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "apt.sh"
TOOLS = ("env", "grep", "mktemp", "rm", "sh", "tail")
INSTALLED = "printf 'install ok installed'"
NOT_INSTALLED = "exit 1"
CALLED = "echo apt-get $* >>$CALLS"


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Mapping[str, str]], tuple[str, str]]:
    """Run the script with the given commands only; returns what it said, and the calls of apt-get."""

    def run_with(commands: Mapping[str, str]) -> tuple[str, str]:
        folder, calls = tmp_path / "bin", tmp_path / "calls"
        folder.mkdir()
        calls.touch()
        for tool in TOOLS:
            (folder / tool).symlink_to(f"/usr/bin/{tool}")
        for name, body in commands.items():
            (folder / name).write_text(f"#!/usr/bin/sh\n{body}\n")
            (folder / name).chmod(0o755)
        done = subprocess.run(
            ["/usr/bin/sh", SCRIPT, "Browser tests", "chromium", "fonts-nanum"],
            env={"PATH": str(folder), "CALLS": str(calls)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert not done.stderr
        return done.stdout, calls.read_text()

    return run_with


def test_nothing_is_said_where_everything_is_there(run: Callable[..., tuple[str, str]]) -> None:
    assert run({"dpkg-query": INSTALLED, "apt-get": CALLED}) == ("", "")


def test_root_installs_what_is_missing(run: Callable[..., tuple[str, str]]) -> None:
    said, calls = run({"dpkg-query": NOT_INSTALLED, "apt-get": CALLED, "id": "echo 0"})
    assert "Installing the Debian packages chromium fonts-nanum" in said
    assert calls.splitlines()[0].endswith("update")
    assert calls.splitlines()[1].endswith("install --yes --no-install-recommends chromium fonts-nanum")


def test_sudo_is_used_where_it_asks_for_no_password(run: Callable[..., tuple[str, str]]) -> None:
    sudo = 'shift; exec "$@"'
    _, calls = run({"dpkg-query": NOT_INSTALLED, "apt-get": CALLED, "id": "echo 1000", "sudo": sudo, "true": ""})
    assert calls.count("apt-get") == 2


def test_others_are_told_what_to_type(run: Callable[..., tuple[str, str]]) -> None:
    said, calls = run({"dpkg-query": NOT_INSTALLED, "apt-get": CALLED, "id": "echo 1000", "sudo": "exit 1"})
    assert said.startswith("Browser tests need chromium fonts-nanum, which only root may install.")
    assert "sudo apt-get install --yes chromium fonts-nanum" in said
    assert not calls


def test_a_failed_installation_shows_why_and_what_to_type(run: Callable[..., tuple[str, str]]) -> None:
    apt = "echo E: no network; exit 100"
    said, _ = run({"dpkg-query": NOT_INSTALLED, "apt-get": apt, "id": "echo 0"})
    assert "E: no network" in said
    assert "sudo apt-get install --yes chromium fonts-nanum" in said


def test_another_system_is_told_the_names(run: Callable[..., tuple[str, str]]) -> None:
    said, _ = run({"id": "echo 0"})
    assert "need chromium fonts-nanum (Debian's names)" in said
