"""What hangs on the serial ports: readers, scales, lids, displays; and how to find out what does."""
