"""Pure arithmetic of billing: service days, tariffs, rating, statements, adjustments, sharing, explanations.

Standard library only: whole grams, whole won, `Decimal` in between, no clock, no float. The same usage and tariff give
the same won, for ever.
"""
