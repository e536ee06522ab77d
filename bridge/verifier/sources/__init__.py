"""Sources: read, compiled to syntax trees, followed from a signature check to what it guards."""
