"""What the HTTP API and the command line both show, as JSON."""
