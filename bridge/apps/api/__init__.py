"""HTTP interfaces that are open to everybody; the key service's own is in ``bridge.keyservice``."""
