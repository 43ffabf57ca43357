"""The server as the gateway sees it: one method a call, and one exception for each thing to do about a refusal."""

import gzip
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec
import requests
import structlog
from requests.adapters import HTTPAdapter

from gateways.clock import Clock
from gateways.link.keys import GatewayKey, KeyRing
from gateways.link.records import (
    SCHEMA,
    CardsAnswer,
    DischargeAnswer,
    DischargeBatch,
    KeysAnswer,
    Problem,
    StatusAnswer,
    StatusReport,
    TimeAnswer,
)
from gateways.link.signing import RequestSigner
from gateways.link.undated import UndatedAdapter

log = structlog.get_logger()

_ROUTE: Final = "/api/v1"
_CONNECT_TIMEOUT_S: Final = 5.0
_GZIP_LEVEL: Final = 6
_LONGEST_WAIT_S: Final = 3600.0  # whatever Retry-After says
_PART_BYTES: Final = 65_536
_ONCE_MORE: Final = frozenset({"clock-skew", "nonce-replayed"})
_KEY_REFUSED: Final = frozenset({"key-unknown", "key-revoked", "signature-wrong"})

Answer = TypeVar("Answer")


class ServerError(Exception):
    """The call had no effect that we know of. `retry_after_s`: the server's wish, if any; `slug`: its problem."""

    def __init__(self, text: str, retry_after_s: float = 0.0, slug: str = "") -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s
        self.slug = slug


class UnreachableError(ServerError):
    """No answer, or none that makes sense, or one that asks to come back later."""


class BrokenServerError(ServerError):
    """500 and its like: the server broke down over this request, or over any."""


class TooLargeError(ServerError):
    """413: the batch must be smaller."""


class RefusedError(ServerError):
    """401 or 403: this key may not; a person must claim the gateway again."""


class MisunderstoodError(ServerError):
    """Another 4xx: the server's software and ours differ, or it cannot read what was sent."""


class Server:
    """Calls to the server at `url`; for one thread. With keys, requests are signed.

    One clock-skew is corrected by itself. A new key that the server refuses is given up if it takes the old one.
    `ca_file` holds the certificates to trust instead of the public ones.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        keys: GatewayKey | KeyRing | None = None,
        *,
        timeout_s: float = 30.0,
        ca_file: Path | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._clock = clock
        self.keys = KeyRing(keys) if isinstance(keys, GatewayKey) else keys
        self._signer: RequestSigner | None = None
        self._timeout = (min(_CONNECT_TIMEOUT_S, timeout_s), timeout_s)
        self._http = requests.Session()
        # The way to the server is this box's configuration, not whatever environment it was started in.
        self._http.trust_env = False
        self._http.verify = True if ca_file is None else str(ca_file)
        self.progress_at = clock.mono()  # of the last call's begin or received part
        self._strict, self._undated = HTTPAdapter(), UndatedAdapter()

    def close(self) -> None:
        """Drop the connections."""
        self._http.close()

    def learn_time(self) -> None:
        """Ask for the time, which teaches it to the clock. Raises ServerError."""
        _decode(self._call(requests.Request("GET", f"{self._url}{_ROUTE}/time")), TimeAnswer)

    def claim(self, claim_code: str, hardware_id: str, language: str = "ko") -> GatewayKey:
        """Exchange a one-time code for this gateway's key. Raises ServerError; the code dies with the first success."""
        body = msgspec.json.encode({"claim_code": claim_code, "hardware_id": hardware_id})
        headers = {"Content-Type": "application/json", "Accept-Language": language}
        request = requests.Request("POST", f"{self._url}{_ROUTE}/gateways/claim", data=body, headers=headers)
        return _decode(self._call(request), GatewayKey)

    def post_discharges(self, batch: DischargeBatch) -> DischargeAnswer:
        """Send records. Raises ServerError; the records may or may not have arrived then."""
        return self._post("discharges", msgspec.json.encode(batch), DischargeAnswer)

    def post_status(self, report: StatusReport) -> StatusAnswer:
        """Send a status. Raises ServerError."""
        return self._post("status", msgspec.json.encode(report), StatusAnswer)

    def new_key(self) -> KeysAnswer:
        """Ask for a second key; asked again before it was used, the answer is the same. Raises ServerError."""
        # Not compressed: the contract grants that to discharges and statuses.
        headers = {"Content-Type": "application/json"}
        request = self._request("POST", "keys", data=msgspec.json.encode({"schema": SCHEMA}), headers=headers)
        return _decode(self._signed(request), KeysAnswer)

    def cards(self, since: str | None) -> CardsAnswer:
        """Ask for the cards that changed since that version, or for all. Raises ServerError."""
        query = f"?since={quote(since, safe='')}" if since is not None else ""
        return _decode(self._signed(self._request("GET", f"cards{query}")), CardsAnswer)

    def release(self, version: str, size: int) -> bytes:
        """Fetch a release of `size` bytes. Raises ServerError, also for any other size."""
        request = self._request("GET", f"releases/{quote(version, safe='')}")
        with self._signed(request, stream=True) as reply:
            content = b""
            try:
                for part in reply.iter_content(_PART_BYTES):
                    content += part
                    self.progress_at = self._clock.mono()
                    if len(content) > size:
                        break
            except requests.RequestException as error:
                raise UnreachableError(f"{type(error).__name__} while release {version} was fetched") from error
        if len(content) != size:
            raise UnreachableError(f"release {version} has another size than the {size} bytes that were announced")
        return content

    def _post(self, route: str, body: bytes, answer: type[Answer]) -> Answer:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        request = self._request("POST", route, data=gzip.compress(body, _GZIP_LEVEL, mtime=0), headers=headers)
        return _decode(self._signed(request), answer)

    def _request(self, method: str, route: str, **values: Any) -> requests.Request:
        gateway = self.keys.current.gateway if self.keys else ""
        return requests.Request(method, f"{self._url}{_ROUTE}/gateways/{gateway}/{route}", **values)

    def _signed(self, request: requests.Request, *, stream: bool = False) -> requests.Response:
        if self.keys is None:
            raise RefusedError("this gateway has no key")
        following = self.keys.following
        try:
            reply = self._call(request, self.keys.signing, stream=stream)
        except RefusedError as error:
            if following is None or error.slug not in _KEY_REFUSED:
                raise
            reply = self._call(request, self.keys.current, stream=stream)
            log.error("new_key_refused", key_id=following.key_id, problem=str(error), todo="the old key goes on")
            _keep(self.keys.withdraw)
            return reply
        if following is not None:
            log.info("key_rotated", key_id=following.key_id)
            _keep(self.keys.confirm)
        return reply

    def _call(
        self, request: requests.Request, key: GatewayKey | None = None, *, stream: bool = False
    ) -> requests.Response:
        reply = self._send(request, key, stream)
        if reply.status_code == requests.codes.unauthorized and _problem(reply).slug in _ONCE_MORE:
            reply = self._send(request, key, stream)
        if not reply.ok or reply.is_redirect:
            raise _error(reply, _problem(reply))
        return reply

    def _send(self, request: requests.Request, key: GatewayKey | None, stream: bool) -> requests.Response:
        prepared = self._http.prepare_request(request)
        if key is not None:
            self._sign(prepared, key)
        # A certificate cannot be "not yet valid" by a clock that was never set: its chain and name must do.
        self._http.mount("https://", self._strict if self._clock.system_is_plausible else self._undated)
        self.progress_at = asked = self._clock.mono()
        try:
            reply = self._http.send(prepared, timeout=self._timeout, allow_redirects=False, stream=stream)
            if not (stream and reply.ok):
                self._learn(reply, asked)
        except requests.RequestException as error:
            raise UnreachableError(f"{type(error).__name__} at {prepared.url}") from error
        return reply

    def _sign(self, request: requests.PreparedRequest, key: GatewayKey) -> None:
        if self._signer is None or self._signer.key_id != key.key_id:
            self._signer = RequestSigner(key)
        self._signer.sign(request, self._clock.now().wall)

    def _learn(self, reply: requests.Response, asked: float) -> None:
        """Every answer may tell the time, a clock-skew refusal included."""
        try:
            told = msgspec.json.decode(reply.content, type=TimeAnswer)
        except msgspec.DecodeError:
            return
        self._clock.learn(told.server_time, asked=asked, answered=self._clock.mono())


def _keep(change: Callable[[], None]) -> None:
    """Try to write the key file: where that fails, the file of two keys serves on, and the next answer tries again."""
    try:
        change()
    except OSError as error:
        log.error("key_file_not_written", problem=str(error), todo="make room or repair the disk")


def _decode(reply: requests.Response, answer: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(reply.content, type=answer)
    except msgspec.DecodeError as error:
        # A captive portal or a proxy answers 200 as well.
        raise UnreachableError(f"{reply.status_code} without an answer of the API: {error}") from error


def _problem(reply: requests.Response) -> Problem:
    try:
        return msgspec.json.decode(reply.content, type=Problem)
    except msgspec.DecodeError:
        return Problem(title=reply.reason or "")


def _error(reply: requests.Response, problem: Problem) -> ServerError:
    text = f"{reply.status_code} {problem.slug}: {problem.title} {problem.detail}".strip()
    status = reply.status_code
    if status in (401, 403):
        return RefusedError(text, slug=problem.slug)
    if status == 413:
        return TooLargeError(text)
    # A server that is overloaded or absent says so, itself or through its proxy; 500 may be about what was sent.
    if status in (408, 425, 429, 502, 503, 504) or status < 400:
        return UnreachableError(text, _retry_after(reply), problem.slug)
    kind = BrokenServerError if status >= 500 else MisunderstoodError
    return kind(text, _retry_after(reply), problem.slug)


def _retry_after(reply: requests.Response) -> float:
    """Seconds of the header Retry-After, which holds seconds or an HTTP date; 0 if neither."""
    value = reply.headers.get("Retry-After", "").strip()
    if value.isdigit():
        return min(float(value), _LONGEST_WAIT_S)
    try:
        # By the server's own Date: this box's calendar may be years off.
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(reply.headers.get("Date", ""))
    except (TypeError, ValueError):
        return 0.0
    return min(max(wait.total_seconds(), 0.0), _LONGEST_WAIT_S)
