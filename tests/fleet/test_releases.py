"""Releases for the boxes: kept once, offered by command, and fetched as they were added."""

import base64
import hashlib
import io
import zipfile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.db import Database
from app.fleet import service
from app.fleet.service import Release
from app.problems import Problem
from app.times import now
from tests.builders import Box, Town
from tests.fleet.reports import get, opened, told
from tests.metering.reading import problem
from tests.metering.staff import Staff

MAKER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = base64.urlsafe_b64encode(MAKER.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def wheel(text: str = "print()") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("gateways/__init__.py", text)
    return content.getvalue()


def release(version: str = "0.2.0", content: bytes | None = None, key: Ed25519PrivateKey = MAKER) -> Release:
    content = wheel() if content is None else content
    message = f"jongnyang-release\n{version}\n{hashlib.sha256(content).hexdigest()}".encode()
    signature = base64.urlsafe_b64encode(key.sign(message)).decode().rstrip("=")
    return Release(version, f"jongnyang-{version}-py3-none-any.whl", content, signature)


def add(database: Database, wanted: Release, district_id: int = 1, maker_key: str = "") -> None:
    with database.begin() as session:
        service.add_release(session, district_id, wanted, "kim", now(), maker_key)


def test_an_update_names_the_release_that_the_gateway_then_fetches(box: Box, staff: Staff, database: Database) -> None:
    wanted = release()
    add(database, wanted, maker_key=PUBLIC)
    staff.post("/fleet/gateways/GW-1/commands", {"kind": "update", "arguments": {"version": "0.2.0"}})
    (command,) = told(box)["commands"]
    assert opened(command, b"GW-1".ljust(32))["arguments"] == {
        "version": "0.2.0",
        "sha256": wanted.sha256,
        "size": len(wanted.content),
        "signature": wanted.signature,
    }
    answer = get(box, "/releases/0.2.0")
    assert (answer.status_code, answer.data) == (200, wanted.content)
    assert wanted.file_name in answer.headers["Content-Disposition"]
    listed = staff.get("/fleet/releases").json["items"]
    assert [(each["version"], each["size"], each["added_by"]) for each in listed] == [
        ("0.2.0", len(wanted.content), "kim")
    ]


def test_a_version_is_kept_once_and_never_replaced(town: Town, database: Database) -> None:
    add(database, release())
    add(database, release())
    with pytest.raises(Problem) as refused:
        add(database, release(content=wheel("other")))
    assert refused.value.slug == "release-exists"


def test_another_districts_release_is_not_there(box: Box, database: Database) -> None:
    other = Town(database, code="W0H")
    add(database, release(), other.district.id)
    assert problem(get(box, "/releases/0.2.0")) == (404, "not-found")


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (release()._replace(version="0.3.0"), "file"),
        (release()._replace(version="../0"), "version"),
        (release()._replace(file_name="evil.whl"), "file"),
        (release(content=b"no wheel"), "file"),
        (release(content=b"PK" + bytes(20 * 1024 * 1024)), "file"),
        (release()._replace(signature="!"), "signature"),
        (release()._replace(signature="AAAA"), "signature"),
        (release(key=Ed25519PrivateKey.from_private_bytes(bytes(32))), "signature"),
    ],
    ids=["other version", "path", "other name", "no zip", "too large", "no base64", "short", "another maker"],
)
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_release_that_no_box_would_take_is_refused(
    town: Town, database: Database, wanted: Release, field: str
) -> None:
    with pytest.raises(Problem) as refused:
        add(database, wanted, maker_key=PUBLIC)
    assert list(refused.value.extra["errors"]) == [field]
