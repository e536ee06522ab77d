"""Studies of error correction: what `astralink qec` runs and draws."""
