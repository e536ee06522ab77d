"""The error tree: the drawing in the docstring is the tree, and each class says what it means."""

import inspect
import pickle
import re

import pytest

from bridge.apps import cli
from bridge.domain import errors
from bridge.domain.errors import (
    AlreadyRunning,
    BridgeError,
    CodeUnreadable,
    CompilerExhausted,
    CompilerFailed,
    CompilerMissing,
    ConfigError,
    NoMatch,
    NotDeployed,
    QuorumMissed,
    RpcInconsistent,
    SourceRefused,
)

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, Exception)
}
EXIT_CODES = {
    "BridgeError": 1,
    "InputError": 2,
    "ChainError": 3,
    "CryptoError": 4,
    "LinkError": 5,
    "KeyServiceError": 6,
    "ProcessError": 7,
    "RelayError": 8,
    "CircuitError": 9,
    "MatchError": 10,
    "ProofError": 1,
}


def drawn():
    """(name, its parent's name, whether it says that it may be retried) of each line."""
    found, path = [], []
    for line in errors.__doc__.splitlines():
        match = re.match(r"    ([│├└─ ]*)([A-Z]\w+)\b(.*)$", line)
        if match is None:
            continue
        depth = len(match[1]) // 4
        assert len(match[1]) % 4 == 0
        path[depth:] = [match[2]]
        parent = path[depth - 1] if depth else "Exception"
        found.append((match[2], parent, "(may be retried)" in match[3]))
    return found


def test_the_drawing_names_exactly_the_classes_there_are():
    names = [name for name, _, _ in drawn()]
    assert len(names) == len(set(names))
    assert set(names) == set(CLASSES)


@pytest.mark.parametrize(("name", "parent", "retryable"), drawn())
def test_each_line_of_the_drawing(name, parent, retryable):
    assert CLASSES[name].__bases__[0].__name__ == parent
    assert CLASSES[name].retryable is retryable


@pytest.mark.parametrize("kind", CLASSES.values(), ids=CLASSES)
def test_exit_code_and_retryable_are_attributes_of_the_class(kind):
    assert isinstance(kind.exit_code, int)
    assert isinstance(kind.retryable, bool)
    family = next(base for base in kind.__mro__ if base.__name__ in EXIT_CODES)
    assert kind.exit_code == EXIT_CODES[family.__name__]


def test_the_command_line_documents_every_exit_code():
    said = re.search(r"Exit codes: (.*)\.", cli.__doc__, re.DOTALL)[1]
    documented = {int(part.split()[0]) for part in said.split(";")}
    ours = {kind.exit_code for kind in CLASSES.values()}
    assert documented == {0, 130} | ours


def test_every_class_says_what_it_is():
    assert all(kind.__doc__ for kind in CLASSES.values())
    assert issubclass(BridgeError, Exception)


def test_config_error_has_every_problem_in_its_message():
    error = ConfigError("file", ["a: missing", "b: unknown key"])
    assert str(error) == "file: 2 problems\n  a: missing\n  b: unknown key"
    assert str(ConfigError("file", ["a: missing"])).startswith("file: 1 problem\n")


def test_quorum_missed_names_each_signer():
    error = QuorumMissed(1, 2, ["signer 0: late", "signer 2: refused"])
    assert str(error) == "1 signatures, expected a weight of 2: signer 0: late; signer 2: refused"
    assert error.failures == ("signer 0: late", "signer 2: refused")


MATCH_ERRORS = [
    (SourceRefused("text"), "invalid_parameter"),
    (AlreadyRunning("text"), "duplicate_verification_request"),
    (CompilerMissing("0.8.99", "none"), "unsupported_compiler_version"),
    (CompilerFailed("0.8.26", ["one", "two"]), "compiler_error"),
    (CompilerExhausted("0.8.26", "time", "1 s"), "compiler_limit_exceeded"),
    (NotDeployed(1, "0x00", 5), "contract_not_deployed"),
    (CodeUnreadable(1, "0x00", "no"), "cannot_fetch_bytecode"),
    (RpcInconsistent(1, "block 5", "a", "b"), "rpc_inconsistent"),
    (NoMatch("no_match", "text"), "no_match"),
]


@pytest.mark.parametrize(("error", "code"), MATCH_ERRORS)
def test_what_a_match_ends_with_has_sourcifys_code_and_travels(error, code):
    assert error.code == code
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back), back.code) == (type(error), str(error), code)


def test_a_compilers_first_error_is_said_and_the_rest_counted():
    assert str(CompilerFailed("0.8.26", ["one", "two"])) == "compiler 0.8.26: one (and 1 more)"
    assert str(CompilerFailed("0.8.26", [])) == "compiler 0.8.26: no output"
