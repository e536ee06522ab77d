"""Nodes with memories, links between them, and which pairs to make for the most key."""
