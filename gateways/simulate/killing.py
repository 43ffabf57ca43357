"""A gateway that kills itself at an appointed commit or call: `python -m gateways.simulate.killing run --config …`.

The product holds no hooks for this: SQLite's connections and the HTTP session are wrapped from outside. A point is
`commit WHAT`, where WHAT is the transaction's first change (`INSERT records`), or `send ROUTE`. The plan's lines are
`POINT|N|before` or `POINT|N|after`: SIGKILL before or after the Nth time that this process comes there. After a commit
the data are durable and nobody knows; after a send the server has answered and nobody has read it.

    JONGNYANG_GATEWAY_KILL_PLAN   file with the plan; each process carries out the first line not yet in the log
    JONGNYANG_GATEWAY_KILL_LOG    file to which the line is added just before the kill
    JONGNYANG_GATEWAY_KILL_SEEN   file to which every point that is passed is added
"""

import os
import re
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

import requests

PLAN_VARIABLE: Final = "JONGNYANG_GATEWAY_KILL_PLAN"
LOG_VARIABLE: Final = "JONGNYANG_GATEWAY_KILL_LOG"
SEEN_VARIABLE: Final = "JONGNYANG_GATEWAY_KILL_SEEN"
_TABLE: Final = re.compile(r"\b(?:INTO|UPDATE|FROM|TABLE)\s+(?:IF NOT EXISTS\s+)?(\w+)")

Phase = Literal["before", "after"]
T = TypeVar("T")


class Killer:
    """Counts the points that the process passes, and kills it at the appointed one."""

    def __init__(self, appointed: str | None, log: Path | None, seen: Path | None) -> None:
        self._appointed = appointed
        self._log = log
        self._seen = seen
        self._counts: Counter[tuple[str, str]] = Counter()

    def around(self, point: str, act: Callable[[], T]) -> T:
        """Do it, unless the process dies before; it may die after."""
        if self._seen is not None:
            _add_line(self._seen, point)
        self._pass(point, "before")
        result = act()
        self._pass(point, "after")
        return result

    def _pass(self, point: str, phase: Phase) -> None:
        self._counts[point, phase] += 1
        if self._appointed == f"{point}|{self._counts[point, phase]}|{phase}":
            if self._log is not None:
                _add_line(self._log, self._appointed)
            os.kill(os.getpid(), signal.SIGKILL)


def _add_line(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def read_lines(path: Path) -> list[str]:
    """Return the whole lines of a plan or log; none if it is not there."""
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def killer_of(environment: os._Environ[str] | dict[str, str]) -> Killer:
    """Return the killer that the environment asks for."""
    plan, log, seen = (
        Path(environment[name]) if name in environment else None
        for name in (PLAN_VARIABLE, LOG_VARIABLE, SEEN_VARIABLE)
    )
    planned = read_lines(plan) if plan is not None else []
    done = len(read_lines(log)) if log is not None else 0
    return Killer(planned[done] if done < len(planned) else None, log, seen)


class _Connection(sqlite3.Connection):
    """Tells the killer of each commit."""

    killer: Killer
    _change = ""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        self._note(sql)
        run = partial(super().execute, sql, parameters)
        return self._commit(run) if sql.lstrip().upper().startswith("COMMIT") else run()

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        self._note(sql)
        return super().executemany(sql, parameters)

    def executescript(self, sql_script: str, /) -> sqlite3.Cursor:
        self._change = "schema"
        return self._commit(partial(super().executescript, sql_script))

    def _note(self, sql: str) -> None:
        verb = sql.split(None, 1)[0].upper() if sql.strip() else ""
        if verb in ("BEGIN", "ROLLBACK"):
            self._change = ""
        elif not self._change and verb in ("INSERT", "UPDATE", "DELETE", "REPLACE"):
            table = _TABLE.search(sql)
            self._change = f"{verb} {table[1] if table else '?'}"

    def _commit(self, run: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        change, self._change = self._change, ""
        return self.killer.around(f"commit {change or 'nothing'}", run)


def install(killer: Killer) -> None:
    """Wrap SQLite's connections and the calls to the server, for the rest of this process."""
    _Connection.killer = killer
    sqlite3.connect = partial(sqlite3.connect, factory=_Connection)  # type: ignore[assignment]
    send = requests.Session.send

    def deadly(http: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        route = urlsplit(request.url or "").path.rsplit("/", 1)[-1]
        return killer.around(f"send {route}", lambda: send(http, request, **options))

    requests.Session.send = deadly  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    from gateways.cli import main

    install(killer_of(os.environ))
    main()
