"""Less noise without better hardware: readout errors undone, gate noise extrapolated away."""
