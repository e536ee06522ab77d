"""The labelled corpus: contracts of other people, and what is right to find in them."""
