"""What follows a final statement: manual adjustments, voids with reissue, usage that came too late."""
