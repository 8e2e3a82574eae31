"""Phone calls: one phone participant's stay in one room instance."""
