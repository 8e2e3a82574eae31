"""Reading requests: JSON bodies, query parameters, paths, headers."""
