"""What pages and programs share of imports: who may import what, and where a file comes from."""

from datetime import datetime

from flask import Request
from sqlalchemy.orm import Session

from app.access import audit
from app.access.accounts import Identity
from app.problems import Problem
from app.registry.imports.service import IMPORTS, Order
from app.registry.imports.sheets import File
from app.registry.models import District
from app.texts import Refused, Text

MAX_FILE = 16 * 1024 * 1024  # a row of every household of the largest district takes a quarter of it
MOST_LINES = 300_000  # of 55 bytes such a file is full; each that cannot be used takes a kilobyte of the report
LONGEST_NAME = 200
WHOLE_DISTRICT = "registry:write"  # what files need that are not of households

TOO_LONG = Text(
    "파일은 한 번에 {lines}줄까지 보낼 수 있습니다. 파일을 나누어 보내십시오.",
    "A file may have {lines} lines at once. Divide it.",
)


def let_large_files_in(request: Request) -> None:
    """Raise the limit of the body for this request, before anything reads the form."""
    request.max_content_length = MAX_FILE


def file_name(sent: str) -> str:
    """A file's name as it may be stored: without folders and without what a database cannot store."""
    return sent.rpartition("/")[2].replace("\0", "")[-LONGEST_NAME:]


def check_kind(identity: Identity, kind: str) -> None:
    """Raise `invalid` for no kind of file, `not-allowed` for one that takes more than moves."""
    if kind not in IMPORTS:
        raise Problem("invalid", errors={"kind": ", ".join(IMPORTS)})
    if kind != "households" and not identity.may(WHOLE_DISTRICT):
        raise Problem("not-allowed", scope=WHOLE_DISTRICT)


def order_of(session: Session, identity: Identity, file: File, now: datetime, *, dry_run: bool) -> Order:
    """The import that this person asks for, in their district and as far as they see.

    Raises Refused for a file of more lines than any district needs.
    """
    if file.content.count(b"\n") > MOST_LINES:
        raise Refused(TOO_LONG.fill(lines=f"{MOST_LINES:,}"))
    code = session.get_one(District, identity.district_id).code
    return Order(file, identity.actor, now, dry_run, code, identity.reach)


def only_actor(identity: Identity) -> str | None:
    """Whose imports this person sees: those of all who see the whole district, else their own."""
    return None if identity.reach.whole else identity.login


def book_check(session: Session, identity: Identity, kind: str, file: File, now: datetime) -> None:
    """Book that somebody looked what would become of a file."""
    told = {"kind": kind, "sha256": file.sha256}
    entry = audit.Entry("import.checked", "import", file.sha256[:16], file.name[-100:], after=told)
    audit.book(session, identity.district_id, entry, identity.actor, now)
