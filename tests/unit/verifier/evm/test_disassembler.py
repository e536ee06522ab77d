from __future__ import annotations

import pytest
from eth.vm.code_stream import CodeStream
from eth.vm.forks.prague.computation import PragueComputation
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.errors import CodeProblem, CodeRefused
from bridge.verifier.evm.disassembler import (
    MAX_CODE,
    check_code,
    instructions,
    jump_destinations,
    parse_code,
)
from bridge.verifier.evm.opcodes import OPCODES


def test_what_push_carries_is_no_code():
    code = bytes.fromhex("605b5b61005b5b00")
    assert [str(one) for one in instructions(code)] == [
        "00000 PUSH1 0x5b",
        "00002 JUMPDEST",
        "00003 PUSH2 0x005b",
        "00006 JUMPDEST",
        "00007 STOP",
    ]
    assert jump_destinations(code) == {2, 6}


def test_a_push_that_the_end_cuts_short_has_zeros_on_its_right():
    (last,) = instructions(bytes.fromhex("63abcd"))
    assert (last.immediate, last.missing, last.value) == (b"\xab\xcd", 2, 0xABCD0000)
    (bare,) = instructions(b"\x7f")
    assert (bare.missing, bare.value, bare.end) == (32, 0, 1)


def test_unknown_bytes_are_instructions_without_a_name():
    assert [one.name for one in instructions(b"\x0c\xef\x5f")] == [
        "UNKNOWN_0c",
        "UNKNOWN_ef",
        "PUSH0",
    ]


@given(st.binary(max_size=400))
def test_every_byte_belongs_to_one_instruction(code):
    ends = 0
    for one in instructions(code):
        assert one.offset == ends
        ends = one.end
    assert ends == len(code)


@given(st.binary(max_size=300))
def test_jump_destinations_are_those_of_py_evm(code):
    stream = CodeStream(code)
    ours = jump_destinations(code)
    theirs = {at for at, byte in enumerate(code) if byte == 0x5B and stream.is_valid_opcode(at)}
    assert ours == theirs


def test_the_table_is_that_of_py_evm():
    known = {
        code: getattr(function, "__wrapped__", function).mnemonic
        for code, function in PragueComputation.opcodes.items()
    }
    ours = {code: one.name for code, one in OPCODES.items()}
    other_names = {"SHA3": "KECCAK256", "DIFFICULTY": "PREVRANDAO", "RANDOM": "PREVRANDAO"}
    assert {code: other_names.get(name, name) for code, name in known.items()} | {
        0x1E: "CLZ",
        0xFE: "INVALID",
    } == ours


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (b"", CodeProblem.NO_CODE),
        (b"\x00" * (MAX_CODE + 1), CodeProblem.CODE_TOO_LONG),
        (bytes.fromhex("ef000101000402000100010400000000800000fe"), CodeProblem.EOF_FORMAT),
        (b"\xef\x00", CodeProblem.EOF_FORMAT),
        (b"\xef\x01\x00", CodeProblem.RESERVED_FORMAT),
        (b"\xef", CodeProblem.RESERVED_FORMAT),
    ],
)
def test_what_is_no_code_is_refused_by_a_name(code, problem):
    with pytest.raises(CodeRefused) as refused:
        check_code(code)
    assert refused.value.code is problem
    assert str(refused.value).startswith(problem)


def test_code_of_the_greatest_length_is_taken():
    check_code(b"\x5b" * MAX_CODE)


@pytest.mark.parametrize("text", ["6001", "0x6001", " 0X6001\n"])
def test_hexadecimal_digits_are_read(text):
    assert parse_code(text) == b"\x60\x01"


@pytest.mark.parametrize(
    "text", ["0x600", "60 01", "zz", "0x60__$53aea86b7d70b31448b230b20ae141a537$__"]
)
def test_other_text_is_refused(text):
    with pytest.raises(CodeRefused) as refused:
        parse_code(text)
    assert refused.value.code is CodeProblem.NOT_HEX
