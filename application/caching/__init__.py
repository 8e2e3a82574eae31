"""Caches of values that cost much to read."""
