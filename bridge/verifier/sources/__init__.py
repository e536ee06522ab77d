"""Sources: read, compiled to syntax trees, and followed from a cryptographic check to what it guards."""
