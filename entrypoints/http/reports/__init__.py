"""What workers report over HTTP."""
