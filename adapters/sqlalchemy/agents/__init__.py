"""Saved agents in a database: their tables, the mapping and the repository."""
