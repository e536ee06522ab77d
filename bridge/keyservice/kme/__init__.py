"""Key management entities: ETSI GS QKD 014 V1.1.1 towards SAEs, a channel between the two ends."""
