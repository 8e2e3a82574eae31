"""Requests that are sent again under one idempotency key."""
