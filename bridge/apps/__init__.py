"""What people run: configuration, logs, the development network, the command line."""
