"""Personal details as everybody may see them, until somebody asks for one household with a reason."""

import re
from collections.abc import Callable

DIGIT = re.compile(r"\d")
PHONE_HEAD, PHONE_TAIL = 3, 4


def mask_name(name: str | None) -> str | None:
    """`김철수` is `김*수`, `김철` is `김*`: the first character, the last where there are three or more."""
    if not name:
        return name
    return name[0] + "*" * (len(name) - 2) + name[-1] if len(name) > 2 else name[0] + "*"


def mask_phone(phone: str | None) -> str | None:
    """`010-1234-5678` is `010-****-5678`; a short number shows nothing of itself."""
    if not phone:
        return phone
    digits = len(DIGIT.findall(phone))
    shown = range(PHONE_HEAD, digits - PHONE_TAIL) if digits > PHONE_HEAD + PHONE_TAIL else range(digits)
    numbered = iter(range(digits))
    return DIGIT.sub(lambda found: "*" if next(numbered) in shown else found[0], phone)


def mask_email(email: str | None) -> str | None:
    """`hong@example.com` is `h***@example.com`."""
    if not email:
        return email
    head, _, host = email.rpartition("@")
    return f"{(head or email)[0]}***" + (f"@{host}" if head else "")


def mask_last4(last4: str | None) -> str | None:
    """`4BB2` is `••B2`."""
    return f"••{last4[-2:]}" if last4 else last4


MASKS: dict[str, Callable[[str | None], str | None]] = {
    "name": mask_name,
    "phone": mask_phone,
    "email": mask_email,
    "last4": mask_last4,
}
