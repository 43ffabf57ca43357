"""Usage estimated where a meter failed, and its settlement."""
