"""What only this service may read again, encrypted and signed by a key made from its secret (`JONGNYANG_SECRET_KEY`).

Whoever changes or loses that secret makes everything sealed by it unreadable: log-ins under way begin again, and second
factors fit no more. Their owners are then recovered by an administrator, the administrator on the server itself by
`jongnyang user recover`.
"""

from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def seal(secret_key: str, purpose: str, content: bytes, now: datetime) -> bytes:
    """The content for nobody but `unseal` with the same purpose."""
    return _fernet(secret_key, purpose).encrypt_at_time(content, int(now.timestamp()))


def unseal(
    secret_key: str, purpose: str, sealed: bytes, now: datetime | None = None, lifetime: timedelta | None = None
) -> bytes | None:
    """The content; None where it was sealed by another secret, for another purpose, or too long ago."""
    try:
        if now is None or lifetime is None:
            return _fernet(secret_key, purpose).decrypt(sealed)
        return _fernet(secret_key, purpose).decrypt_at_time(sealed, int(lifetime.total_seconds()), int(now.timestamp()))
    except InvalidToken:
        return None


@lru_cache(maxsize=8)
def _fernet(secret_key: str, purpose: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"jongnyang {purpose}".encode())
    return Fernet(urlsafe_b64encode(derived.derive(secret_key.encode())))
