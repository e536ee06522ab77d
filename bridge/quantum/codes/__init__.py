"""Error-correcting codes: circuits, decoders and their logical error rates."""
