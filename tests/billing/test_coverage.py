"""Every branch of billing is taken by a case that somebody can read; properties come on top and are not counted."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
MEASURED = ("run", "--branch", "--source=billing", "-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider")
CASES = ("-m", "not hypothesis and not soak", f"--ignore={__file__}", f"--ignore={HERE / 'test_jeju.py'}", str(HERE))


def test_readable_cases_take_every_branch_of_billing(tmp_path: Path) -> None:
    coverage([*MEASURED, *CASES], tmp_path)
    print(coverage(["report", "--fail-under=100", "--show-missing"], tmp_path))


def coverage(arguments: list[str], folder: Path) -> str:
    """What coverage prints; fails with it where coverage does."""
    command = [sys.executable, "-m", "coverage", *arguments]
    environment = os.environ | {"COVERAGE_FILE": str(folder / "measured")}
    done = subprocess.run(
        command, cwd=HERE.parents[1], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
