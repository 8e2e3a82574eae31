"""Routes of outgoing webhooks and their deliveries."""
