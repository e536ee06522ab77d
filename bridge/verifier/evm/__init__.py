"""EVM bytecode: what it is, how it runs, and what its cryptography decides."""
