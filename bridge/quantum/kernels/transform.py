"""The additive Fourier transform of Lin, Chung and Han over GF(2^64), in the Cantor basis.

Lin, Chung and Han 2014 (doi 10.1109/FOCS.2014.41, arXiv 1404.3458), with the Cantor basis as in
Gao and Mateer 2010 (doi 10.1109/TIT.2010.2079016). The polynomials X_k are the products of the
s_i over the set bits i of k, where s_0(x) = x and s_{i+1}(x) = s_i(x)^2 + s_i(x); X_k has degree k.
`forward` takes the coefficients of a polynomial on X_0 .. X_{N-1} to its values at w_0 .. w_{N-1}.

Since s_i(b_j) = b_{j-i}, the layer of half 2^i has in its block number c the one factor w_{2c}:

    forward:  u += w_{2c} v,  v += u      inverse:  v += u,  u += w_{2c} v
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from bridge.quantum.kernels.compiled import kernel
from bridge.quantum.kernels.field import Words, plain_product, points, product
from bridge.quantum.kernels.instructions import call
from bridge.quantum.kernels.processor import processor

_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_QUAD = ir.VectorType(_I64, 4)
_NEAR = 1 << 11
"""Words that a first-level cache holds with room to spare: 16 KiB."""


def plain_forward(values: list[int]) -> list[int]:
    """The values at w_0 .. w_{N-1} of a polynomial on X_0 .. X_{N-1}: the readable twin."""
    return _plain_block(values, 0)


def _plain_block(values: list[int], block: int) -> list[int]:
    if len(values) == 1:
        return values
    half = len(values) // 2
    factor = int(points((2 * block + 1).bit_length())[2 * block])
    low = [u ^ plain_product(factor, v) for u, v in zip(values[:half], values[half:], strict=True)]
    high = [u ^ v for u, v in zip(low, values[half:], strict=True)]
    return _plain_block(low, 2 * block) + _plain_block(high, 2 * block + 1)


def _shuffle(builder: Any, left: Any, right: Any, places: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(_I32, len(places)), places)
    return builder.shuffle_vector(left, right, mask)


def _splat(builder: Any, word: Any) -> Any:
    single = builder.insert_element(ir.Constant(_QUAD, ir.Undefined), word, ir.Constant(_I32, 0))
    return _shuffle(builder, single, single, [0, 0, 0, 0])


def _wide_product(builder: Any, left: Any, right: Any) -> Any:
    """Four products in the field, lane by lane, as `field.product` does one."""
    name = "llvm.x86.pclmulqdq.256"
    even = call(builder, name, _QUAD, [left, right, ir.Constant(_I8, 0x00)])
    odd = call(builder, name, _QUAD, [left, right, ir.Constant(_I8, 0x11)])
    low = _shuffle(builder, even, odd, [0, 4, 2, 6])
    high = _shuffle(builder, even, odd, [1, 5, 3, 7])
    over = high
    for shift in (63, 61, 60):
        over = builder.xor(over, builder.lshr(high, ir.Constant(_QUAD, [shift] * 4)))
    result = builder.xor(low, over)
    for shift in (1, 3, 4):
        result = builder.xor(result, builder.shl(over, ir.Constant(_QUAD, [shift] * 4)))
    return result


def _load(builder: Any, address: Any, offset: int) -> tuple[Any, Any]:
    place = builder.add(address, ir.Constant(_I64, offset))
    pointer = builder.inttoptr(place, _QUAD.as_pointer())
    loaded = builder.load(pointer)
    loaded.align = 8
    return loaded, pointer


def _store(builder: Any, value: Any, pointer: Any) -> None:
    builder.store(value, pointer).align = 8


def _butterfly(builder: Any, u: Any, v: Any, factor: Any, inverse: bool) -> tuple[Any, Any]:
    if inverse:
        v = builder.xor(v, u)
        return builder.xor(u, _wide_product(builder, v, factor)), v
    u = builder.xor(u, _wide_product(builder, v, factor))
    return u, builder.xor(v, u)


def _wide_step(inverse: bool) -> Any:
    """Four butterflies: addresses of u and v, and the factor."""

    def build(typing_context: Any, first: Any, second: Any, factor: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            u, u_pointer = _load(builder, arguments[0], 0)
            v, v_pointer = _load(builder, arguments[1], 0)
            factors = _splat(builder, arguments[2])
            u, v = _butterfly(builder, u, v, factors, inverse)
            _store(builder, u, u_pointer)
            _store(builder, v, v_pointer)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.uint64), generate

    return intrinsic(build)


def _near_step(inverse: bool) -> Any:
    """The layers of half 2 and 1 on eight words: their address, and that of four factors.

    From the two addresses, points 0 and 2 of the first four are the factors of the layer of half 2,
    and points 0, 2, 4 and 6 of the second eight those of the layer of half 1.
    """

    def build(typing_context: Any, address: Any, twos: Any, ones: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            first, first_pointer = _load(builder, arguments[0], 0)
            second, second_pointer = _load(builder, arguments[0], 32)
            two_factors, _ = _load(builder, arguments[1], 0)
            low, _ = _load(builder, arguments[2], 0)
            high, _ = _load(builder, arguments[2], 32)
            for_twos = _shuffle(builder, two_factors, two_factors, [0, 0, 2, 2])
            for_ones = _shuffle(builder, low, high, [0, 2, 4, 6])

            def twos_layer(x: Any, y: Any) -> tuple[Any, Any]:
                u = _shuffle(builder, x, y, [0, 1, 4, 5])
                v = _shuffle(builder, x, y, [2, 3, 6, 7])
                u, v = _butterfly(builder, u, v, for_twos, inverse)
                return (
                    _shuffle(builder, u, v, [0, 1, 4, 5]),
                    _shuffle(builder, u, v, [2, 3, 6, 7]),
                )

            def ones_layer(x: Any, y: Any) -> tuple[Any, Any]:
                u = _shuffle(builder, x, y, [0, 2, 4, 6])
                v = _shuffle(builder, x, y, [1, 3, 5, 7])
                u, v = _butterfly(builder, u, v, for_ones, inverse)
                return (
                    _shuffle(builder, u, v, [0, 4, 1, 5]),
                    _shuffle(builder, u, v, [2, 6, 3, 7]),
                )

            layers = (ones_layer, twos_layer) if inverse else (twos_layer, ones_layer)
            for layer in layers:
                first, second = layer(first, second)
            _store(builder, first, first_pointer)
            _store(builder, second, second_pointer)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.int64), generate

    return intrinsic(build)


@intrinsic
def _product_four(typing_context: Any, first: Any, second: Any) -> Any:
    """Four products of words at two addresses, written over the first."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        left, pointer = _load(builder, arguments[0], 0)
        right, _ = _load(builder, arguments[1], 0)
        _store(builder, _wide_product(builder, left, right), pointer)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


_forward_four, _inverse_four = _wide_step(False), _wide_step(True)
_forward_eight, _inverse_eight = _near_step(False), _near_step(True)


@kernel
def _narrow_layer(
    values: Words, table: Words, start: int, stop: int, half: int, back: bool
) -> None:
    """One layer over ``values[start:stop]``, a butterfly at a time."""
    for block in range(start // (2 * half), stop // (2 * half)):
        factor = table[2 * block]
        for place in range(2 * half * block, 2 * half * block + half):
            u, v = values[place], values[place + half]
            if back:
                v ^= u
                u ^= product(factor, v)
            else:
                u ^= product(factor, v)
                v ^= u
            values[place], values[place + half] = u, v


@kernel
def narrow_forward(values: Words, table: Words) -> None:
    """`forward` with one product at a time."""
    half = values.size // 2
    while half:
        _narrow_layer(values, table, 0, values.size, half, False)
        half //= 2


@kernel
def narrow_inverse(values: Words, table: Words) -> None:
    """`inverse` with one product at a time."""
    half = 1
    while half < values.size:
        _narrow_layer(values, table, 0, values.size, half, True)
        half *= 2


@kernel
def _wide_layer(values: Words, table: Words, start: int, stop: int, half: int, back: bool) -> None:
    """One layer with a half of at least 4 over ``values[start:stop]``, four butterflies at once."""
    base = values.ctypes.data
    for block in range(start // (2 * half), stop // (2 * half)):
        factor = table[2 * block]
        first = base + 16 * half * block
        for place in range(0, 8 * half, 32):
            if back:
                _inverse_four(first + place, first + 8 * half + place, factor)
            else:
                _forward_four(first + place, first + 8 * half + place, factor)


@kernel
def wide_forward(values: Words, table: Words) -> None:
    """`forward` with four products at once; at least 8 values."""
    base, factors = values.ctypes.data, table.ctypes.data
    near = min(_NEAR, values.size)
    half = values.size // 2
    while 2 * half > near:
        _wide_layer(values, table, 0, values.size, half, False)
        half //= 2
    for start in range(0, values.size, near):
        half = near // 2
        while half >= 4:
            _wide_layer(values, table, start, start + near, half, False)
            half //= 2
        for place in range(start, start + near, 8):
            # Block c of half 2 begins at 4 c, and of half 1 at 2 c; the factor is w_{2c} in both.
            _forward_eight(base + 8 * place, factors + 4 * place, factors + 8 * place)


@kernel
def wide_inverse(values: Words, table: Words) -> None:
    """`inverse` with four products at once; at least 8 values."""
    base, factors = values.ctypes.data, table.ctypes.data
    near = min(_NEAR, values.size)
    for start in range(0, values.size, near):
        for place in range(start, start + near, 8):
            _inverse_eight(base + 8 * place, factors + 4 * place, factors + 8 * place)
        half = 4
        while half < near:
            _wide_layer(values, table, start, start + near, half, True)
            half *= 2
    half = near
    while half < values.size:
        _wide_layer(values, table, 0, values.size, half, True)
        half *= 2


@kernel
def wide_products(values: Words, factors: Words) -> None:
    """Multiply each value by its factor, four at once; contiguous vectors of one length."""
    base, others = values.ctypes.data, factors.ctypes.data
    whole = values.size & ~3
    for place in range(0, 8 * whole, 32):
        _product_four(base + place, others + place)
    for index in range(whole, values.size):
        values[index] = product(values[index], factors[index])


def forward(values: Words) -> None:
    """Turn coefficients on X_0 .. X_{N-1} into values at w_0 .. w_{N-1}, in place; N = 2^k."""
    table = points(max(1, values.size.bit_length() - 1))
    if processor().wide_carry_less and values.size >= 8:
        wide_forward(values, table)
    else:
        narrow_forward(values, table)


def inverse(values: Words) -> None:
    """Turn values at w_0 .. w_{N-1} into coefficients on X_0 .. X_{N-1}, in place; N = 2^k."""
    table = points(max(1, values.size.bit_length() - 1))
    if processor().wide_carry_less and values.size >= 8:
        wide_inverse(values, table)
    else:
        narrow_inverse(values, table)
