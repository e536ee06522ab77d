"""The errors of the match: each is in the drawing, has a code, and travels."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from bridge.domain import match_errors
from bridge.domain.errors import BridgeError
from bridge.domain.match_errors import (
    AlreadyRunning,
    CodeUnreadable,
    CompilerExhausted,
    CompilerFailed,
    CompilerMissing,
    NoMatch,
    NotDeployed,
    RpcInconsistent,
    SourceRefused,
)

ERRORS = [
    (SourceRefused("text"), "invalid_parameter", 2, False),
    (AlreadyRunning("text"), "duplicate_verification_request", 2, False),
    (CompilerMissing("0.8.99", "none"), "unsupported_compiler_version", 10, False),
    (CompilerFailed("0.8.26", ["one", "two"]), "compiler_error", 10, False),
    (CompilerExhausted("0.8.26", "time", "1 s"), "compiler_limit_exceeded", 10, False),
    (NotDeployed(1, "0x00", 5), "contract_not_deployed", 10, False),
    (CodeUnreadable(1, "0x00", "no"), "cannot_fetch_bytecode", 10, True),
    (RpcInconsistent(1, "block 5", "a", "b"), "rpc_inconsistent", 10, True),
    (NoMatch("no_match", "text"), "no_match", 10, False),
]


@pytest.mark.parametrize(("error", "code", "exit_code", "retryable"), ERRORS)
def test_an_error_and_its_code(
    error: BridgeError, code: str, exit_code: int, retryable: bool
) -> None:
    assert (error.code, error.exit_code, error.retryable) == (code, exit_code, retryable)  # type: ignore[attr-defined]
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back), back.code) == (type(error), str(error), code)


def test_the_drawing_has_every_class() -> None:
    assert match_errors.__doc__ is not None
    drawn = set(re.findall(r"[├└]── ([A-Z]\w+)", match_errors.__doc__)) - {"InputError"}
    classes = {
        name
        for name, value in vars(match_errors).items()
        if inspect.isclass(value) and value.__module__ == match_errors.__name__
    }
    assert drawn == classes
    again = re.findall(r"([A-Z]\w+) .*\(may be retried\)", match_errors.__doc__)
    assert {name for name in classes if getattr(match_errors, name).retryable} == set(again)


def test_a_compilers_first_error_is_said_and_the_rest_counted() -> None:
    assert str(CompilerFailed("0.8.26", ["one", "two"])) == "compiler 0.8.26: one (and 1 more)"
    assert str(CompilerFailed("0.8.26", [])) == "compiler 0.8.26: no output"
