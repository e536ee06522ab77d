"""The development network: two chains, a key service, attestors and a relayer, each a process."""
