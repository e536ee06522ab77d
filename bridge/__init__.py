"""A bridge between EVM chains whose attestations are post-quantum signatures verified on chain."""

__version__ = "0.1.0"
