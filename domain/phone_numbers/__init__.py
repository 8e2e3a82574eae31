"""The business's telephone numbers, and which agent answers a call to each."""
