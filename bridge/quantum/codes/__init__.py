"""Error-correcting codes, their noise and their decoders."""
