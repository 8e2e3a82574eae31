"""Recordings in a database: their table, its mapping and its repository."""
