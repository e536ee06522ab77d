"""What ``astralink state`` does: memories shown step by step, and studies of how long they keep."""
