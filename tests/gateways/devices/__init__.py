"""Ports and the devices on them, on real pseudo-terminals."""
