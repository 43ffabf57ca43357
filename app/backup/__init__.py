"""Backups of either database: one file each with a manifest of what it holds, and the proof that it comes back."""
