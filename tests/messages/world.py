"""Servers that take messages on this machine, and somebody who is told."""

import json
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from datetime import time as time_of_day
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import sqlalchemy as sa

from app.db import Database
from app.fleet.messages import channels, outbox, sending
from app.fleet.messages.channels import Channel
from app.fleet.messages.models import Message
from app.fleet.messages.outbox import Notice
from app.fleet.messages.words import Facts, written
from app.settings import Settings
from app.texts import Text

NOON = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)  # 12:00 in Seoul
NIGHT = datetime(2026, 11, 27, 14, 0, tzinfo=UTC)  # 23:00
MORNING = datetime(2026, 11, 27, 22, 0, tzinfo=UTC)  # 07:00 of the day after
NEVER_QUIET = {"quiet_from": time_of_day(0), "quiet_to": time_of_day(0)}


class Receiver:
    """Takes webhooks: what was posted, and how often by idempotency key. `answer` may be slow or refuse."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.keys: Counter[str] = Counter()
        self.answer: Callable[[], int] = lambda: 200
        self.arrived = threading.Event()
        handler = type("Handler", (BaseHTTPRequestHandler,), {"do_POST": self._take, "log_message": lambda *_: None})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}/alerts"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @staticmethod
    def _answer(handler: Any, status: int) -> None:
        if status == 0:  # hangs up without a word
            handler.close_connection = True
            return
        handler.send_response(status)
        if status == 302:
            handler.send_header("Location", "/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    @property
    def _take(self) -> Any:
        def take(handler: Any) -> None:
            body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
            self.posted.append(body | {"path": handler.path})
            self.keys[handler.headers["Idempotency-Key"]] += 1
            self.arrived.set()
            self._answer(handler, self.answer())

        return take


class Mailbox(socketserver.ThreadingTCPServer):
    """The little of SMTP that a client needs: every mail in full and whom it is for. `refuse` is an answer to DATA."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []
        self.refuse = b""
        mailbox = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                mailbox.serve(self.rfile, self.wfile)

        super().__init__(("127.0.0.1", 0), Session)
        self.template = f"mailto://127.0.0.1:{self.server_address[1]}?from=no-reply@example.kr&to={{email}}"

    def serve(self, read: Any, write: Any) -> None:
        write.write(b"220 ready\r\n")
        to = ""
        for line in read:
            verb = line[:4].upper()
            if verb == b"RCPT":
                to = line.decode().partition("<")[2].partition(">")[0]
            if verb == b"DATA":
                write.write(b"354 go\r\n")
                lines = iter(read.readline, b".\r\n")
                self.mails.append((to, b"".join(lines).decode()))
                write.write(self.refuse or b"250 taken\r\n")
                continue
            write.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                return

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class Outboxed:
    """A person with an outbox; `now` is what the next call takes for the time."""

    def __init__(self, database: Database, receiver: Receiver, district_id: int, account_id: int) -> None:
        self.database, self.receiver = database, receiver
        self.district_id, self.account_id = district_id, account_id
        self.now = NOON
        self.settings = Settings(webhook_hosts=(receiver.host,), public_url="https://jongnyang.example.kr")

    def add(self, kind: str = "webhook", address: str = "", **more: Any) -> int:
        """A further channel of theirs; a webhook without an address is the receiver's."""
        channel = Channel(kind, address or self.receiver.url, **more)
        with self.database.begin() as session:
            hosts = self.settings.webhook_hosts
            made = channels.add_channel(
                session, self.district_id, self.account_id, channel, "kim", self.now, webhook_hosts=hosts
            )
            return made.id

    def put(self, number: int = 1, urgent: bool = False, kind: str = "fault_opened") -> int | None:
        """Tell them of the fault with this number."""
        facts = Facts(
            Text("통신 고장", "Communication fault"), f"W0G-{number:03}-01-1", NOON, owner="김하늘", due=NIGHT
        )
        told = written(kind, facts)
        key = f"fault:{number}:{kind}"
        notice = Notice(key, self.account_id, kind, "fault", number, told, f"/faults/{number}", urgent)
        with self.database.begin() as session:
            return outbox.put(session, self.district_id, notice, self.now)

    def withdraw(self, number: int = 1) -> int:
        with self.database.begin() as session:
            return outbox.withdraw(session, self.district_id, "fault", number, self.now)

    def told(self, number: int = 1) -> set[int]:
        with self.database.begin() as session:
            return outbox.told(session, self.district_id, "fault", number)

    def send(self, at: datetime | None = None) -> dict[str, int]:
        self.now = at or self.now
        return dict(sending.send_due(self.database, self.settings, self.now))

    def messages(self) -> list[Message]:
        with self.database.begin() as session:
            return list(session.scalars(sa.select(Message).order_by(Message.id)))

    def states(self) -> list[str]:
        return [message.state for message in self.messages()]


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.01)
