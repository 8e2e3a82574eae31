"""OTLP over HTTP, passed on as it came."""
