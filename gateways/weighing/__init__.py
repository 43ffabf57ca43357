"""The weighing session of one meter: events in, effects out. Pure: no clock, no port, no file (docs/sessions.md)."""
