"""Entangled pairs in memories: their algebra, their ageing, and the lane of key made of them."""
