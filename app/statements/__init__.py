"""What households and complexes owe: tariffs, monthly runs, statements, adjustments, disputes, payments."""
