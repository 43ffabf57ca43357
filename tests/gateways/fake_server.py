"""A server on a real socket that keeps an exactly-once ledger in memory and misbehaves on order."""

import base64
import gzip
import hashlib
import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms

from gateways.clock import rfc3339
from gateways.keys import GatewayKey
from gateways.simulate.fleet import Fleet, FleetGateway

SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
CARD_KEY = "HB0aGxgZFhcUFRITEBEODwwNCgsICQYHBAUCAwABHh8"


def key_of(gateway: str) -> GatewayKey:
    return GatewayKey(gateway, "W0G", f"W0G/{gateway}/1", SECRET, CARD_KEY)


@dataclass
class Refusal:
    """An answer instead of the right one. `after_booking` loses the reply of a request that did its work."""

    status: int = 0  # 0: the connection closes without an answer
    problem: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    after_booking: bool = False


@dataclass
class Epoch:
    """What one (gateway, epoch) has delivered: the hash and the value of each record."""

    records: dict[int, tuple[bytes, dict[str, Any]]] = field(default_factory=dict)

    @property
    def high(self) -> int:
        return max(self.records, default=0)

    @property
    def through(self) -> int:
        number = 0
        while number + 1 in self.records:
            number += 1
        return number


class _Keys(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id: str) -> bytes:
        return key_of(key_id.split("/")[1]).secret_bytes


class FakeServer:
    """Use as a context manager. `misbehave` decides per request; `clock_ahead` shifts the server's clock."""

    def __init__(self) -> None:
        self.misbehave: Callable[[str, bytes], Refusal | None] = lambda _path, _body: None
        self.clock_ahead = timedelta()
        self.quarantine: dict[int, str] = {}
        self.epochs: dict[tuple[str, str], Epoch] = defaultdict(Epoch)
        self.requests: list[tuple[str, bytes]] = []
        self.statuses: list[dict[str, Any]] = []
        self.conflicts = 0
        self.lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = False
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def records(self) -> list[dict[str, Any]]:
        """Every record once, in order of gateway, epoch and number."""
        with self.lock:
            return [epoch.records[seq][1] for epoch in self.epochs.values() for seq in sorted(epoch.records)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_args: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.clock_ahead

    # --- Answers

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Refusal | dict[str, Any]:
        if path == "/api/v1/time":
            return {"server_time": rfc3339(self.now())}
        content = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
        with self.lock:
            self.requests.append((path, content))
        refusal = self.misbehave(path, content)
        if refusal is not None and not refusal.after_booking:
            return refusal
        answer = self._claim(content) if path.endswith("/claim") else self._signed(method, path, headers, body, content)
        return refusal or answer

    def _claim(self, content: bytes) -> dict[str, Any]:
        gateway = json.loads(content)["claim_code"].removeprefix("code-of-")
        key = key_of(gateway)
        return {
            "gateway": gateway,
            "district": "W0G",
            "key_id": key.key_id,
            "secret": key.secret,
            "card_key": key.card_key,
            "server_time": rfc3339(self.now()),
        }

    def _signed(self, method: str, path: str, headers: Any, body: bytes, content: bytes) -> Refusal | dict[str, Any]:
        created = self._verify(method, path, headers, body)
        if abs(self.now() - created) > timedelta(seconds=300):
            problem = {"type": "/problems/clock-skew", "title": "skew", "server_time": rfc3339(self.now())}
            return Refusal(401, problem)
        value = json.loads(content)
        gateway = path.split("/")[4]
        if path.endswith("/status"):
            with self.lock:
                self.statuses.append(value)
            return {"server_time": rfc3339(self.now()), "refused": [], "commands": []}
        with self.lock:
            return self._book(gateway, value, content)

    def _verify(self, method: str, path: str, headers: Any, body: bytes) -> datetime:
        digest = headers["Content-Digest"]
        assert digest == f"sha-256=:{_b64(hashlib.sha256(body).digest())}:"
        message = _Message(method, f"{self.url}{path}", dict(headers.items()))
        verifier = HTTPMessageVerifier(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=_Keys())
        verifier.max_clock_skew = timedelta(days=36500)  # judged by `_signed`, as the contract says
        (result,) = verifier.verify(message, max_age=timedelta(days=36500), expect_tag="jongnyang-gateway")
        assert result.label == "gw"
        assert len(result.parameters["nonce"]) >= 22
        assert {name.strip('"') for name in result.covered_components} >= {
            "@method",
            "@request-target",
            "content-digest",
        }
        return datetime.fromtimestamp(int(result.parameters["created"]), UTC)

    def _book(self, gateway: str, value: dict[str, Any], content: bytes) -> dict[str, Any]:
        epoch = self.epochs[gateway, value["epoch"]]
        results = [self._book_one(epoch, record, content) for record in value["discharges"]]
        return {
            "server_time": rfc3339(self.now()),
            "acked_through": epoch.through,
            "high_seq": epoch.high,
            "results": results,
            "commands": [],
        }

    def _book_one(self, epoch: Epoch, record: dict[str, Any], content: bytes) -> dict[str, Any]:
        raw = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()
        assert raw in content, "a record is not sent as compact JSON"
        digest, seq = hashlib.sha256(raw).digest(), record["seq"]
        known = epoch.records.get(seq)
        if known is not None and known[0] != digest:
            self.conflicts += 1
            return {"seq": seq, "status": "quarantined", "code": "number_conflict"}
        epoch.records[seq] = (digest, record)
        if seq in self.quarantine:
            return {"seq": seq, "status": "quarantined", "code": self.quarantine[seq]}
        return {"seq": seq, "status": "duplicate" if known else "stored", "code": None}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def do_GET(self) -> None:
                self._do()

            def do_POST(self) -> None:
                self._do()

            def _do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = server.answer(self.command, self.path, self.headers, body)
                if isinstance(answer, Refusal) and answer.status == 0:
                    self.close_connection = True
                    return
                self._reply(answer)

            def _reply(self, answer: Refusal | dict[str, Any]) -> None:
                refused = isinstance(answer, Refusal)
                content = json.dumps(answer.problem if refused else answer).encode()  # type: ignore[union-attr]
                self.send_response_only(answer.status if refused else 201 if self.path.endswith("claim") else 200)  # type: ignore[union-attr]
                for name, value in (answer.headers if refused else {}).items():  # type: ignore[union-attr]
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                # One request a connection: a kept one would hold its thread until the tests end.
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(content)
                self.close_connection = True

            def log_message(self, *_args: Any) -> None:
                pass

        return Handler


@dataclass
class _Message:
    method: str
    url: str
    headers: dict[str, str]


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def loses_replies(share: float, seed: int) -> Callable[[str, bytes], Refusal | None]:
    """Lose this share of requests, half of them only after they did their work."""
    rng = random.Random(seed)

    def decide(path: str, _body: bytes) -> Refusal | None:
        if path.endswith("/claim") or rng.random() >= share:
            return None
        return Refusal(after_booking=rng.random() < 0.5)

    return decide


def make_fleet(gateways: int, meters: int, cards: int = 20) -> Fleet:
    """A fleet whose claim codes the fake server knows."""
    return Fleet(
        "W0G",
        [
            FleetGateway(
                f"W0G-GW-{g:03d}",
                f"code-of-W0G-GW-{g:03d}",
                [f"W0G-{g:03d}-01-{m}" for m in range(1, meters + 1)],
                [f"0D{g:03d}{c:05X}" for c in range(1, cards + 1)],
            )
            for g in range(1, gateways + 1)
        ],
    )


def wait_until(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    until = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
