"""The spool as its users see it."""

from gateways.spool.aside import Aside
from gateways.spool.commands import Commands
from gateways.spool.connection import SpoolFullError
from gateways.spool.lists import Lists
from gateways.spool.notes import Notes
from gateways.spool.records import Records
from gateways.spool.room import Disk

__all__ = ["Spool", "SpoolFullError"]


class Spool(Records, Aside, Notes, Disk, Commands, Lists):
    """A connection to the spool at `path`: one a thread, several to a file; only one process may add records.

    SQLite, WAL, `synchronous=FULL`: what a method wrote is durable when it returns. Each base class is one subject.
    """
