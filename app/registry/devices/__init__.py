"""Meters and reducers: where they stand and stood."""
