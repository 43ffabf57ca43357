"""Alembic migrations, numbered NNNN_slug, up and down, for PostgreSQL and SQLite. They import nothing from app."""
