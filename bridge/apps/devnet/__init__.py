"""The development network: two chains, a key service and a relayer, each a process."""
