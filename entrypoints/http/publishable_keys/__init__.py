"""Routes of publishable keys."""
