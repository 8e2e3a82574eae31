"""One package for each technology; each implements ports of the domain."""
