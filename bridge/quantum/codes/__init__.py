"""Error-correcting codes: memories under circuit-level noise, their decoders, and what they cost.

All but `noise`, `hardware`, `estimate` and `binary` wants the extra ``codes``; nothing imports it
before it is used.
"""
