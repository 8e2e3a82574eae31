"""Sessions: one user-facing stay of an agent in one room instance."""
