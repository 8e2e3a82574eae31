"""One file, one class, one verb. Call an instance with a command; get a result or a DomainError."""
