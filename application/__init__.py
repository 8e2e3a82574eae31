"""What runs around the use cases, without technology."""
