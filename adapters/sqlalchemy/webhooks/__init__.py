"""Outgoing webhooks and their deliveries in a database."""
