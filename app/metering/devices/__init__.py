"""Meters as their pages, API and commands treat them: no move is dated before what a meter weighed at its place."""
