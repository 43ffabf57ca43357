"""A fresh database, the service on it, and a folder for everything that is written."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app import db
from app.db import Database
from scripts.ordeals.server import ServerProcess
from scripts.postgres import private_postgres, throwaway_database

DATABASES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Stage:
    """Where an ordeal takes place."""

    folder: Path
    database: Database
    server: ServerProcess

    @property
    def url(self) -> str:
        """The service's address."""
        host, port = self.server.address
        return f"http://{host}:{port}"


@contextlib.contextmanager
def stage(kind: str) -> Iterator[Stage]:
    """Set it up, with the service running; the folder stays for whoever wants to look."""
    folder = Path(tempfile.mkdtemp(prefix="jongnyang-ordeal-"))
    with contextlib.ExitStack() as stack:
        url = f"sqlite:///{folder / 'service.db'}"
        if kind == "postgresql":
            url = stack.enter_context(throwaway_database(stack.enter_context(private_postgres())))
        db.upgrade(url)
        database = Database(url)
        stack.callback(database.dispose)
        server = ServerProcess(url, folder)
        stack.callback(server.close)
        server.start()
        yield Stage(folder, database, server)
