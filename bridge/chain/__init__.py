"""The chains: the only RPC code of the bridge, and an embedded chain to run it against."""
