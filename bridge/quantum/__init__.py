"""A simulated BB84 link and the distillation of its bits into key. Needs numpy only."""
