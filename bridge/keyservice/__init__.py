"""The key service: a pool of link keys, signing keys derived from it, and a signer that remembers.

Private keys never leave it. The link is simulated, so no key comes from the link alone.
"""
