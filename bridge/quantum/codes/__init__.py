"""Error-correcting codes: memories under circuit-level noise, their decoders, and what they cost.

Everything here but `noise` and `hardware` wants the extra ``codes``; nothing outside imports it
until it is used.
"""
