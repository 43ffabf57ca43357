"""Makes the maker's key pair, and signs a wheel so that boxes in the field accept it.

    python -m scripts.sign_release new-key maker.key          # keep it offline; prints the public half for the boxes
    python -m scripts.sign_release sign maker.key dist/jongnyang-0.2.0-py3-none-any.whl

The second prints the release as JSON: what the service's page for a new release asks for (docs/gateway-api.md,
Releases). A wheel is built by `pip wheel --no-deps .`.
"""

import argparse
import base64
import hashlib
import json
import os
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateways.link.updates import MAX_WHEEL_BYTES, UpdateError, parse_version, signed_text


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line; exit 1 with a reason on standard error."""
    parser = argparse.ArgumentParser(prog="python -m scripts.sign_release", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("action", choices=["new-key", "public-key", "sign"])
    parser.add_argument("key", type=Path, help="the file of the maker's private key")
    parser.add_argument("wheel", type=Path, nargs="?", help="what is to be signed")
    chosen = parser.parse_args(arguments)
    if (chosen.action == "sign") != (chosen.wheel is not None):
        parser.error("`sign` needs a key and a wheel; the others need a key")
    try:
        _act(chosen.action, chosen.key, chosen.wheel)
    except (OSError, UpdateError, ValueError, zipfile.BadZipFile) as error:
        sys.exit(f"{chosen.wheel or chosen.key}: {error}")


def _act(action: str, key: Path, wheel: Path | None) -> None:
    if action == "new-key":
        make_key(key)
    if wheel is None:
        print(public_key(read_key(key)))
    else:
        print(json.dumps(sign(read_key(key), wheel.read_bytes(), version_of(wheel)), indent=2))


def make_key(path: Path) -> None:
    """Write a new private key: 32 bytes in base64, mode 0600. Never overwrites one: the boxes know its public half."""
    raw = Ed25519PrivateKey.generate().private_bytes_raw()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(base64.b64encode(raw).decode() + "\n")


def read_key(path: Path) -> Ed25519PrivateKey:
    """Read a key that `make_key` wrote. Raises OSError, ValueError."""
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_text().strip(), validate=True))


def public_key(key: Ed25519PrivateKey) -> str:
    """Return what goes into a box's config as `[update] public_key`."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def version_of(wheel: Path) -> str:
    """Return the version that the wheel's own metadata names. Raises ValueError, UpdateError for one no box takes."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        if len(names) != 1 or "gateways/cli.py" not in archive.namelist():
            raise ValueError("this is no wheel of this software")
        version = Parser().parsestr(archive.read(names[0]).decode())["Version"]
    parse_version(version)
    return str(version)


def sign(key: Ed25519PrivateKey, wheel: bytes, version: str) -> dict[str, str | int]:
    """Return the arguments of the command `update` for this wheel. Raises ValueError if it is too large for a box."""
    if len(wheel) > MAX_WHEEL_BYTES:
        raise ValueError(f"{len(wheel)} bytes; a box takes at most {MAX_WHEEL_BYTES}")
    sha256 = hashlib.sha256(wheel).hexdigest()
    signature = base64.urlsafe_b64encode(key.sign(signed_text(version, sha256))).decode().rstrip("=")
    return {"version": version, "sha256": sha256, "size": len(wheel), "signature": signature}


if __name__ == "__main__":
    main()
