"""The configuration: a good file, and every way in which a file can be wrong."""

from pathlib import Path

import pytest

from bridge.apps.config import FOLDER_VARIABLE, load_config, state_folder
from bridge.domain.errors import ConfigError, UnknownDomain

GOOD = """\
[chains.A]
domain = 1
chain_id = 31001
rpc_url = "http://127.0.0.1:8545"

[chains.B]
domain = 2
chain_id = 31002
rpc_url = "https://node.example/path"

[key_service]
url = "http://127.0.0.1:8547"
token_file = "keyservice/secrets/token"

[relayer]
deployment = "deployment.json"
journal = "/var/lib/journal.sqlite"
account_key_file = "secrets/relayer.key"
poll_interval_s = 0.5
"""


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    import os

    for name in list(os.environ):
        if name.startswith("ASTRALINK_"):
            monkeypatch.delenv(name)


@pytest.fixture
def write(tmp_path):
    def write(*changes: tuple[str, str], text: str = GOOD) -> Path:
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "astralink.toml"
        path.write_text(text)
        return path

    return write


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert caught.value.source == str(path)
    assert caught.value.exit_code == 2
    return sorted(caught.value.problems)


def test_a_good_file(write, tmp_path):
    config = load_config(write())
    settings = config.chain("B")
    assert (settings.name, settings.domain, settings.chain_id) == ("B", 2, 31002)
    assert settings.rpc_url == "https://node.example/path"
    assert config.name_of(1) == "A"
    assert config.name_of(9) == "9"
    assert config.relayer.poll_interval_s == 0.5
    assert config.key_service.provider == "default"


def test_paths_are_relative_to_the_file_and_absolute_ones_stay(write, tmp_path, monkeypatch):
    path = write()
    monkeypatch.chdir(tmp_path)
    for given in (path, Path(path.name)):
        config = load_config(given)
        assert config.relayer.deployment == tmp_path / "deployment.json"
        assert config.relayer.account_key_file == tmp_path / "secrets" / "relayer.key"
        assert config.relayer.journal == Path("/var/lib/journal.sqlite")
        assert config.key_service.token_file == tmp_path / "keyservice" / "secrets" / "token"


def test_an_unknown_chain_names_the_known_ones(write):
    config = load_config(write())
    with pytest.raises(UnknownDomain, match="unknown chain 'C': expected one of A, B"):
        config.chain("C")


def test_every_wrong_key_is_reported_at_once(write):
    path = write(
        ("chain_id = 31001", 'chain_id = "many"'),
        ("domain = 2\n", ""),
        ("https://node.example/path", "ftp://node.example"),
        ('token_file = "keyservice/secrets/token"', 'token = "x"'),
        ("poll_interval_s = 0.5", "poll_interval_s = 0"),
        ("[relayer]", "[relay]\nx = 1\n\n[relayer]"),
    )
    found = problems(path)
    assert [problem.split(":")[0] for problem in found] == [
        "chains.A.chain_id",
        "chains.B.domain",
        "chains.B.rpc_url",
        "key_service.token",
        "key_service.token_file",
        "relay",
        "relayer.poll_interval_s",
    ]
    text = "\n".join(found)
    assert "chains.B.domain: missing" in text
    assert "key_service.token: unknown key" in text
    assert "relay: unknown key" in text
    assert "got 'many'" in text
    assert "got 'ftp://node.example'" in text


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("domain = 1\n", "domain = 0\n", "chains.A.domain"),
        ("domain = 1\n", "domain = 4294967296\n", "chains.A.domain"),
        ("domain = 1\n", "domain = 1.5\n", "chains.A.domain"),
        ("domain = 1\n", "domain = true\n", "chains.A.domain"),
        ("chain_id = 31001", "chain_id = -1", "chains.A.chain_id"),
        ("http://127.0.0.1:8545", "127.0.0.1:8545", "chains.A.rpc_url"),
        ("http://127.0.0.1:8545", "http://", "chains.A.rpc_url"),
        ("http://127.0.0.1:8545", "http://127.0.0.1:99999", "chains.A.rpc_url"),
        ("http://127.0.0.1:8545", "http://127.0.0.1:port", "chains.A.rpc_url"),
        ("http://127.0.0.1:8545", "http://:8545", "chains.A.rpc_url"),
        ("http://127.0.0.1:8545", "http://[::1", "chains.A.rpc_url"),
        ('"http://127.0.0.1:8547"', "8547", "key_service.url"),
        ("http://127.0.0.1:8547", "http://127.0.0.1:8547 ", "key_service.url"),
        ("poll_interval_s = 0.5", "poll_interval_s = 61", "relayer.poll_interval_s"),
        ('journal = "/var/lib/journal.sqlite"', "journal = 3", "relayer.journal"),
        ("[key_service]", "[key_service.more]\n[key_service]", "key_service.more"),
    ],
)
def test_each_wrong_value(write, old, new, where):
    (problem,) = problems(write((old, new)))
    assert problem.startswith(f"{where}: ")


def test_one_chain_is_no_bridge(write):
    start, end = GOOD.index("[chains.B]"), GOOD.index("[key_service]")
    (problem,) = problems(write(text=GOOD[:start] + GOOD[end:]))
    assert problem.startswith("chains: ")
    assert "at least 2" in problem


def test_domains_and_chain_ids_are_given_once(write):
    path = write(("domain = 2\n", "domain = 1\n"), ("chain_id = 31002", "chain_id = 31001"))
    found = problems(path)
    assert found == [
        "chains.B.chain_id: expected another chain id than chain A has, got 31001",
        "chains.B.domain: expected another domain than chain A has, got 1",
    ]


def test_a_domain_given_twice_is_reported_with_the_other_wrong_keys(write):
    path = write(("domain = 2\n", "domain = 1\n"), ("poll_interval_s = 0.5", "poll = 1"))
    assert [problem.split(":")[0] for problem in problems(path)] == [
        "chains.B.domain",
        "relayer.poll",
    ]


def test_an_empty_file_lacks_every_table(write):
    assert problems(write(text="")) == [
        "chains: missing",
        "key_service: missing",
        "relayer: missing",
    ]


def test_no_file(tmp_path):
    (problem,) = problems(tmp_path / "astralink.toml")
    assert "expected a configuration file, got none" in problem
    assert "astralink devnet up" in problem


@pytest.mark.parametrize("raw", [b"chains = [", b"\xff\xfe", b"a = 1\na = 2\n"])
def test_no_toml(tmp_path, raw):
    path = tmp_path / "astralink.toml"
    path.write_bytes(raw)
    (problem,) = problems(path)
    assert problem.startswith("expected a TOML file: ")


def test_a_folder_is_no_file(tmp_path):
    (problem,) = problems(tmp_path)
    assert problem.startswith("expected a TOML file: ")


# Variables


def test_variables_win_over_the_file(write, monkeypatch):
    monkeypatch.setenv("ASTRALINK_KEY_SERVICE__URL", "http://keys.example:1")
    monkeypatch.setenv("ASTRALINK_RELAYER__POLL_INTERVAL_S", "2")
    monkeypatch.setenv("ASTRALINK_CHAINS__A__RPC_URL", "http://chain.example:2")
    monkeypatch.setenv("ASTRALINK_CHAINS__B__CHAIN_ID", "7")
    config = load_config(write())
    assert config.key_service.url == "http://keys.example:1"
    assert config.key_service.provider == "default"
    assert config.relayer.poll_interval_s == 2.0
    assert config.chain("A").rpc_url == "http://chain.example:2"
    assert config.chain("A").chain_id == 31001
    assert config.chain("B").chain_id == 7
    assert sorted(config.chains) == ["A", "B"]


def test_a_wrong_variable_is_named_as_the_key_it_stands_for(write, monkeypatch):
    monkeypatch.setenv("ASTRALINK_RELAYER__POLL_INTERVAL_S", "often")
    monkeypatch.setenv("ASTRALINK_KEY_SERVICE__TYPO", "1")
    found = problems(write())
    assert found[0] == "key_service.typo: unknown key"
    assert found[1].startswith("relayer.poll_interval_s: ")
    assert "got 'often'" in found[1]


def test_a_variable_in_place_of_a_table_is_refused(write, monkeypatch):
    monkeypatch.setenv("ASTRALINK_CHAINS", "no table")
    with pytest.raises(ConfigError, match=r"environment: 1 problem\n  ASTRALINK_.*chains"):
        load_config(write())


def test_the_bridges_other_variables_are_no_keys(write, monkeypatch):
    monkeypatch.setenv("ASTRALINK_STATE", "/somewhere")
    monkeypatch.setenv("ASTRALINK_ANVIL", "/somewhere/anvil")
    assert load_config(write()).chain("A").domain == 1


def test_the_state_folder(monkeypatch):
    assert state_folder(None) == Path(".astralink")
    monkeypatch.setenv(FOLDER_VARIABLE, "/from/variable")
    assert state_folder(None) == Path("/from/variable")
    assert state_folder(Path("given")) == Path("given")


# Endpoints and attestors

SEVERAL = (
    'rpc_url = "http://127.0.0.1:8545"',
    'rpc_urls = ["http://a:1", "http://b:2", "http://c:3"]\nlag_blocks = 4\ntimeout_s = 9',
)


def test_one_endpoint_agrees_with_itself(write):
    config = load_config(write())
    assert config.chain("A").urls == ("http://127.0.0.1:8545",)
    assert config.chains["A"].needed_agreement == 1
    assert config.chain("A").attempt_timeout_s == config.chain("A").timeout_s


def test_several_endpoints(write):
    config = load_config(write(SEVERAL))
    settings = config.chain("A")
    assert settings.urls == ("http://a:1", "http://b:2", "http://c:3")
    assert (settings.lag_blocks, settings.timeout_s, settings.attempt_timeout_s) == (4, 9.0, 3.0)
    assert config.chains["A"].needed_agreement == 2
    three = (SEVERAL[0], SEVERAL[1] + "\nagreement = 3")
    assert load_config(write(three)).chains["A"].needed_agreement == 3


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        ("", "chains.A.rpc_url: missing"),
        ("rpc_urls = []", "chains.A.rpc_urls: "),
        ('rpc_urls = ["http://a", "ftp://b"]', "chains.A.rpc_urls.1: expected an address"),
        ('rpc_urls = ["http://a", "http://a"]', "chains.A.rpc_urls: expected each address once"),
        (
            'rpc_url = "http://a"\nrpc_urls = ["http://b"]',
            "chains.A.rpc_url: expected it or rpc_urls, got both",
        ),
        (
            'rpc_urls = ["http://a", "http://b"]\nagreement = 3',
            "chains.A.agreement: expected at most 2, as many as there are addresses, got 3",
        ),
        ('rpc_url = "http://a"\nagreement = 2', "chains.A.agreement: expected at most 1"),
        ('rpc_url = "http://a"\nagreement = 0', "chains.A.agreement: "),
        ('rpc_url = "http://a"\nlag_blocks = -1', "chains.A.lag_blocks: "),
        ('rpc_url = "http://a"\ntimeout_s = 0', "chains.A.timeout_s: "),
    ],
)
def test_each_wrong_word_about_endpoints(write, new, problem):
    (found,) = problems(write((SEVERAL[0], new)))
    assert found.startswith(problem)


ATTESTORS = """
[attesting]
folder = "signing"

[[attestors]]
url = "http://127.0.0.1:8551"
token_file = "one.token"
signers = ["signer-1"]

[[attestors]]
url = "https://attestor.example"
token_file = "/etc/two.token"
"""


def test_attestors(write, tmp_path):
    config = load_config(write(text=GOOD + ATTESTORS))
    here, elsewhere = config.attestors
    assert (here.url, here.signers) == ("http://127.0.0.1:8551", ("signer-1",))
    assert here.token_file == tmp_path / "one.token"
    assert elsewhere.signers == ()
    assert elsewhere.token_file == Path("/etc/two.token")
    assert config.attesting.folder == tmp_path / "signing"
    assert load_config(write()).attestors == ()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('url = "http://127.0.0.1:8551"', 'url = "8551"', "attestors.0.url: expected an address"),
        ('token_file = "one.token"', "", "attestors.0.token_file: missing"),
        ('token_file = "/etc/two.token"', "token = 1", "attestors.1.token: unknown key"),
        ('signers = ["signer-1"]', 'signers = [""]', "attestors.0.signers.0: "),
        ('folder = "signing"', "poll_interval_s = 0", "attesting.poll_interval_s: "),
    ],
)
def test_each_wrong_word_about_attestors(write, old, new, problem):
    path = write((old, new), text=GOOD + ATTESTORS)
    assert any(found.startswith(problem) for found in problems(path))


def test_nothing_listens_and_nothing_is_traced_where_it_is_not_asked_for(write):
    config = load_config(write())
    assert config.relayer.listen_url is None
    assert config.telemetry.otlp_url is None
    assert config.chains["A"].ws_url is None


def test_where_to_listen_what_wakes_and_where_traces_go(write, monkeypatch):
    path = write(
        ("poll_interval_s", 'listen_url = "http://127.0.0.1:8549"\npoll_interval_s'),
        ("domain = 1", 'ws_url = "wss://node.example/ws?key=1"\ndomain = 1'),
        ("[relayer]", '[telemetry]\notlp_url = "http://127.0.0.1:4318"\n\n[relayer]'),
    )
    config = load_config(path)
    assert config.relayer.listen_url == "http://127.0.0.1:8549"
    assert config.chains["A"].ws_url == "wss://node.example/ws?key=1"
    assert config.telemetry.otlp_url == "http://127.0.0.1:4318"
    # A variable that is empty says that there is none: a second relayer on one machine.
    monkeypatch.setenv("ASTRALINK_RELAYER__LISTEN_URL", "")
    assert load_config(path).relayer.listen_url is None


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("poll_interval_s", 'listen_url = "https://127.0.0.1:1"\npoll_interval_s', "relayer"),
        ("poll_interval_s", 'listen_url = "http://127.0.0.1"\npoll_interval_s', "relayer"),
        ("poll_interval_s", 'listen_url = "8549"\npoll_interval_s', "relayer"),
        ("domain = 1", 'ws_url = "http://127.0.0.1:8545"\ndomain = 1', "chains.A"),
        ("domain = 1", 'ws_url = "ws://"\ndomain = 1', "chains.A"),
        ("domain = 1", 'ws_url = "ws://host:0"\ndomain = 1', "chains.A"),
        ("[relayer]", '[telemetry]\notlp_url = "collector"\n\n[relayer]', "telemetry.otlp_url"),
        ("[relayer]", "[telemetry]\nurl = 1\n\n[relayer]", "telemetry.url"),
    ],
)
def test_each_wrong_word_about_being_watched(write, old, new, where):
    (problem,) = problems(write((old, new)))
    assert problem.startswith(where)
