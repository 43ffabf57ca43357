"""The registry: imports and undo, commands, and what the database refuses."""
