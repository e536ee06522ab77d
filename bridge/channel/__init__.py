"""Channels between two ends that share key."""
