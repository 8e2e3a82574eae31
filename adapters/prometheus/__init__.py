"""Metrics for Prometheus (https://prometheus.io/docs/practices/naming/)."""
