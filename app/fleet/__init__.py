"""The boxes at the bins: what they report, what they are told, which cards they open for, and their software."""
