"""Alembic migrations, numbered NNNN_slug, up and down, the same for PostgreSQL and SQLite. They import nothing from app."""
