"""The box at the bins: serial frames, weighing session, spool and uplink."""
