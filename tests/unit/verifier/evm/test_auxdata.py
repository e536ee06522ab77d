from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.errors import CodeProblem, CodeRefused
from bridge.verifier.cbor import MAX_ITEMS, decode
from bridge.verifier.evm.auxdata import MAX_SECTIONS, auxdata_sections
from tests.evm_cases.compile import load

IPFS = (
    bytes.fromhex("a2646970667358221220") + b"\x11" * 32 + bytes.fromhex("64736f6c634300081a0033")
)
BZZR0 = bytes.fromhex("a165627a7a72305820") + b"\x22" * 32 + bytes.fromhex("0029")
BZZR1 = bytes.fromhex("a265627a7a72315820") + b"\x33" * 32 + bytes.fromhex("64736f6c63430005110032")
EXPERIMENTAL = (
    bytes.fromhex("a365627a7a72305820")
    + b"\x44" * 32
    + bytes.fromhex("6c6578706572696d656e74616cf5")
    + bytes.fromhex("64736f6c634300050a0040")
)
NEEDS = "needs the package cbor2"
NO_HASH = bytes.fromhex("a164736f6c634300081a000a")


def test_each_kind_of_section_is_read():
    for section, key, version in (
        (IPFS, "ipfs", "0.8.26"),
        (BZZR0, "bzzr0", None),
        (BZZR1, "bzzr1", "0.5.17"),
    ):
        (found,) = auxdata_sections(b"\x00\xfe" + section)
        assert (found.start, found.end) == (2, 2 + len(section))
        assert found.version == version
        assert {one for one in ("ipfs", "bzzr0", "bzzr1") if getattr(found, one)} == {key}
        assert found.has_metadata_hash
        assert not found.experimental
    (found,) = auxdata_sections(EXPERIMENTAL)
    assert found.experimental
    (found,) = auxdata_sections(NO_HASH)
    assert not found.has_metadata_hash


def test_all_sections_are_found_wherever_they_stand():
    code = b"\x60" + IPFS + b"\x5b" * 9 + BZZR0 + b"\x00" + IPFS
    assert [(one.start, one.end) for one in auxdata_sections(code)] == [
        (1, 1 + len(IPFS)),
        (10 + len(IPFS), 10 + len(IPFS) + len(BZZR0)),
        (11 + len(IPFS) + len(BZZR0), len(code)),
    ]


@pytest.mark.parametrize(
    "section",
    [
        IPFS[:-1] + b"\x34",  # a length that is not the map's
        IPFS[:-2],  # no length
        IPFS.replace(b"\x12\x20", b"\x12\x21", 1),  # another multihash
        BZZR0[:8] + b"\x1f" + b"\x22" * 31 + b"\x00\x28",  # 31 bytes
        bytes.fromhex("a264736f6c634300081a64736f6c634300081a0014"),  # a key twice
        bytes.fromhex("bf64736f6c634300081aff000b"),  # without an end
        bytes.fromhex("a164736f6c63190001000a"),  # a number for a version
    ],
)
def test_what_only_looks_like_a_section_is_left_out(section):
    assert auxdata_sections(b"\xfe" + section) == ()


def test_no_more_sections_than_the_limit():
    assert len(auxdata_sections(NO_HASH * (MAX_SECTIONS + 9))) == MAX_SECTIONS


def test_compiled_code_has_the_sections_of_its_compiler():
    seen = set()
    for name, case in load().items():
        version = name.split()[0]
        if version == "vyper":
            (last,) = auxdata_sections(bytes.fromhex(case["creation"]))
            assert last.compiler == "vyper", name
            assert last.version.startswith("0.4."), name
            assert last.end == len(case["creation"]) // 2
            continue
        code = bytes.fromhex(case["runtime"])
        last = auxdata_sections(code)[-1]
        assert last.end == len(code), name
        assert last.version in (version, None), name
        assert last.has_metadata_hash, name
        seen.add("ipfs" if last.ipfs else "bzzr1" if last.bzzr1 else "bzzr0")
    assert seen == {"ipfs", "bzzr1", "bzzr0"}


@pytest.mark.parametrize(
    "data",
    ["", "18", "1817", "1900ff", "5f4100ff", "c100", "f90000", "f6", "a10000", "a1616100ff",
     "62c328", "9841", "8181818100", "a2616100616101", "44000000", "1c"],
)  # fmt: skip
def test_cbor_to_the_letter_or_not_at_all(data):
    with pytest.raises(CodeRefused) as refused:
        decode(bytes.fromhex(data))
    assert refused.value.code is CodeProblem.BAD_CBOR


def test_cbor_takes_no_more_items_than_the_limit():
    assert len(decode(bytes([0x98, MAX_ITEMS]) + b"\x00" * MAX_ITEMS)) == MAX_ITEMS
    with pytest.raises(CodeRefused):
        decode(bytes([0x98, MAX_ITEMS + 1]) + b"\x00" * (MAX_ITEMS + 1))


_ITEMS = st.recursive(
    st.integers(-(2**64), 2**64 - 1) | st.booleans() | st.binary(max_size=40) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=6,
)


def _depth(item):
    inner = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    return max(map(_depth, inner), default=0) + isinstance(item, dict | list)


@given(_ITEMS)
def test_cbor_is_that_of_cbor2(item):
    cbor2 = pytest.importorskip("cbor2", reason=NEEDS)
    data = cbor2.dumps(item)
    if _depth(item) > 3:
        with pytest.raises(CodeRefused):
            decode(data)
    else:
        assert decode(data) == item == cbor2.loads(data)


@given(st.binary(max_size=60))
def test_what_is_taken_is_what_cbor2_writes(data):
    cbor2 = pytest.importorskip("cbor2", reason=NEEDS)
    try:
        item = decode(data)
    except CodeRefused:
        return
    assert cbor2.loads(data) == item
    assert cbor2.dumps(item) == data
