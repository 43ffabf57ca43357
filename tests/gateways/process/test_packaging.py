"""What an installer copies to the box is whole: the unit, its notes, and the packages that a gateway needs."""

import ast
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GATEWAYS = ROOT / "gateways"
UNIT = GATEWAYS / "systemd" / "jongnyang-gateway.service"
MOST_EXPOSED = 2.0  # of 10, where 10 is a service without any limit
PACKAGES = {"serial": "pyserial"}

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here (apt-get install systemd)"
)


def settings(section: str) -> dict[str, list[str]]:
    """The unit's settings, which may repeat."""
    found: dict[str, list[str]] = {}
    current = ""
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            current = line.strip("[]")
        elif "=" in line and not line.startswith("#") and current == section:
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_the_unit_is_watched_restarted_for_ever_and_may_touch_only_its_own() -> None:
    service = settings("Service")
    assert (service["Type"], service["WatchdogSec"], service["Restart"]) == (["notify"], ["60"], ["always"])
    assert settings("Unit")["StartLimitIntervalSec"] == ["0"]
    assert (service["User"], service["SupplementaryGroups"]) == (["jongnyang"], ["dialout"])
    assert service["ProtectSystem"] == ["strict"]
    assert service["NoNewPrivileges"] == ["yes"]
    assert service["DevicePolicy"] == ["closed"]
    assert all(re.fullmatch(r"char-tty\w+ rw", allowed) for allowed in service["DeviceAllow"])


@needs_systemd
def test_systemd_takes_the_unit_without_a_warning(tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8").replace("/opt/jongnyang/bin/jongnyang-gateway", sys.executable)
    unit = tmp_path / UNIT.name
    unit.write_text(text, encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_the_unit_is_as_closed_as_its_work_allows(tmp_path: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED * 10:.0f}", "--no-pager"]
    done = subprocess.run([*command, UNIT], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_the_drivers_of_every_allowed_kind_of_adapter_are_loaded_before() -> None:
    modules = (UNIT.parent / "modules-load.conf").read_text(encoding="utf-8")
    named = {line for line in modules.splitlines() if line and not line.startswith("#")}
    # ttyS and ttyAMA are in the kernel itself.
    assert named == {"usbserial", "cdc_acm"}


def test_the_files_are_packed_with_the_software() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert "systemd/*" in setup["options.package_data"]["gateways"]


def imports_of_the_box() -> set[str]:
    found = set()
    for path in GATEWAYS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return {PACKAGES.get(name, name) for name in found - set(sys.stdlib_module_names) - {"gateways"}}


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def test_the_box_imports_exactly_what_is_installed_on_it() -> None:
    lines = (GATEWAYS / "requirements.in").read_text(encoding="utf-8").splitlines()
    assert imports_of_the_box() == {line for line in lines if line and not line.startswith("#")}


def test_the_box_runs_with_the_versions_that_the_service_is_tested_with() -> None:
    mine, all_pins = pins("requirements-gateway.lock"), pins("requirements.lock")
    assert imports_of_the_box() <= mine.keys()
    assert mine.items() <= all_pins.items()
    assert len(mine) < len(all_pins) / 2
