"""The two ends of the link, each with its own half of everything.

Nothing passes between them but messages over `channel.ClassicalChannel`, a connected stream socket
in one process or between two, and light through `medium.Medium`, which is simulated. A step takes
and gives one end's half: `SiftedBits`, `EstimatedBits`, `CorrectedBits`, `VerifiedBits` and
`KeyBlock`.
"""
