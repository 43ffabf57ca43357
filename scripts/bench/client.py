"""The load generator: ready-made requests over keep-alive connections, and what it cost the client's own CPU."""

import socket
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

HEADER_END = b"\r\n\r\n"


class Sent(NamedTuple):
    """One run: wall seconds, the client's CPU seconds, and the answers that were not 200."""

    seconds: float
    client_cpu: float
    failures: list[str]


def send(address: tuple[str, int], requests: list[bytes], connections: int) -> Sent:
    """Send all requests over as many connections, each waiting for its answer, and time it."""
    waiting = deque(requests)
    failures: list[str] = []
    sockets = [socket.create_connection(address) for _ in range(connections)]
    for opened in sockets:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    cpu, started = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        for result in [pool.submit(_run, opened, waiting, failures) for opened in sockets]:
            result.result()
    sent = Sent(time.perf_counter() - started, time.process_time() - cpu, failures)
    for opened in sockets:
        opened.close()
    return sent


def _run(opened: socket.socket, waiting: deque[bytes], failures: list[str]) -> None:
    while True:
        try:
            request = waiting.popleft()
        except IndexError:
            return
        opened.sendall(request)
        status, body = _read_answer(opened)
        if status != 200 or b'"quarantined"' in body:
            failures.append(f"{status} {body[:300]!r}")


def _read_answer(opened: socket.socket) -> tuple[int, bytes]:
    received = bytearray()
    while HEADER_END not in received:
        received += _some(opened)
    head, _, body = bytes(received).partition(HEADER_END)
    lines = head.lower().split(b"\r\n")
    length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:"))
    pieces = bytearray(body)
    while len(pieces) < length:
        pieces += _some(opened)
    return int(head.split()[1]), bytes(pieces)


def _some(opened: socket.socket) -> bytes:
    data = opened.recv(262144)
    if not data:
        raise ConnectionError("the server closed the connection in the middle of an answer")
    return data
