"""A server on a real socket that keeps an exactly-once ledger in memory and misbehaves on order."""

import base64
import gzip
import hashlib
import hmac
import json
import random
import secrets
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
from gateways.link.keys import GatewayKey, decode_base64url
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


@dataclass
class Keys(HTTPSignatureKeyResolver):
    """Every gateway's first key, second keys that were offered, and what is said to a key that may not."""

    offered: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)

    def resolve_public_key(self, key_id: str) -> bytes:
        secret = self.offered.get(key_id)
        return decode_base64url(secret) if secret else key_of(key_id.split("/")[1]).secret_bytes

    def offer(self, key_id: str) -> dict[str, Any]:
        """A second key for the one that asks; asked again before it was used, the same."""
        stem, number = key_id.rsplit("/", 1)
        new_id = f"{stem}/{int(number) + 1}"
        self.offered.setdefault(new_id, secrets.token_urlsafe(32))
        return {"key_id": new_id, "secret": self.offered[new_id]}


@dataclass
class Lists:
    """What the gateway may fetch: the versions of its cards (each the whole list), the tariff, releases."""

    cards: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    valid_for_s: int = 2_592_000
    tariff: list[dict[str, str]] | None = None
    releases: dict[str, bytes] = field(default_factory=dict)

    @property
    def version(self) -> str | None:
        return list(self.cards)[-1] if self.cards else None

    def since(self, known: str | None) -> dict[str, Any]:
        assert self.version is not None
        new, old = self.cards[self.version], self.cards.get(known or "", {})
        return {
            "version": self.version,
            "complete": known not in self.cards,
            "valid_for_s": self.valid_for_s,
            "set": [{"hash": h, "state": s, "role": r} for h, (s, r) in new.items() if old.get(h) != (s, r)],
            "removed": sorted(set(old) - set(new)),
        }


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
        self.keys = Keys()
        self.lists = Lists()
        self.commands: list[dict[str, Any]] = []
        self.results: dict[str, dict[str, Any]] = {}
        self.signed_by: list[str] = []
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

    def command(self, kind: str, gateway: str = "W0G-GW-001", lives_s: float = 300, **arguments: Any) -> str:
        """Leave a command for the gateway, repeated until its result has come; return its id."""
        command_id = secrets.token_urlsafe(16)
        created = self.now()
        self.commands.append(
            {
                "id": command_id,
                "gateway": gateway,
                "kind": kind,
                "arguments": arguments,
                "created_at": rfc3339(created),
                "expires_at": rfc3339(created + timedelta(seconds=lives_s)),
            }
        )
        return command_id

    def _signed_commands(self, key_id: str) -> list[dict[str, str]]:
        secret = self.keys.resolve_public_key(key_id)
        texts = [json.dumps(command) for command in self.commands if command["id"] not in self.results]
        return [{"command": text, "signature": sign_command(text, secret)} for text in texts]

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Refusal | dict[str, Any] | bytes:
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

    def _signed(
        self, method: str, path: str, headers: Any, body: bytes, content: bytes
    ) -> Refusal | dict[str, Any] | bytes:
        created, key_id = self._verify(method, path, headers, body)
        self.signed_by.append(key_id)
        if key_id in self.keys.refused:
            return Refusal(401, {"type": f"/problems/{self.keys.refused[key_id]}", "title": "no"})
        if abs(self.now() - created) > timedelta(seconds=300):
            problem = {"type": "/problems/clock-skew", "title": "skew", "server_time": rfc3339(self.now())}
            return Refusal(401, problem)
        if key_id in self.keys.offered:
            self.keys.confirmed.add(key_id)
        if method == "GET":
            return self._fetch(path)
        return self._posted(path, json.loads(content), content, key_id)

    def _fetch(self, path: str) -> Refusal | dict[str, Any] | bytes:
        way, _, query = path.partition("?")
        if "/releases/" in way:
            wheel = self.lists.releases.get(way.rsplit("/", 1)[1])
            return wheel if wheel is not None else Refusal(404, {"type": "/problems/not-found"})
        return {"server_time": rfc3339(self.now()), **self.lists.since(query.partition("=")[2] or None)}

    def _posted(self, path: str, value: dict[str, Any], content: bytes, key_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = {"server_time": rfc3339(self.now())}
        if path.endswith("/keys"):
            return {**answer, **self.keys.offer(key_id)}
        with self.lock:
            if not path.endswith("/status"):
                return {**answer, **self._book(path.split("/")[4], value, content, key_id)}
            self.statuses.append(value)
            self.results |= {result["id"]: result for result in value["commands"]}
            return {
                **answer,
                "refused": [],
                "commands": self._signed_commands(key_id),
                "cards_version": self.lists.version,
                "tariff": self.lists.tariff,
            }

    def _verify(self, method: str, path: str, headers: Any, body: bytes) -> tuple[datetime, str]:
        digest = headers["Content-Digest"]
        assert digest == f"sha-256=:{_b64(hashlib.sha256(body).digest())}:"
        message = _Message(method, f"{self.url}{path}", dict(headers.items()))
        verifier = HTTPMessageVerifier(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=self.keys)
        verifier.max_clock_skew = timedelta(days=36500)  # judged by `_signed`, as the contract says
        (result,) = verifier.verify(message, max_age=timedelta(days=36500), expect_tag="jongnyang-gateway")
        assert result.label == "gw"
        assert len(result.parameters["nonce"]) >= 22
        assert {name.strip('"') for name in result.covered_components} >= {
            "@method",
            "@request-target",
            "content-digest",
        }
        return datetime.fromtimestamp(int(result.parameters["created"]), UTC), str(result.parameters["keyid"])

    def _book(self, gateway: str, value: dict[str, Any], content: bytes, key_id: str) -> dict[str, Any]:
        epoch = self.epochs[gateway, value["epoch"]]
        results = [self._book_one(epoch, record, content) for record in value["discharges"]]
        return {
            "acked_through": epoch.through,
            "high_seq": epoch.high,
            "results": results,
            "commands": self._signed_commands(key_id),
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

            def _reply(self, answer: Refusal | dict[str, Any] | bytes) -> None:
                refusal = answer if isinstance(answer, Refusal) else Refusal(self._right_status())
                value = refusal.problem if answer is refusal else answer
                content = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response_only(refusal.status)
                for name, text in refusal.headers.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(content)))
                # One request a connection: a kept one would hold its thread until the tests end.
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(content)
                self.close_connection = True

            def _right_status(self) -> int:
                return 201 if self.path.endswith(("/claim", "/keys")) else 200

            def log_message(self, *_args: Any) -> None:
                pass

        return Handler


@dataclass
class _Message:
    method: str
    url: str
    headers: dict[str, str]


def sign_command(text: str, secret: bytes) -> str:
    digest = hmac.digest(secret, b"jongnyang-command\n" + text.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


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
