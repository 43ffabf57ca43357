"""Pure arithmetic of billing: units, service days, tariffs. Standard library only."""
