"""Liveness and status of devices."""
