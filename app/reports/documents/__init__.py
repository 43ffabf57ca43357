"""Statements on paper: PDF, and the code that leads from the paper to the household's own page."""
