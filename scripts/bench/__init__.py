"""`make bench`: how fast discharges get into the ledger, beside floors measured in the same run."""
