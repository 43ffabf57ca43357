"""Files of others taken into the registry: read, compared, reported, written as one batch, undone as one batch.

`sheets` reads a CSV file, `complexes` and `households` say what should be, `changes` writes and remembers it, `undo`
takes it back, `report` and `reasons` tell people. `service` puts them in order. For those who import: docs/imports.md.
"""
