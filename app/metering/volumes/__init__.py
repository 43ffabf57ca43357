"""What was thrown away, where and when, and whether the meters were listening. Read from rollups, never written."""
