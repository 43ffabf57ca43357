"""Instants on the wire: RFC 3339, UTC, milliseconds, ending in Z."""

from datetime import UTC, datetime


def now() -> datetime:
    """The server's clock, with time zone."""
    return datetime.now(UTC)


def format_instant(instant: datetime) -> str:
    """`2026-11-22T09:30:05.120Z`."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
