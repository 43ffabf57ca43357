"""Makers of bags and designated sales points (지정판매소)."""
