"""Programs that write the on-chain kernels, instruction by instruction.

The compiler spills what a kernel keeps on the stack, and that costs more than the arithmetic. So
the kernels are assembled here with ``asm``, each beside a readable reference in Python, and their
code is committed under ``contracts/verifiers/generated``.
"""
