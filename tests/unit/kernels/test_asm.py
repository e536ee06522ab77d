"""The assembler: what it assembles runs, and what cannot run is refused while assembling."""

import pyrevm
import pytest

from scripts.kernels.asm import Asm, AsmError, loop

ME = "0x" + "11" * 20


def run(asm: Asm, data: bytes = b"") -> int:
    """Run a program that leaves its result on the stack's top; the result."""
    asm.push(0)
    asm.op("MSTORE")
    asm.push(32)
    asm.push(0)
    asm.op("RETURN")
    code = asm.assemble()
    evm = pyrevm.EVM(gas_limit=1 << 40, spec_id="PRAGUE")
    evm.set_balance(ME, 10**24)
    init = bytes.fromhex("61") + len(code).to_bytes(2) + bytes.fromhex("80600a3d393df3") + code
    return int.from_bytes(evm.message_call(ME, evm.deploy(ME, init), calldata=data))


def test_names_are_found_wherever_they_are() -> None:
    asm = Asm()
    asm.push(7, "a")
    asm.push(5, "b")
    asm.dup("a")
    asm.dup("b")
    asm.op("SUB", "difference")  # top minus second: 5 - 7
    asm.push(3)
    asm.op("ADD")
    assert run(asm) == 1


def test_replace_puts_the_top_in_a_place() -> None:
    asm = Asm()
    asm.push(1, "a")
    asm.push(2, "b")
    asm.push(9)
    asm.replace("a")
    assert asm.stack == ["a", "b"]
    asm.op("SUB")  # b - a
    assert run(asm) == (2 - 9) % 2**256


def test_a_loop_counts() -> None:
    asm = Asm()
    asm.push(0, "sum")
    asm.push(0, "i")
    with loop(asm, "again", "i", 10, 1):
        asm.dup("i")
        asm.dup("sum")
        asm.op("ADD")
        asm.replace("sum")
    asm.pop("i")
    assert run(asm) == 45


def test_a_subroutine_returns_to_where_it_was_called() -> None:
    asm = Asm()
    asm.push(5, "x")
    asm.call("double")
    asm.call("double")
    asm.jump("end")
    asm.arrive(["x", "back"])
    asm.label("double")
    asm.dup("x")
    asm.push(2)
    asm.op("MUL")
    asm.replace("x")
    asm.op("JUMP")
    asm.arrive(["x"])
    asm.label("end")
    assert run(asm) == 20


def test_a_value_out_of_reach_is_refused() -> None:
    asm = Asm()
    asm.push(1, "deep")
    for _ in range(16):
        asm.push(0)
    with pytest.raises(AsmError, match="dup deep: 17 deep"):
        asm.dup("deep")


def test_two_stacks_at_one_label_are_refused() -> None:
    asm = Asm()
    asm.push(1)
    asm.label("here")
    asm.push(1)
    asm.push(1)
    with pytest.raises(AsmError, match="label here"):
        asm.jumpi("here")


def test_unknown_names_and_labels_are_refused() -> None:
    asm = Asm()
    with pytest.raises(AsmError, match="no value called x"):
        asm.dup("x")
    asm.push(1)
    asm.jumpi("nowhere")
    with pytest.raises(AsmError, match="nowhere: never placed"):
        asm.assemble()


def test_taking_more_than_there_is_is_refused() -> None:
    asm = Asm()
    asm.push(1)
    with pytest.raises(AsmError, match="ADD: expected 2 values"):
        asm.op("ADD")


def test_gas_is_counted() -> None:
    asm = Asm()
    asm.push(0)
    asm.push(1)
    asm.op("MUL")
    assert asm.gas == 2 + 3 + 5


def test_the_cheapest_of_several_ways_is_emitted() -> None:
    def by_product(asm: Asm) -> None:
        asm.push(2)
        asm.op("MUL")

    def by_sum(asm: Asm) -> None:
        asm.dup("x")
        asm.op("ADD")

    def impossible(asm: Asm) -> None:
        asm.dup("y")

    asm = Asm()
    asm.push(21, "x")
    asm.cheapest([impossible, by_product, by_sum])
    assert asm.gas == 3 + 3 + 3
    assert asm.size() == 2 + 1 + 1
    assert run(asm) == 42


def test_no_way_at_all_is_refused() -> None:
    asm = Asm()
    with pytest.raises(AsmError, match="no way was given"):
        asm.cheapest([])
    with pytest.raises(AsmError, match="no value called y"):
        asm.cheapest([lambda asm: asm.dup("y")])
    assert asm.size() == 0


def test_marks_emit_nothing_and_tell_the_parts() -> None:
    def program(marked: bool) -> Asm:
        asm = Asm()
        for part, value in (("head", 1), ("body", 2), ("head", 3)):
            if marked:
                asm.mark(part)
            asm.push(value)
            asm.label(f"at {value}")
            asm.pop()
        asm.push_label("at 2")
        return asm

    marked, plain = program(True), program(False)
    assert marked.assemble() == plain.assemble()
    assert marked.size() == plain.size() == 15
    assert marked.parts() == {"head": [(0, 4), (8, 15)], "body": [(4, 8)]}
    assert plain.parts() == {}


def test_sar_keeps_the_sign() -> None:
    asm = Asm()
    asm.push(2**256 - 12)
    asm.push(2)
    asm.op("SAR")
    assert run(asm) == 2**256 - 3
