"""The words of the bridge: messages, checkpoints, quorums, stages, keys. Needs no library."""
