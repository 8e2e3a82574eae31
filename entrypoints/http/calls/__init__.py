"""Routes of calls."""
