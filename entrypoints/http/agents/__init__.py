"""Routes of saved agents."""
