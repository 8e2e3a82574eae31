"""Traces for OpenTelemetry (https://opentelemetry.io/docs/specs/otel/); the extra `otel`."""
