"""PDF from a page of HTML, by WeasyPrint with the system's Korean fonts; nothing is fetched from anywhere."""

from pathlib import Path
from typing import Any

from app.problems import Problem


def pdf(html: str, style: Path) -> bytes:
    """An A4 document. Raises the Problem `no-printing` where the system lacks the libraries that lay out text."""
    try:
        from weasyprint import CSS, HTML  # type: ignore[import-untyped]  # slow to load, and rarely needed
    except OSError as error:
        raise Problem("no-printing") from error
    document: bytes = HTML(string=html, url_fetcher=_refuse).write_pdf(stylesheets=[CSS(filename=str(style))])
    return document


def _refuse(url: str, *_: Any, **__: Any) -> Any:
    raise ValueError(f"A statement names no other document, but this one does: {url}")
