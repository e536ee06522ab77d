"""Contracts compiled by many compilers, with what a scan must find in each and what it must not.

`sources` writes the same contracts in the dialects of Solidity 0.4 to 0.8, `expected` labels them,
`compile` makes `compiled.json.gz` of them with the compilers that `package.json` pins.
"""
