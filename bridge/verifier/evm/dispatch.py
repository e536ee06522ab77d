"""Function selectors, and where their code begins, from the conditions on the way there.

Solidity's legacy pipeline compares the first four bytes of calldata with EQ, its IR pipeline the
same below a binary search; Vyper compares with XOR, behind a jump through a table in the code that
is indexed by the selector's remainder. All of them are conditions on one expression, or jumps to
one whose only unknown part is a remainder, which has few values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bridge.verifier.evm import opcodes as op
from bridge.verifier.evm.interpreter import Interpreter, read_code
from bridge.verifier.evm.values import CODE, OFFSET, Value, Word
from bridge.verifier.evm.words import PURE, WORD

MAX_TABLE: Final = 1024
"""Entries of a table of jumps that are tried."""

MAX_NAMES: Final = 16
"""Comparisons of a selector with a word of the table."""

MAX_DEPTH: Final = 40


def is_selector(word: Word) -> bool:
    """Whether it is the first four bytes of calldata, as a number."""
    if not isinstance(word, Value):
        return False
    if word.kind == op.AND and word.operands[1] == 0xFFFFFFFF:
        return is_selector(word.operands[0])
    if word.kind == op.SHR:
        return word.operands[0] == 224 and _is_first_word(word.operands[1])
    if word.kind == op.DIV:
        return word.operands[1] == 1 << 224 and _is_first_word(word.operands[0])
    return False


def _is_first_word(word: Word) -> bool:
    return isinstance(word, Value) and word.kind == op.CALLDATALOAD and word.operands[0] == 0


def compared_selector(condition: Word, depth: int = 0) -> tuple[int, bool] | None:
    """The selector that a condition is about, and whether the condition holds for it."""
    holds = True
    while isinstance(condition, Value) and condition.kind == op.ISZERO:
        inner = condition.operands[0]
        if is_selector(inner):
            return 0, holds
        condition, holds = inner, not holds
    if not isinstance(condition, Value):
        return None
    if condition.kind in (op.AND, op.OR):
        # Beside a check of calldata's length, where a selector ends in a zero byte (Vyper).
        for part in condition.operands:
            inside = compared_selector(part, depth + 1) if depth < 2 else None
            if inside is not None and inside[1] is (condition.kind == op.AND):
                return inside[0], holds is inside[1]
        return None
    if condition.kind == op.EQ:
        value, constant = condition.operands
        if isinstance(constant, int) and is_selector(value):
            return constant, holds
    elif condition.kind in (op.XOR, op.SUB):
        a, b = condition.operands
        value, constant = (b, a) if isinstance(a, int) else (a, b)
        if isinstance(constant, int) and is_selector(value):
            return constant, not holds
    elif condition.kind == OFFSET and is_selector(condition.operands[0]):
        assert isinstance(condition.operands[1], int)
        return -condition.operands[1] & WORD, not holds
    return None


def functions(run: Interpreter, table: dict[int, int]) -> dict[int, frozenset[int]]:
    """Nodes with which each function begins, by selector.

    ``table`` are selectors by the offset that a table of jumps has for them.
    """
    found: dict[int, set[int]] = {}
    for index, condition in run.conditions.items():
        compared = compared_selector(condition)
        if compared is None or compared[0] > 0xFFFFFFFF:
            continue
        targets, falls = run.edges[index]
        selector, holds = compared
        begins = targets if holds else (() if falls is None else (falls,))
        found.setdefault(selector, set()).update(begins)
    if table:
        for index in run.states:
            selector_there = table.get(run.nodes[index].block.start)
            if selector_there is not None:
                found.setdefault(selector_there, set()).add(index)
    return {selector: frozenset(nodes) for selector, nodes in sorted(found.items()) if nodes}


def jump_table(run: Interpreter, word: Word) -> tuple[frozenset[int], dict[int, int]]:
    """Where a jump to ``word`` may go, and the selectors of those places that the table names.

    Nothing, where more than remainders is unknown of the word.
    """
    code = run.graph.contexts.code
    named = [
        value
        for value in run.values.all
        if value.kind == op.EQ
        and not isinstance(value.operands[1], int)
        and any(map(is_selector, value.operands))
    ][:MAX_NAMES]
    targets: set[int] = set()
    selectors: dict[int, int] = {}
    for chosen in _choices(code, word):
        if not run.graph.budget.spend(64):
            break
        known: dict[int, int | None] = dict(chosen)
        target = _evaluate(code, word, known, 0)
        if target is None or target not in run.graph.contexts.destinations:
            continue
        targets.add(target)
        for value in named:
            for operand in value.operands:
                constant = _evaluate(code, operand, known, 0)
                if constant is not None and constant <= 0xFFFFFFFF:
                    selectors[target] = constant
    return frozenset(targets), selectors


def _choices(code: bytes, word: Word) -> Iterator[dict[int, int]]:
    """All values of the remainders in ``word``: those of outer tables first."""
    work: list[dict[int, int]] = [{}]
    tried = 0
    while work:
        chosen = work.pop()
        free = _free_remainder(code, word, chosen)
        if free is None:
            yield chosen
            continue
        index, modulus = free
        tried += modulus
        if tried > MAX_TABLE:
            return
        work.extend({**chosen, index: one} for one in range(modulus))


def _free_remainder(code: bytes, word: Word, chosen: dict[int, int]) -> tuple[int, int] | None:
    """A remainder without a value whose modulus is known by now, and the modulus."""
    seen: set[int] = set()
    work = [word]
    while work:
        value = work.pop()
        if isinstance(value, int) or value.index in seen or value.index in chosen:
            continue
        seen.add(value.index)
        if len(seen) > 256:
            return None
        if value.kind == op.AND and is_selector(value.operands[0]):
            # Vyper's way with a number of buckets that is a power of two.
            mask = value.operands[1]
            if isinstance(mask, int) and mask & (mask + 1) == 0 and mask < MAX_TABLE:
                return value.index, mask + 1
        if value.kind == op.MOD:
            modulus = _evaluate(code, value.operands[1], dict(chosen), 0)
            if modulus is not None and 0 < modulus <= MAX_TABLE:
                return value.index, modulus
        work.extend(value.operands)
    return None


def _evaluate(code: bytes, word: Word, known: dict[int, int | None], depth: int) -> int | None:
    """The constant that it is where the values in ``known`` have theirs.

    None where more is unknown. What is found on the way is added to ``known``.
    """
    if isinstance(word, int):
        return int(word)
    if word.index in known:
        return known[word.index]
    result = None
    if depth < MAX_DEPTH and (word.kind in PURE or word.kind in (OFFSET, CODE)):
        values = []
        for operand in word.operands:
            value = _evaluate(code, operand, known, depth + 1)
            if value is None:
                break
            values.append(value)
        else:
            result = _compute(code, word.kind, values)
    known[word.index] = result
    return result


def _compute(code: bytes, kind: int | str, values: list[int]) -> int:
    if kind == OFFSET:
        return sum(values) & WORD
    if kind == CODE:
        return int.from_bytes(read_code(code, values[0], values[1]), "big")
    assert isinstance(kind, int)
    return PURE[kind](*values)
