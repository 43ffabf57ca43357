"""The service: registry, ingest and ledger of discharges, pages and API."""

__version__ = "0.1.0"
