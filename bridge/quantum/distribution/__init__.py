"""Sifted key of both ends of a simulated link, block after block until one is good.

The ends are those of `bridge.quantum.ends`, over pulses that an adversary can touch one by one.
"""
