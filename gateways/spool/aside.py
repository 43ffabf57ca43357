"""Records that the server cannot take: out of the way of the others, and tried again later."""

from gateways.spool.connection import Connection, even_if_full


class Aside(Connection):
    """A record's way: waiting → aside → waiting → … → acknowledged; never dropped, always counted as not delivered."""

    @even_if_full
    def set_aside(self, epoch: str, seq: int, problem: str) -> None:
        """Leave a record out of `pending`, with what the server said of it."""
        with self._transaction() as db:
            db.execute(
                "REPLACE INTO aside (id, seq, problem) SELECT first_id + ? - 1, ?, ? FROM epochs WHERE epoch = ?",
                (seq, seq, problem, epoch),
            )

    def bring_back(self) -> int:
        """Let every record that was set aside wait in its place again; return how many."""
        if self._db.execute("SELECT 1 FROM aside").fetchone() is None:
            return 0
        with self._transaction() as db:
            return db.execute("DELETE FROM aside").rowcount

    def aside(self) -> list[tuple[int, str]]:
        """Return the records set aside: number and what the server said."""
        return list(self._db.execute("SELECT seq, problem FROM aside ORDER BY id"))
