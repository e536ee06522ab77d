"""A work queue over several backends: priorities, fair shares, failover."""
