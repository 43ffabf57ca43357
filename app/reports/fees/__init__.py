"""The maintenance-fee bill (관리비): a complex's month as its management's program takes it in."""
