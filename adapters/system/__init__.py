"""What the operating system provides: time and randomness."""
