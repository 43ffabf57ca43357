"""A network that loses replies: forwards connections to a server and sometimes closes one instead of answering."""

import random
import socket
import threading
from contextlib import suppress

CHUNK = 65536


class LossyProxy:
    """Listens on a free port of this machine; each chunk of an answer is lost with probability `loss`."""

    def __init__(self, target: tuple[str, int], loss: float, seed: int) -> None:
        self.lost = 0
        self.loss = loss
        self._target = target
        self._chance = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                server = socket.create_connection(self._target, 5)
            except OSError:
                return
            with server:
                self._start(self._upload, client, server)
                self._download(client, server)
                for end in (client, server):
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)

    def _upload(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(CHUNK):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _download(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(CHUNK):
                if self._chance.random() < self.loss:
                    self.lost += 1
                    return
                client.sendall(data)

    def close(self) -> None:
        """Stop accepting; connections under way end with their peers."""
        self._stopping = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
