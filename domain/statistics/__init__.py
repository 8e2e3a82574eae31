"""What happened over a time: counts, rates, percentiles and costs of sessions and calls."""
