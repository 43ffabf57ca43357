"""Objections to a line, and how they end."""
