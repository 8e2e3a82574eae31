"""What changes without a domain event, and who may know."""
