"""Outgoing webhooks: domain events, delivered to the URLs of users' systems."""
