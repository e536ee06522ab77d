"""The demo: the main job on a world of its own, from keys to the answer's last confirmation."""
