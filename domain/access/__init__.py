"""Access: scopes, tenants, API keys and rate limits."""
