"""Commands of the server: each is carried out once, and its result told until the server has it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from gateways.spool.connection import Connection, even_if_full
from gateways.spool.rows import CommandResult, CommandRow, CommandState

KEEP_DAYS: Final = 30


class Commands(Connection):
    """The methods around commands. States: open → done, refused, failed or expired → told → forgotten."""

    @even_if_full
    def receive_command(self, command_id: str, kind: str, body: bytes, expires_at: datetime) -> bool:
        """Take a command; return False if it is known already. `expires_at` is the server's time (UTC).

        An id is known until 30 days after the command expired, so that a repetition is never carried out.
        """
        with self._transaction() as db:
            db.execute(
                "DELETE FROM commands WHERE reported AND expires_at <"
                " (SELECT value FROM meta WHERE key = 'server_time') - ?",
                (KEEP_DAYS * 86_400,),
            )
            taken = db.execute(
                "INSERT OR IGNORE INTO commands (id, kind, body, expires_at) VALUES (?, ?, ?, ?)",
                (command_id, kind, body, int(expires_at.timestamp())),
            )
            return taken.rowcount == 1

    def open_commands(self) -> list[CommandRow]:
        """Return the commands without a result, by expiry."""
        rows = self._db.execute(
            "SELECT id, kind, body, expires_at FROM commands WHERE state IS NULL ORDER BY expires_at, id"
        )
        return [CommandRow(row[0], row[1], row[2], datetime.fromtimestamp(row[3], UTC)) for row in rows]

    @even_if_full
    def finish_command(self, command_id: str, state: CommandState, detail: str) -> None:
        """Record what became of a command; its first result stands."""
        with self._transaction() as db:
            db.execute(
                "UPDATE commands SET state = ?, detail = ? WHERE id = ? AND state IS NULL", (state, detail, command_id)
            )

    def command_results(self, limit: int) -> list[CommandResult]:
        """Return the results that the server does not have yet."""
        rows = self._db.execute(
            "SELECT id, state, detail FROM commands WHERE state IS NOT NULL AND NOT reported"
            " ORDER BY expires_at, id LIMIT ?",
            (limit,),
        )
        return [CommandResult(*row) for row in rows]

    def forget_results(self, ids: Sequence[str]) -> None:
        """Tell no more of these results; their ids stay known."""
        if ids:
            with self._transaction() as db:
                db.executemany("UPDATE commands SET reported = 1 WHERE id = ?", [(one,) for one in ids])
