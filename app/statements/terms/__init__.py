"""By which terms a month is billed: tariffs, payer classes, each complex's way, limits and windows."""
