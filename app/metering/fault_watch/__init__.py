"""The watch over the fleet: what contacts, reports, alive intervals and discharges show of each device."""
