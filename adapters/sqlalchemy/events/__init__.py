"""Domain events in a database: their table, how they are appended, and the outbox."""
