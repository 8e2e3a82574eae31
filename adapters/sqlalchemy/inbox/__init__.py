"""The inbox in a database: its table, its mapping, claims and its repository."""
