"""A signed release reaches a running box over the network and proves itself at the bins; a bad one is given up."""

import io
import json
import re
import shlex
import subprocess
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.access.models import GatewayEvent
from app.db import Database
from gateways import __version__
from scripts.sign_release import main as sign_release
from tests.gateways.process.test_install import ROOT, Installer, database, installer, nets, wait_until  # noqa: F401
from tests.gateways.process.test_packaging import settings

TRIAL_S = 30  # proven after a third of it


def wheel(folder: Path, version: str, *, broken: bool = False) -> Path:
    """This very software under another version; a broken one ends when it begins."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((ROOT / "gateways").rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if path == ROOT / "gateways/__init__.py":
                text = text.replace(f'"{__version__}"', f'"{version}"')
            if broken and path == ROOT / "gateways/box.py":
                text = "raise RuntimeError('this release is bad')\n"
            archive.writestr(str(path.relative_to(ROOT)), text)
        metadata = f"Metadata-Version: 2.1\nName: jongnyang\nVersion: {version}\n"
        archive.writestr(f"jongnyang-{version}.dist-info/METADATA", metadata)
    path = folder / f"jongnyang-{version}-py3-none-any.whl"
    path.write_bytes(content.getvalue())
    return path


def publish(installer: Installer, key: Path, path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    """The maker signs, the office adds the release and tells the box."""
    sign_release(["sign", str(key), str(path)])
    signed = json.loads(capsys.readouterr().out)
    version, signature = signed["version"], signed["signature"]
    installer.type(f"jongnyang gateway release {path} --version {version} --signature {signature}")
    installer.type(f"jongnyang gateway update W0G-GW-001 --version {version}")


def events(database: Database) -> list[str]:  # noqa: F811
    with database.session() as session:
        return list(session.scalars(sa.select(GatewayEvent.kind).order_by(GatewayEvent.id)))


def ends_by_itself(installer: Installer) -> None:  # noqa: F811
    """The gateway stops for another release; systemd would start it again."""
    process = installer.process
    assert process is not None
    wait_until(lambda: process.poll() is not None)
    assert process.returncode == 0
    installer.process = None


@pytest.mark.soak
def test_a_release_is_installed_proven_and_a_bad_one_returns_to_it(
    installer: Installer,  # noqa: F811
    database: Database,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = tmp_path / "maker.key"
    sign_release(["new-key", str(key)])
    public_key = capsys.readouterr().out.strip()
    installer.type("jongnyang gateway add W0G-GW-001 --complex W0G001 --meter W0G-001-01-1")
    installer.type("jongnyang gateway claim-code W0G-GW-001")
    installer.type("jongnyang-gateway check --example > /etc/jongnyang/gateway.toml")
    installer.edit_config()
    update = f'public_key = "{public_key}"\ntrial_s = {TRIAL_S}'
    text = re.sub(r"^# public_key.*\ntrial_s = 900", update, installer.config.read_text(), flags=re.MULTILINE)
    assert public_key in text
    installer.config.write_text(text)
    installer.type("jongnyang-gateway claim --config /etc/jongnyang/gateway.toml --code CODE")
    installer.start()
    assert installer.status().version in (None, __version__)

    publish(installer, key, wheel(tmp_path, "9.1.0"), capsys)
    ends_by_itself(installer)
    installer.start()
    wait_until(lambda: installer.status().version == "9.1.0")
    installer.throw_in(410)
    wait_until(lambda: "update_installed" in events(database))

    publish(installer, key, wheel(tmp_path, "9.2.0", broken=True), capsys)
    ends_by_itself(installer)
    [command] = settings("Service")["ExecStart"]
    for _ in range(3):
        done = subprocess.run(shlex.split(installer._here(command)), capture_output=True, text=True, timeout=60)
        assert "this release is bad" in done.stderr
    installer.start()
    wait_until(lambda: installer.status().version == "9.1.0")
    wait_until(lambda: "update_rolled_back" in events(database))
    installer.throw_in(520)
    wait_until(lambda: nets(database) == [410, 520])
