"""Mutation testing of domain/: ``python -m tests.mutation``. docs/mutation.md has the outcome."""
