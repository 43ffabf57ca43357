"""The registry desk: moves, cards and residents of households, the ledger following what was entered late."""
