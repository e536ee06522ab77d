"""Why the verifier says no where lib-sourcify says yes, by the kind of case."""

from __future__ import annotations

HAND_MADE = (
    "lib-sourcify takes the immutables from the chain as they are. Here the creation code must be "
    "the compiled one, and run again it must make this code: creation code that somebody wrote by "
    "hand ran no constructor, so nothing says where the immutables come from."
)
DISAGREE = (
    "lib-sourcify puts in the chain's bytes at each place by itself. Here all places of one "
    "immutable must hold the same value, as any constructor leaves them."
)
CHANGED = (
    "lib-sourcify compares the creation transaction with the source, and the code of today with "
    "the source, and not the one with the other. Here the code after the creation must be the "
    "code of today."
)
REASONS = {
    "a line end more": (
        "lib-sourcify changes line ends and spaces at the ends of the given sources until their "
        "hash is the chain's, and then says exact. Here a standard JSON is compiled as it is "
        "given; only the sources of a metadata, which names their hashes, are tried so."
    ),
    "immutables that disagree": DISAGREE,
    "immutables that disagree, no transaction": DISAGREE,
    "immutables forged alike": HAND_MADE,
    "immutables forged alike, no transaction": (
        HAND_MADE + " Where no transaction is given, it is looked for on the chain."
    ),
    "right immutables, hand-made creation": HAND_MADE,
    "a factory's child, hand-made creation": HAND_MADE,
    "code changed after its creation": CHANGED,
    "another library than at its creation": CHANGED,
    "one library, two addresses": (
        "lib-sourcify links each place by itself. Here all places of one library must hold the "
        "same address, as the linker leaves them."
    ),
    "call protection of another address": (
        "lib-sourcify takes the first 21 bytes of a library from the chain as they are. Here they "
        "must be PUSH20 of the library's own address, which is what its creation code puts there."
    ),
    "no call protection": (
        "lib-sourcify takes the first 21 bytes of a library from the chain as they are, whatever "
        "instruction they begin with. Here that must be PUSH20."
    ),
    "auxdata that is a string": (
        "lib-sourcify takes any CBOR in place of the compiled auxdata. Here it must be the map "
        "that the compiler writes, and differ in the hash alone."
    ),
}
