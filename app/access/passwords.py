"""Passwords, kept as Argon2id hashes."""

import hashlib
import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.texts import Refused, Text

SHORTEST, LONGEST = 10, 256
hasher = PasswordHasher()

POOR = Text(
    "비밀번호는 {least}자 이상 {most}자 이하여야 합니다. 다른 비밀번호를 쓰십시오.",
    "A password has {least} to {most} characters. Choose another one.",
)
IS_LOGIN = Text(
    "비밀번호가 로그인 이름과 같습니다. 다른 비밀번호를 쓰십시오.", "The password is the login. Choose another one."
)


def hash_password(login: str, password: str) -> str:
    """The hash of a password; raises Refused for one that is short, overlong or the login."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Refused(POOR.fill(least=SHORTEST, most=LONGEST))
    if password.lower() == login.lower():
        raise Refused(IS_LOGIN)
    return hasher.hash(_normal(password))


def fits(password_hash: str, password: str) -> bool:
    """Whether a password is the hashed one; without a hash none is, which takes as long to find out."""
    if len(password) > LONGEST:
        return False
    try:
        return hasher.verify(password_hash or _no_hash(), _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def renewed(password_hash: str, password: str) -> str | None:
    """The hash of the password that fits, made anew where the parameters have changed since, else None."""
    return hasher.hash(_normal(password)) if hasher.check_needs_rehash(password_hash) else None


def stamp(password_hash: str) -> str:
    """What tells this password from the next, and nothing about it."""
    return hashlib.sha256(password_hash.encode()).hexdigest()[:32]


@cache
def _no_hash() -> str:
    return hasher.hash(secrets.token_urlsafe())


def _normal(password: str) -> str:
    # The same Hangul can be typed as syllables or as letters; RFC 8265 compares them in one form.
    return unicodedata.normalize("NFC", password)
