"""Requests to URLs that the service's callers have given."""
