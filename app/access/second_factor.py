"""The second factor: six digits from an app on a phone, which change every 30 seconds (TOTP, RFC 6238).

A code may be one step early or late, and works once. The secret is stored sealed (`app.access.sealing`).
"""

from datetime import datetime

import pyotp
import segno
from markupsafe import Markup
from pyotp.utils import strings_equal

from app.access.models import Account
from app.access.sealing import seal, unseal

PURPOSE = "second factor"
ISSUER = "Jongnyang"
STEP_SECONDS = 30
DRIFT = (0, -1, 1)  # steps, the likeliest first


def new_secret() -> str:
    """A secret of 160 bits in Base32, as apps read it."""
    return pyotp.random_base32()


def address_of(secret: str, name: str) -> str:
    """The `otpauth:` address that tells an app the secret and under which name to show it."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def picture_of(address: str) -> Markup:
    """The address as a QR code, an SVG to stand in a page."""
    drawn = segno.make(address, micro=False, error="m")
    return Markup(drawn.svg_inline(scale=5, dark="#000", light="#fff", svgclass="qr"))  # noqa: S704 - segno's own SVG


def code_at(secret: str, now: datetime) -> str:
    """The code of a moment."""
    return str(pyotp.TOTP(secret).at(now))


def use_code(account: Account, secret_key: str, code: str, now: datetime) -> bool:
    """Whether the code is the account's, which it is once. The caller holds the account's row."""
    sealed = account.totp_secret
    opened = unseal(secret_key, PURPOSE, sealed) if sealed is not None else None
    step = None if opened is None else _step(opened.decode(), code, now)
    if step is None or (account.totp_last_step is not None and step <= account.totp_last_step):
        return False
    account.totp_last_step = step
    return True


def confirm(account: Account, secret_key: str, secret: str, code: str, now: datetime) -> bool:
    """Make the secret the account's second factor if its first code is right. The caller holds the account's row."""
    step = _step(secret, code, now)
    if step is None:
        return False
    account.totp_secret = seal(secret_key, PURPOSE, secret.encode(), now)
    account.totp_confirmed_at = now
    account.totp_last_step = step
    return True


def _step(secret: str, code: str, now: datetime) -> int | None:
    """The number of the 30-second step whose code this is."""
    totp = pyotp.TOTP(secret)
    typed, present = "".join(code.split()), totp.timecode(now)
    return next((present + off for off in DRIFT if strings_equal(typed, totp.generate_otp(present + off))), None)
