"""All protocols by name: each module of this package that has a `PROTOCOL`, or `PROTOCOLS` where it knows several."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Final

from gateways import frames
from gateways.frames import DeviceProtocol


def _found() -> Iterator[DeviceProtocol]:
    for module in pkgutil.iter_modules(frames.__path__):
        if module.name != __name__.rpartition(".")[2]:
            content = vars(import_module(f"{frames.__name__}.{module.name}"))
            yield from content.get("PROTOCOLS", ())
            if "PROTOCOL" in content:
                yield content["PROTOCOL"]


def by_name(protocols: Iterator[DeviceProtocol]) -> dict[str, DeviceProtocol]:
    """Return the protocols in the order of their names; raises ValueError if two modules claim one."""
    named: dict[str, DeviceProtocol] = {}
    for protocol in protocols:
        if named.setdefault(protocol.name, protocol) is not protocol:
            raise ValueError(f"two modules of gateways/frames call their protocol {protocol.name}")
    return dict(sorted(named.items()))


PROTOCOLS: Final = by_name(_found())
