"""What loops that ask side by side note of a chain."""

from bridge.relayer.watch import ChainSeen


def test_an_older_answer_that_comes_later_takes_no_final_block_back() -> None:
    seen = ChainSeen()
    seen.saw(10, 7)
    seen.saw_final(9)  # confirming asked after the reader did
    seen.saw(11, 8)  # and the reader's answer came last
    assert (seen.head, seen.finalized) == (11, 9)
    seen.saw(12, 10)
    assert seen.finalized == 10
