"""The relayer: the life of a message, one file a stage, and the journal that remembers it."""
