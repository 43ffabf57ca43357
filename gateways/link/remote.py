"""Commands of the server: verified, taken once, carried out before they expire, and their results told.

A command is on disk before it is carried out. What may be done twice (fetching keys, cards, a release) is tried again
until it expires where the server could not be reached; what may not (a lid that opens) is done at most once: if the box
lost power meanwhile, the result says so.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
import structlog

from gateways import __version__
from gateways.clock import Clock
from gateways.link import allow_list
from gateways.link.api import Server, ServerError, UnreachableError
from gateways.link.keys import KeyRing, decode_base64url
from gateways.link.records import Command, CommandState, SignedCommand
from gateways.link.updates import Release, Releases, UpdateError
from gateways.spool import CommandRow, Spool

log = structlog.get_logger()

MAX_DETAIL: Final = 500  # characters that the server is told
_PREFIX: Final = b"jongnyang-command\n"
_ONLY_ONCE: Final = frozenset({"open_lid", "roll_back"})
_RETRY_S: Final = 30.0

Handler = Callable[[dict[str, Any]], str]


class CommandRefusedError(Exception):
    """The command cannot be carried out here; the text says why."""


class Remote:
    """Takes commands from replies (`receive`) and carries them out (`work`); for the uplink's thread."""

    def __init__(self, server: Server, spool: Spool, clock: Clock, handlers: dict[str, Handler]) -> None:
        self._server = server
        self._spool = spool
        self._clock = clock
        self._handlers = handlers
        self._taken: set[str] = set()  # by this process
        self._not_before = float("-inf")
        self._has_work = True  # what an earlier process left

    def receive(self, raw: Iterable[msgspec.Raw]) -> None:
        """Keep the commands of a reply that are ours; must follow the call that brought them."""
        for one in raw:
            command = self._verify(one)
            if command is None or self._clock.now().quality == "unset":
                continue  # the server repeats it
            body = msgspec.json.encode(command.arguments)
            if self._spool.receive_command(command.id, command.kind, body, command.expires_at):
                log.info("command_taken", id=command.id, kind=command.kind)
                self._taken.add(command.id)
                self._has_work, self._not_before = True, float("-inf")

    def _verify(self, raw: msgspec.Raw) -> Command | None:
        keys = self._server.keys
        assert keys is not None  # an unsigned request brings no commands
        try:
            signed = msgspec.json.decode(raw, type=SignedCommand)
            text, signature = signed.command.encode(), decode_base64url(signed.signature)
            right = hmac.digest(keys.signing.secret_bytes, _PREFIX + text, hashlib.sha256)
            if not hmac.compare_digest(right, signature):
                raise ValueError("the signature is wrong")
            command = msgspec.json.decode(text, type=Command)
            if command.gateway != keys.current.gateway:
                raise ValueError(f"it is for {command.gateway}")
        except (msgspec.DecodeError, ValueError) as error:
            log.error("command_ignored", problem=str(error))
            return None
        return command

    def work(self) -> bool:
        """Carry out what waits; return whether results wait to be told. Never raises ServerError."""
        if not self._has_work or self._clock.mono() < self._not_before:
            return False
        rows = self._spool.open_commands()
        finished = [row.id for row in rows if self._carry_out(row)]
        self._has_work = len(finished) < len(rows)
        self._not_before = self._clock.mono() + _RETRY_S
        return bool(finished)

    def _carry_out(self, row: CommandRow) -> bool:
        now = self._clock.now()
        if now.quality == "unset":
            return False  # nobody knows whether it has expired
        if now.wall >= row.expires_at:
            return self._finish(row, "expired", "")
        if row.kind in _ONLY_ONCE and row.id not in self._taken:
            return self._finish(row, "failed", "the gateway restarted while this was carried out")
        return self._handle(row)

    def _handle(self, row: CommandRow) -> bool:
        handler = self._handlers.get(row.kind)
        try:
            if handler is None:
                raise CommandRefusedError(f"this gateway ({__version__}) knows no command {row.kind!r}")
            return self._finish(row, "done", handler(msgspec.json.decode(row.body)))
        except UnreachableError as error:
            log.warning("command_waits", id=row.id, kind=row.kind, problem=str(error))
            return False
        except (CommandRefusedError, UpdateError, msgspec.ValidationError) as error:
            return self._finish(row, "refused", str(error))
        except Exception as error:
            if not isinstance(error, ServerError | OSError):
                log.exception("command_broken", todo="report this to the maker")
            return self._finish(row, "failed", f"{type(error).__name__}: {error}")

    def _finish(self, row: CommandRow, state: CommandState, detail: str) -> bool:
        self._spool.finish_command(row.id, state, detail[:MAX_DETAIL])
        log.info("command_finished", id=row.id, kind=row.kind, state=state, detail=detail)
        return True


class Handlers:
    """What the gateway can be told to do."""

    def __init__(
        self,
        server: Server,
        spool: Spool,
        clock: Clock,
        releases: Releases | None,
        open_lid: Callable[[str], str | None],
    ) -> None:
        self._server = server
        self._spool = spool
        self._clock = clock
        self._releases = releases
        self._open_lid = open_lid
        self.wants_restart = False

    def by_kind(self) -> dict[str, Handler]:
        """Return the handlers; each takes the arguments and returns the result's detail."""
        return {
            "open_lid": self._open,
            "rotate_key": self._rotate_key,
            "sync_cards": self._sync_cards,
            "update": self._update,
            "roll_back": self._roll_back,
        }

    def _open(self, arguments: dict[str, Any]) -> str:
        meter = str(arguments.get("meter", ""))
        try:
            reason = self._open_lid(meter)
        except KeyError as error:
            raise CommandRefusedError(f"{meter!r} is no meter of this gateway") from error
        if reason is not None:
            raise CommandRefusedError(f"{meter} does not open now: {reason}")
        return f"{meter} was told to open"

    def _rotate_key(self, _arguments: dict[str, Any]) -> str:
        keys: KeyRing | None = self._server.keys
        assert keys is not None
        if keys.following is None:  # else an earlier try has fetched it already
            answer = self._server.new_key()
            keys.offer(answer.key_id, answer.secret)
        return keys.signing.key_id

    def _sync_cards(self, _arguments: dict[str, Any]) -> str:
        return f"{allow_list.sync(self._server, self._spool, whole=True)} cards"

    def _update(self, arguments: dict[str, Any]) -> str:
        release = msgspec.convert(arguments, Release)
        releases = self._releases
        if releases is None:
            raise CommandRefusedError("this gateway was not started by `jongnyang-gateway launch`")
        if release.version == __version__:
            return f"{__version__} runs"
        try:
            releases.check(release, __version__)
            releases.install(release, self._server.release(release.version, release.size))
        except UpdateError as error:
            self._spool.add_notice("update_failed", str(error)[:MAX_DETAIL], self._clock.now(), self._clock.boot_id)
            raise
        self.wants_restart = True
        return f"{__version__} -> {release.version}, on trial"

    def _roll_back(self, _arguments: dict[str, Any]) -> str:
        if self._releases is None:
            raise CommandRefusedError("this gateway was not started by `jongnyang-gateway launch`")
        after = self._releases.roll_back("a command of the server")
        self.wants_restart = True
        return f"{__version__} -> {after.current or 'the software installed with the box'}"
