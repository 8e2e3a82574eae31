"""The stream of domain events to those who listen."""
