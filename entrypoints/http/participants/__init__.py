"""The routes that list participants."""
