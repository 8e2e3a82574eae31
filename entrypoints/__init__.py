"""Ways in: HTTP, the command line, scripts. They translate, call a use case, translate back."""
