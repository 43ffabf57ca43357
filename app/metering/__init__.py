"""Ingest, ledger, corrections and rollups of discharges."""
