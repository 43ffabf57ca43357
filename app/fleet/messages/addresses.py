"""Addresses of channels: how each kind is written, and how much of one others may see."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from app.texts import Refused, Text

MAX_LENGTH = 500
EMAIL = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
MOBILE = re.compile(r"01[016789][0-9]{7,8}")
HOST = re.compile(r"[a-z0-9.-]+|[0-9a-f:]+")
LOOPBACK = ("localhost", "127.0.0.1", "::1")

NO_EMAIL = Text(
    "전자우편 주소가 아닙니다: {address}. name@example.kr처럼 적으십시오.",
    "Not an e-mail address: {address}. Write it like name@example.kr.",
)
NO_MOBILE = Text(
    "문자를 받을 휴대전화 번호가 아닙니다: {address}. 010-1234-5678처럼 적으십시오.",
    "Not the number of a mobile phone: {address}. Write it like 010-1234-5678.",
)
NO_URL = Text(
    "웹훅 주소가 아닙니다. https://로 시작하고 사용자 이름이 없는 주소를 적으십시오.",
    "Not the address of a webhook. Write one that begins with https:// and holds no user name.",
)
NO_HOST = Text(
    "이 서비스는 {host}(으)로 웹훅을 보내지 않습니다. 관리자에게 JONGNYANG_WEBHOOK_HOSTS에 추가하도록 요청하십시오.",
    "This service sends no webhook to {host}. Ask the operator to add it to JONGNYANG_WEBHOOK_HOSTS.",
)


def normal(kind: str, address: str, webhook_hosts: tuple[str, ...]) -> str:
    """The address as it is stored; raises Refused for one that is none, or that this service must not call."""
    if len(address) > MAX_LENGTH:
        raise Refused(NO_URL if kind == "webhook" else NO_EMAIL.fill(address=address[:40]))
    written: dict[str, Callable[[str], str]] = {"email": _email, "sms": _mobile}
    return written[kind](address) if kind in written else _webhook(address, webhook_hosts)


def masked(kind: str, address: str) -> str:
    """What others may see of it: enough to tell two apart, not enough to use it; a webhook's path may be a secret."""
    if kind == "email":
        name, _, domain = address.partition("@")
        return f"{name[:2]}••@{domain}"
    if kind == "sms":
        return f"{address[:3]}-••••-{address[-4:]}"
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}/••"


def international(mobile: str) -> str:
    """010-1234-5678 as +821012345678 (E.164)."""
    return "+82" + mobile.replace("-", "")[1:]


def _email(address: str) -> str:
    if not EMAIL.fullmatch(address):
        raise Refused(NO_EMAIL.fill(address=address[:40]))
    return address


def _mobile(address: str) -> str:
    digits = re.sub(r"[\s().-]", "", address)
    if digits.startswith("+82"):
        digits = "0" + digits.removeprefix("+82").removeprefix("0")
    if not MOBILE.fullmatch(digits):
        raise Refused(NO_MOBILE.fill(address=address[:40]))
    return f"{digits[:3]}-{digits[3:-4]}-{digits[-4:]}"


def _webhook(address: str, allowed: tuple[str, ...]) -> str:
    """Only hosts that the operator names are called: an address that anybody may type must not reach into the network
    of this server, and what a name resolves to can change between the check and the call.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Refused(NO_URL) from error
    if parts.username or not HOST.fullmatch(host) or not address.isascii() or re.search(r"[\s\\]", address):
        raise Refused(NO_URL)
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise Refused(NO_URL)
    if host not in allowed and f"{host}:{port}" not in allowed:
        raise Refused(NO_HOST.fill(host=host))
    return address
