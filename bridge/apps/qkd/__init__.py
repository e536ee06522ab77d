"""What ``astralink qkd`` does: one block of a link, and studies of its key rate with pictures."""
