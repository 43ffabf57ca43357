"""Hands one message to the world by Apprise, and tells what became of it. The only module that knows Apprise.

Apprise is imported when something is sent: it costs 0.5 s and 25 MB, which no web worker has to pay.
"""

import logging
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from app.fleet.messages import addresses
from app.settings import Settings
from app.texts import Refused

SECONDS = 60  # how long one sending may take, at most
NO_SENDER = "no-sender"
BAD_SENDER = "bad-sender"
NO_ANSWER = "no-answer"
FORBIDDEN_HOST = "forbidden-host"

# What Apprise's log says of an attempt that surely did not arrive: the other side answered with a number, or was never
# reached. After anything else it may have arrived.
REFUSED = re.compile(r"error=(\d{3})|refused: (\d{3})|\((\d{3}), b['\"]")
NOT_REACHED = re.compile(
    r"NewConnectionError|ConnectTimeoutError|NameResolutionError|SSLError|Connection error while submitting email"
)
BROKEN_OFF = re.compile(r"Socket Exception|[Cc]onnection error|raised an exception")


class Parcel(NamedTuple):
    """What is sent where. `key` is the same whenever this message is sent: a receiver can tell that it has it."""

    key: str
    channel: str
    address: str
    kind: str
    subject: str
    body: str
    short: str
    path: str | None


class Outcome(NamedTuple):
    """`sent`, `failed` (it did not arrive), `hopeless` (nor will it by trying again) or `unknown` (it may have)."""

    state: str
    error: str | None = None


SENT = Outcome("sent")


def deliver(settings: Settings, parcel: Parcel) -> Outcome:
    """Send it once; takes a minute at most and does not raise."""
    missing = what_is_missing(settings, parcel.channel)
    if missing:
        return Outcome("hopeless", missing)
    apprise = _apprise()
    link = f"{settings.public_url}{parcel.path}" if settings.public_url and parcel.path else ""
    try:
        target = _targets[parcel.channel](settings, parcel, link)
    except Refused:
        return Outcome("hopeless", FORBIDDEN_HOST)
    asset = apprise.AppriseAsset(app_id="Jongnyang", app_url="", service_timeout=SECONDS, http_redirects=False)
    service = apprise.Apprise.instantiate(target, asset=asset, suppress_exceptions=True)
    if service is None:
        return Outcome("hopeless", BAD_SENDER)
    short = parcel.channel == "sms"
    result = apprise.Apprise(service, asset=asset).notify(
        title="" if short else parcel.subject,
        body=parcel.short if short else "\n\n".join(filter(None, (parcel.body, link))),
        body_format="text",
        log_level=logging.DEBUG,
    )
    if result:
        return SENT
    return judge(result.status.name, [entry.message for entry in result.logs()])


@cache
def _apprise() -> Any:
    """Apprise, whose log says only at DEBUG why something failed, and there what was sent: it goes nowhere else."""
    import apprise

    logger = logging.getLogger("apprise")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    return apprise


def judge(status: str, logs: Iterable[str]) -> Outcome:
    """What became of an attempt that Apprise calls no success, from its log."""
    told = "\n".join(logs)
    refused = REFUSED.search(told)
    if refused:
        return Outcome("failed", f"refused: {next(filter(None, refused.groups()))}")
    if NOT_REACHED.search(told):
        return Outcome("failed", "not-reached")
    if status == "TIMEOUT" or BROKEN_OFF.search(told):
        return Outcome("unknown", NO_ANSWER)
    return Outcome("failed", BAD_SENDER)


def what_is_missing(settings: Settings, channel: str) -> str | None:
    """Which setting a kind of channel lacks, as `last_error` has it."""
    names = {"email": "mail_url", "sms": "sms_url", "webhook": "webhook_hosts"}
    return None if getattr(settings, names[channel]) else f"{NO_SENDER}: JONGNYANG_{names[channel].upper()}"


def _mail(settings: Settings, parcel: Parcel, _link: str) -> str:
    url = settings.mail_url.replace("{email}", quote(parcel.address, safe=""))
    more = {"format": "text", "+X-Jongnyang-Message": parcel.key, "+Auto-Submitted": "auto-generated"}
    return _with(url, more)


def _sms(settings: Settings, parcel: Parcel, _link: str) -> str:
    url = settings.sms_url.replace("{phone}", quote(parcel.address.replace("-", ""), safe=""))
    return url.replace("{e164}", quote(addresses.international(parcel.address), safe=""))


def _webhook(settings: Settings, parcel: Parcel, link: str) -> dict[str, Any]:
    parts = urlsplit(addresses.normal("webhook", parcel.address, settings.webhook_hosts))
    return {
        "schema": "jsons" if parts.scheme == "https" else "json",
        "secure": parts.scheme == "https",
        "host": f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname,
        "port": parts.port,
        "fullpath": parts.path or "/",
        "params": dict(parse_qsl(parts.query, keep_blank_values=True)),
        "headers": {"Idempotency-Key": parcel.key},
        "payload": {"key": parcel.key, "kind": parcel.kind, "url": link},
        "redirect": False,
    }


Target = str | dict[str, Any]
_targets: dict[str, Callable[[Settings, Parcel, str], Target]] = {"email": _mail, "sms": _sms, "webhook": _webhook}


def _with(url: str, parameters: dict[str, str]) -> str:
    pairs = "&".join(f"{quote(name, safe='+')}={quote(value, safe='')}" for name, value in parameters.items())
    return f"{url}{'&' if '?' in url else '?'}{pairs}"
