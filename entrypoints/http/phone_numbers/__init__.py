"""Routes of phone numbers."""
