"""What may be wrong with a month before it is billed: each check reads the month by one or two statements of SQL.

A check returns plain rows with `complex_id` and `key` (together they name the row), who or what it is about, and facts.
"""
