"""Where the service listens: whether the port is free, and whether the service there is ready."""

import errno
import http.client
import socket
from typing import NamedTuple

from app.texts import Refused, Text

ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - what people may write in the setting
ANSWER_WITHIN = 5.0  # seconds

BAD_BIND = Text(
    "JONGNYANG_BIND를 쓸 수 없습니다: {bind}. 127.0.0.1:8000처럼 적어 주세요.",
    "JONGNYANG_BIND cannot be used: {bind}. Write it as 127.0.0.1:8000.",
)
TAKEN = Text(
    "{bind} 포트를 다른 프로그램이 쓰고 있습니다. 그 프로그램을 멈추거나 다른 포트를 고르세요: "
    "JONGNYANG_BIND={host}:{other} make run",
    "Another program uses {bind}. Stop it, or choose another port: JONGNYANG_BIND={host}:{other} make run",
)
UNUSABLE = Text(
    "{bind}에서 기다릴 수 없습니다: {error}. JONGNYANG_BIND로 다른 주소를 고르세요.",
    "Cannot listen on {bind}: {error}. Choose another address with JONGNYANG_BIND.",
)


class Address(NamedTuple):
    """A host as in a URL (IPv6 in brackets) and a port."""

    host: str
    port: int

    @property
    def bind(self) -> str:
        """As the setting has it."""
        return f"{self.host}:{self.port}"

    @property
    def reachable(self) -> str:
        """As a browser on this machine finds it."""
        return f"{ANYWHERE.get(self.host, self.host)}:{self.port}"

    @property
    def url(self) -> str:
        """What to type into a browser on this machine."""
        return f"http://{self.reachable}"

    def refuse_if_taken(self) -> None:
        """Raise Refused where the service could not listen."""
        try:
            (family, kind, *_, place), *_ = socket.getaddrinfo(
                self.host.strip("[]") or None, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            with socket.socket(family, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
                probe.bind(place)
                probe.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                other = self.port + 1 if self.port < 65535 else 8001
                raise Refused(TAKEN.fill(bind=self.bind, host=self.host, other=other)) from error
            raise Refused(UNUSABLE.fill(bind=self.bind, error=error.strerror)) from error

    def is_ready(self) -> bool:
        """Whether the service there says that it is ready."""
        connection = http.client.HTTPConnection(self.reachable, timeout=ANSWER_WITHIN)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def parse_bind(bind: str) -> Address:
    """HOST:PORT as an Address; raises Refused for anything else."""
    host, colon, port = bind.rpartition(":")
    if not (colon and port.isdecimal() and 0 < int(port) < 65536):
        raise Refused(BAD_BIND.fill(bind=bind))
    return Address(host, int(port))
