"""PDF from a page of HTML, by WeasyPrint with the system's Korean fonts; nothing is fetched from anywhere."""

from pathlib import Path
from threading import Lock
from typing import Any

from app.problems import Problem

PATIENCE = 20  # seconds to wait for another document
_one_at_a_time = Lock()


def pdf(html: str, style: Path) -> bytes:
    """An A4 document. One is laid out at a time, for it takes a core and, for a building, hundreds of megabytes.

    Raises the Problems `no-printing` where the system lacks the libraries that lay out text, and `printing-busy`.
    """
    try:
        from weasyprint import CSS, HTML  # type: ignore[import-untyped]  # slow to load, and rarely needed
    except OSError as error:
        raise Problem("no-printing") from error
    if not _one_at_a_time.acquire(timeout=PATIENCE):
        raise Problem("printing-busy", retry_after=PATIENCE)
    try:
        document: bytes = HTML(string=html, url_fetcher=_refuse).write_pdf(stylesheets=[CSS(filename=str(style))])
    finally:
        _one_at_a_time.release()
    return document


def _refuse(url: str, *_: Any, **__: Any) -> Any:
    raise ValueError(f"A statement names no other document, but this one does: {url}")
