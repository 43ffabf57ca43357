"""Totals that others published, kept apart from our own ledger: docs/reported-volumes.md.

`forms` knows the files, `files` and `figures` read them, `service` stores them as one import, `rows` and
`queries` read them back, `tariff` holds the won against the tariff's bounds, `anomalies` lists what is worth a look.
Nothing here enters a bill.
"""
