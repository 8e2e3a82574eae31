"""Short-lived tickets for the standard token endpoint, made by a customer's server."""
