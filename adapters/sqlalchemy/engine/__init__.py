"""Connections, transactions, group commit and errors of SQLite and PostgreSQL."""
