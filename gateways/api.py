"""The server as the gateway sees it: four calls, and one exception for each thing that can be done about a refusal."""

import gzip
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

import msgspec
import requests

from gateways.clock import Clock
from gateways.keys import GatewayKey
from gateways.records import DischargeAnswer, DischargeBatch, Problem, StatusAnswer, StatusReport, TimeAnswer
from gateways.signing import RequestSigner

_ROUTE: Final = "/api/v1"
_CONNECT_TIMEOUT_S: Final = 5.0
_GZIP_LEVEL: Final = 6
_LONGEST_WAIT_S: Final = 3600.0  # whatever Retry-After says
_ONCE_MORE: Final = frozenset({"clock-skew", "nonce-replayed"})

Answer = TypeVar("Answer")


class ServerError(Exception):
    """The call had no effect that we know of. `retry_after_s` is the server's wish, if it had one."""

    def __init__(self, text: str, retry_after_s: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class UnreachableError(ServerError):
    """No answer, or none that makes sense, or one that asks to come back later."""


class TooLargeError(ServerError):
    """413: the batch must be smaller."""


class RefusedError(ServerError):
    """401 or 403: this key may not; a person must claim the gateway again."""


class MisunderstoodError(ServerError):
    """Another 4xx: the server's software and ours differ."""


class Server:
    """Calls to the server at `url`. With a `key`, requests are signed; one clock-skew is corrected by itself."""

    def __init__(self, url: str, clock: Clock, key: GatewayKey | None = None, *, timeout_s: float = 30.0) -> None:
        self._url = url.rstrip("/")
        self._clock = clock
        self._gateway = key.gateway if key else ""
        self._signer = RequestSigner(key) if key else None
        self._timeout = (min(_CONNECT_TIMEOUT_S, timeout_s), timeout_s)
        self._http = requests.Session()
        # The way to the server is this box's configuration, not whatever environment it was started in.
        self._http.trust_env = False

    def close(self) -> None:
        """Drop the connections."""
        self._http.close()

    def learn_time(self) -> None:
        """Ask for the time, which teaches it to the clock. Raises ServerError."""
        self._call(requests.Request("GET", f"{self._url}{_ROUTE}/time"), TimeAnswer)

    def claim(self, claim_code: str, hardware_id: str) -> GatewayKey:
        """Exchange a one-time code for this gateway's key. Raises ServerError; the code dies with the first success."""
        body = msgspec.json.encode({"claim_code": claim_code, "hardware_id": hardware_id})
        headers = {"Content-Type": "application/json"}
        request = requests.Request("POST", f"{self._url}{_ROUTE}/gateways/claim", data=body, headers=headers)
        return self._call(request, GatewayKey)

    def post_discharges(self, batch: DischargeBatch) -> DischargeAnswer:
        """Send records. Raises ServerError; the records may or may not have arrived then."""
        return self._post("discharges", msgspec.json.encode(batch), DischargeAnswer)

    def post_status(self, report: StatusReport) -> StatusAnswer:
        """Send a status. Raises ServerError."""
        return self._post("status", msgspec.json.encode(report), StatusAnswer)

    def _post(self, route: str, body: bytes, answer: type[Answer]) -> Answer:
        request = requests.Request(
            "POST",
            f"{self._url}{_ROUTE}/gateways/{self._gateway}/{route}",
            data=gzip.compress(body, _GZIP_LEVEL, mtime=0),
            headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
        )
        return self._call(request, answer, self._sign)

    def _sign(self, request: requests.PreparedRequest) -> None:
        if self._signer is None:
            raise RefusedError("this gateway has no key")
        self._signer.sign(request, self._clock.now().wall)

    def _call(
        self,
        request: requests.Request,
        answer: type[Answer],
        sign: Callable[[requests.PreparedRequest], None] = lambda _request: None,
    ) -> Answer:
        reply = self._send(request, sign)
        problem = _problem(reply)
        if reply.status_code == requests.codes.unauthorized and problem.slug in _ONCE_MORE:
            reply = self._send(request, sign)
        if not reply.ok:
            raise _error(reply, _problem(reply))
        return _decode(reply, answer)

    def _send(self, request: requests.Request, sign: Callable[[requests.PreparedRequest], None]) -> requests.Response:
        prepared = self._http.prepare_request(request)
        sign(prepared)
        asked = self._clock.mono()
        try:
            reply = self._http.send(prepared, timeout=self._timeout, allow_redirects=False)
        except requests.RequestException as error:
            raise UnreachableError(f"{type(error).__name__} at {prepared.url}") from error
        self._learn(reply, asked)
        return reply

    def _learn(self, reply: requests.Response, asked: float) -> None:
        """Every answer may tell the time, a clock-skew refusal included."""
        try:
            told = msgspec.json.decode(reply.content, type=TimeAnswer)
        except msgspec.DecodeError:
            return
        self._clock.learn(told.server_time, asked=asked, answered=self._clock.mono())


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
        return RefusedError(text)
    if status == 413:
        return TooLargeError(text)
    if status in (408, 429) or status >= 500 or status < 400:
        return UnreachableError(text, _retry_after(reply))
    return MisunderstoodError(text)


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
