"""What operators need: readiness, statistics, processes and leases."""
