"""The context strings of FIPS 204 and 205, one for each type of statement.

A signature given under one of them is none under another, whatever was signed
(``contracts/types/Contexts.sol`` has the same).
"""

from __future__ import annotations

CHECKPOINT_CONTEXT = b"astralink/checkpoint/v1"
"""A tree of an Outbox, said to an Inbox."""
ROTATION_CONTEXT = b"astralink/rotation/v1"
"""The next signer set, said by the outgoing one."""
RECEIPT_CONTEXT = b"astralink/receipt/v1"
"""What became of messages. Nothing is signed under it: a receipt travels as a message, and its tag
is hashed with this."""
EVIDENCE_CONTEXT = b"astralink/evidence/v1"
"""Two checkpoints that contradict each other. Nothing is signed under it: it is hashed into the
identifier of an evidence."""
VERDICT_CONTEXT = b"astralink/verdict/v1"
"""What was found about a deployed contract."""
REVOCATION_CONTEXT = b"astralink/verdict-revocation/v1"
"""That what was found about a deployed contract holds no more."""

CONTEXTS = (
    CHECKPOINT_CONTEXT,
    ROTATION_CONTEXT,
    RECEIPT_CONTEXT,
    EVIDENCE_CONTEXT,
    VERDICT_CONTEXT,
    REVOCATION_CONTEXT,
)
