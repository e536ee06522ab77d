"""Match of code and source, scans for cryptography that a quantum computer breaks, verdicts."""
