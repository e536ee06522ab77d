"""What the bridge speaks of: messages, checkpoints, quorums, stages, keys. Standard library only."""
