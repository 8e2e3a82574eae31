"""Where recordings are stored: a folder, or an S3-compatible bucket."""
