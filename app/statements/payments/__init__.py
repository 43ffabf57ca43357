"""Payments of statements and what is still owed."""
