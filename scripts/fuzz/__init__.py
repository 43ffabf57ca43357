"""Throws damaged serial bytes at every parser and checks each reading against an independent oracle (`make fuzz`)."""
