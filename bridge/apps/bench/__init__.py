"""What the on-chain verifiers cost, measured on an Anvil of its own."""
