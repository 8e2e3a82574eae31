"""Transcripts in a database: their table, their mapping, and how they are changed and searched."""
