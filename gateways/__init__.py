"""The box at the bins: serial frames, weighing session, spool and uplink."""

__version__ = "0.1.0"
