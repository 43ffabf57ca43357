"""Files with secrets: only their owner may read them, and they are there whole or not at all."""

import json
import os
import secrets
from pathlib import Path
from typing import Any


def read_private(path: Path) -> dict[str, Any]:
    """The object in a JSON file; an empty one where the file is missing or no such thing."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_private(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file with mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
