"""TLS on a box whose calendar is absurd: certificates are checked for chain and host name, not for their dates.

Which authorities are trusted is said by the session's `verify`, as with any other adapter: the context brings none of
its own, or the district's own authority would be one beside all public ones.
"""

import ssl
from typing import Any, Final

from requests.adapters import HTTPAdapter

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL's x509_vfy.h, which Python does not name.
_NO_CHECK_TIME: Final = 0x200000


class UndatedAdapter(HTTPAdapter):
    """For a clock that was never set: without it the box could not even ask what time it is."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make connections whose certificates may be of any time."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_flags |= _NO_CHECK_TIME
        super().init_poolmanager(*args, **kwargs, ssl_context=context)
