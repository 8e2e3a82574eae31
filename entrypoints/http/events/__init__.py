"""The stream of domain events."""
