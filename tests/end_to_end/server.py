"""The service as a process of its own, to be killed like one."""

from scripts.ordeals.server import ServerProcess

__all__ = ["ServerProcess"]
