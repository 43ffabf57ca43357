"""Releases made of a few lines: real zip files, really signed."""

import io
import zipfile
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateways.link.updates import Release, Releases
from scripts.sign_release import public_key, sign

MAKER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = public_key(MAKER)

CRASHES = "raise SystemExit(3)\n"
HANGS = "import time\ntime.sleep(60)\n"
WORKS = """\
import json, os, sys
from pathlib import Path
print(json.dumps({"software": __file__, "arguments": sys.argv[1:], "notify": os.environ.get("NOTIFY_SOCKET")}))
"""


def wheel(version: str, cli: str = WORKS, **extra: str) -> bytes:
    """A wheel of a tiny package `gateways` whose `cli` is this code; `extra` are more members by name."""
    content = io.BytesIO()
    members = {
        "gateways/__init__.py": f'__version__ = "{version}"\n',
        "gateways/cli.py": cli,
        "app/__init__.py": "",
        f"jongnyang-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: jongnyang\nVersion: {version}\n",
        **extra,
    }
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def signed(content: bytes, number: str, /, **changed: Any) -> Release:
    """The maker's release of that wheel, with fields changed afterwards."""
    return Release(**{**sign(MAKER, content, number), **changed})  # type: ignore[arg-type]


def install(folder: Path, version: str, cli: str = WORKS) -> Releases:
    """Install a release, on trial."""
    releases, content = Releases(folder, PUBLIC), wheel(version, cli)
    release = signed(content, version)
    releases.check(release, "0.0.1")
    releases.install(release, content)
    return releases
