"""The ledger in SQLite or PostgreSQL, by SQLAlchemy Core."""
