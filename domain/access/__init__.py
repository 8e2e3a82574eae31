"""Who may do and see what: access, API keys, rate limits."""
