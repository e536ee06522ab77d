"""The contracts, in the words of each Solidity since 0.4."""

from __future__ import annotations

RECOVER = """
    function digest(address a, address b, uint c, uint d) internal view returns (bytes32) {
        return keccak256(@PACK(abi.encode(address(this), a, b, c, d)));
    }
"""

SOLIDITY = {
    "Permit": """
    mapping(address => uint) public nonces;
    mapping(address => mapping(address => uint)) public allowance;
    event Approval(address indexed owner, address indexed spender, uint value);
    function permit(address owner, address spender, uint value, uint deadline, uint8 v, bytes32 r, bytes32 s) public {
        require(deadline >= @NOW);
        address signer = ecrecover(digest(owner, spender, value, nonces[owner]++), v, r, s);
        require(signer != address(0) && signer == owner);
        allowance[owner][spender] = value;
        @EMIT Approval(owner, spender, value);
    }
""",
    "Claim": """
    address signer;
    mapping(bytes32 => bool) public used;
    function claim(uint amount, uint nonce, uint8 v, bytes32 r, bytes32 s) public {
        bytes32 h = digest(msg.sender, address(0), amount, nonce);
        require(!used[h]);
        require(ecrecover(h, v, r, s) == signer);
        used[h] = true;
        @SEND(msg.sender, amount);
    }
    function fund() public payable {}
""",
    "ClaimByBool": """
    mapping(address => bool) public isSigner;
    function check(bytes32 h, uint8 v, bytes32 r, bytes32 s) internal view returns (bool) {
        address who = ecrecover(h, v, r, s);
        if (who == address(0)) return false;
        if (!isSigner[who]) return false;
        return true;
    }
    function claim(uint amount, uint nonce, uint8 v, bytes32 r, bytes32 s) public {
        if (!check(digest(msg.sender, address(0), amount, nonce), v, r, s)) revert();
        @SEND(msg.sender, amount);
    }
""",
    "OwnerBySignature": """
    address public owner;
    event OwnershipTransferred(address indexed from, address indexed to);
    modifier onlyOwner() { require(msg.sender == owner); _; }
    function rescue(address to) public onlyOwner { @SEND(@PAY(to), 1); }
    function hand(address to, uint8 v, bytes32 r, bytes32 s) public {
        require(ecrecover(digest(to, owner, 0, 0), v, r, s) == owner);
        @EMIT OwnershipTransferred(owner, to);
        owner = to;
    }
""",
    "OwnerSlotOnly": """
    address public owner;
    function rescue(address to) public { require(msg.sender == owner); @SEND(@PAY(to), 1); }
    function hand(address to, uint8 v, bytes32 r, bytes32 s) public {
        require(ecrecover(digest(to, owner, 0, 0), v, r, s) == owner);
        owner = to;
    }
""",
    "UpgradeBySignature": """
    address signer;
    function upgrade(address to, uint8 v, bytes32 r, bytes32 s) public {
        require(ecrecover(digest(to, address(0), 0, 0), v, r, s) == signer);
        assembly { sstore(0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc, to) }
    }
""",
    "Multisig": """
    mapping(address => bool) public isOwner;
    uint threshold;
    uint nonce;
    function execute(address to, bytes @MEMORY data, uint8[] @MEMORY v, bytes32[] @MEMORY r, bytes32[] @MEMORY s) public {
        bytes32 h = keccak256(@PACK(abi.encode(to, nonce++)));
        address last = address(0);
        for (uint i = 0; i < threshold; i++) {
            address who = ecrecover(h, v[i], r[i], s[i]);
            require(who > last && isOwner[who]);
            last = who;
        }
        @CALL(to, data);
    }
""",
    "Vote": """
    mapping(address => uint) public votes;
    function vote(uint choice, uint8 v, bytes32 r, bytes32 s) public {
        address who = ecrecover(digest(address(0), address(0), choice, 0), v, r, s);
        require(who != address(0));
        votes[who] = choice;
    }
""",
    "Recover": """
    function recover(bytes32 h, uint8 v, bytes32 r, bytes32 s) public view returns (address) {
        return ecrecover(h, v, r, s);
    }
""",
    "LogsOnly": """
    event Signed(address who);
    function tell(bytes32 h, uint8 v, bytes32 r, bytes32 s) public {
        address who = ecrecover(h, v, r, s);
        require(who != address(0));
        @EMIT Signed(who);
    }
    function pay(uint amount) public { @SEND(msg.sender, amount); }
""",
    "Hashes": """
    bytes32 public root;
    function set(bytes @MEMORY data) public { root = sha256(data); }
    function pay(bytes @MEMORY data) public {
        require(keccak256(data) == root);
        @SEND(msg.sender, 1);
    }
""",
    "Ripemd": """
    bytes20 public root;
    function pay(bytes @MEMORY data) public {
        require(ripemd160(data) == root);
        @SEND(msg.sender, 1);
    }
""",
    "ShortCommitment": """
    mapping(bytes16 => uint) public due;
    bytes16 public next;
    function open(bytes @MEMORY data) public {
        require(bytes16(keccak256(data)) == next);
        @SEND(msg.sender, 1);
    }
""",
    "NotShort": """
    mapping(address => uint) public due;
    address public made;
    function open(bytes @MEMORY data) public {
        require(@ADDRESS(keccak256(data)) == made);
        @SEND(msg.sender, 1);
    }
    function named(bytes @MEMORY data) public {
        require(msg.sig == bytes4(keccak256("named(bytes)")));
        @SEND(msg.sender, 1);
    }
""",
    "LooksLikeOne": """
    uint public one = 1;
    bytes constant text = hex"6001600052600060006020600060006001610bb8f1600160005260006000602060006001fa";
    mapping(uint => uint) public words;
    function keep(uint at) public { words[at] = 0x6001610bb8fa; words[1] = uint(@U8(text[at])); }
    function ask(address who, bytes @MEMORY data) public {
        require(@U160(who) != 1);
        @CALL(who, data);
    }
""",
    "Tokens": """
    mapping(address => uint) public balance;
    address public owner;
    event Transfer(address indexed from, address indexed to, uint value);
    function transfer(address to, uint value) public returns (bool) {
        require(balance[msg.sender] >= value);
        balance[msg.sender] -= value;
        balance[to] += value;
        @EMIT Transfer(msg.sender, to, value);
        return true;
    }
    function mint(address to, uint value) public { require(msg.sender == owner); balance[to] += value; }
""",
}
"""Bodies of contracts that every Solidity takes, with @WORDS for what changed between them."""

ASSEMBLY = {
    "PairingClaim": """
    function proven(uint[24] memory p) internal view returns (bool ok) {
        assembly {
            let m := mload(0x40)
            mstore(m, mload(p)) mstore(add(m, 0x20), mload(add(p, 0x20))) mstore(add(m, 0x40), 7)
            ok := staticcall(sub(gas@(), 2000), 7, m, 0x60, m, 0x40)
            ok := and(ok, staticcall(sub(gas@(), 2000), 6, m, 0x80, m, 0x40))
            ok := and(ok, staticcall(sub(gas@(), 2000), 8, p, 0x300, m, 0x20))
            ok := and(ok, mload(m))
        }
    }
    function claim(uint[24] memory p, uint amount) public {
        require(proven(p));
        @SEND(msg.sender, amount);
    }
""",
    "Kzg": """
    mapping(bytes32 => bool) public seen;
    function put(bytes memory proof, bytes32 key) public {
        bool ok;
        assembly { ok := staticcall(gas@(), 0x0a, add(proof, 0x20), 192, 0, 0) }
        require(ok);
        seen[key] = true;
    }
""",
    "Bls": """
    function join(bytes memory points) public {
        bytes32 answer;
        assembly {
            if iszero(staticcall(gas@(), 0x0f, add(points, 0x20), mload(points), 0, 0x20)) { revert(0, 0) }
            answer := mload(0)
        }
        require(answer == bytes32(uint(1)));
        @SEND(msg.sender, 1);
    }
""",
    "Passkey": """
    bytes32 x;
    bytes32 y;
    function run(address to, bytes memory data, bytes32 h, bytes32 r, bytes32 s) public {
        bytes memory input = abi.encode(h, r, s, x, y);
        (bool ok, bytes memory out) = address(0x100).staticcall(input);
        require(ok && out.length == 32 && abi.decode(out, (uint)) == 1);
        @CALL(to, data);
    }
""",
    "Rsa": """
    bytes modulus;
    function open(bytes memory sig, bytes32 h) public {
        bytes memory n = modulus;
        bytes memory input = abi.encodePacked(uint(sig.length), uint(3), uint(n.length), sig, hex"010001", n);
        (bool ok, bytes memory out) = address(5).staticcall(input);
        require(ok && keccak256(out) == h);
        @SEND(msg.sender, 1);
    }
""",
    "Inverse": """
    function inverse(uint a) public view returns (uint out) {
        assembly {
            let m := mload(0x40)
            mstore(m, 0x20) mstore(add(m, 0x20), 0x20) mstore(add(m, 0x40), 0x20)
            mstore(add(m, 0x60), a)
            mstore(add(m, 0x80), 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63254f)
            mstore(add(m, 0xa0), 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551)
            if iszero(staticcall(gas@(), 5, m, 0xc0, m, 0x20)) { revert(0, 0) }
            out := mload(m)
        }
    }
""",
    "AsksVerifier": """
    address verifier;
    function claim(uint[2] memory a, uint[2][2] memory b, uint[2] memory c, uint[3] memory d) public {
        (bool ok, bytes memory out) = verifier.staticcall(abi.encodeWithSignature(
            "verifyProof(uint256[2],uint256[2][2],uint256[2],uint256[3])", a, b, c, d));
        require(ok && abi.decode(out, (bool)));
        @SEND(msg.sender, 1);
    }
""",
    "AsksWallet": """
    mapping(bytes32 => address) public order;
    function fill(address wallet, bytes32 h, bytes memory sig) public {
        (bool ok, bytes memory out) = wallet.staticcall(abi.encodeWithSelector(0x1626ba7e, h, sig));
        require(ok && out.length >= 32 && abi.decode(out, (bytes4)) == bytes4(0x1626ba7e));
        order[h] = wallet;
    }
""",
    "Wallet": """
    address owner;
    function isValidSignature(bytes32 h, bytes memory sig) public view returns (bytes4) {
        bytes32 r; bytes32 s; uint8 v;
        assembly { r := mload(add(sig, 0x20)) s := mload(add(sig, 0x40)) v := byte(0, mload(add(sig, 0x60))) }
        return ecrecover(h, v, r, s) == owner ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
""",
    "PickedResult": """
    address signer;
    function claim(bytes32 h, uint8 v, bytes32 r, bytes32 s, uint amount) public {
        address who;
        assembly {
            let m := mload(0x40)
            mstore(0x00, h) mstore(0x20, v) mstore(0x40, r) mstore(0x60, s)
            who := mload(staticcall(gas@(), 1, 0x00, 0x80, 0x01, 0x20))
            if iszero(returndatasize@()) { revert(0, 0) }
            mstore(0x40, m) mstore(0x60, 0)
        }
        require(who == signer);
        @SEND(msg.sender, amount);
    }
""",
    "NoPrecompile": """
    function far(bytes memory data) public {
        address to = address(uint160(0x0101));
        bool ok;
        assembly { ok := staticcall(gas@(), add(to, 0x10000), add(data, 0x20), mload(data), 0, 0x20) }
        require(ok);
        assembly { ok := staticcall(gas@(), 4, add(data, 0x20), 0x20, 0, 0x20) }
        require(ok);
        @SEND(msg.sender, 1);
    }
""",
}
"""Bodies for 0.6 and later."""


def written(body: str, version: tuple[int, int, int]) -> str:
    """A contract's body in the words of that version."""

    def since(minor: int, patch: int = 0) -> bool:
        return version >= (0, minor, patch)

    payable = "payable(" if since(6) else ("address(uint160(" if since(5) else "address(")
    close = "))" if since(5) and not since(6) else ")"
    body = body.replace("@NOW", "block.timestamp" if since(7) else "now")
    body = body.replace("@EMIT ", "emit " if since(4, 21) else "")
    body = body.replace("@MEMORY", "memory" if since(5) else "").replace("@()", "()")
    body = _replaced(body, "@PAY", lambda inner: f"{payable}{inner}{close}")
    body = _replaced(
        body,
        "@PACK",
        lambda inner: inner if since(4, 22) else inner.removeprefix("abi.encode")[1:-1],
    )
    body = _replaced(
        body,
        "@ADDRESS",
        lambda inner: f"address(uint160(uint256({inner})))" if since(5) else f"address({inner})",
    )
    body = _replaced(
        body, "@U160", lambda inner: f"uint160({inner})" if since(5) else f"uint({inner})"
    )
    body = _replaced(body, "@U8", lambda inner: f"uint8({inner})")
    sends = "payable({0}).transfer({1})" if since(8) else "{0}.transfer({1})"
    body = _replaced(body, "@SEND", lambda inner: sends.format(*_pair(inner)))
    calls = "(bool done,) = {0}.call({1}); require(done)" if since(5) else "require({0}.call({1}))"
    return _replaced(body, "@CALL", lambda inner: calls.format(*_pair(inner)))


def _pair(inner: str) -> tuple[str, str]:
    first, _, second = inner.rpartition(", ")
    return first, second


def _replaced(body: str, word: str, write) -> str:
    """Each ``@WORD(...)`` replaced by what ``write`` makes of what is inside."""
    while (at := body.find(word + "(")) != -1:
        start = at + len(word) + 1
        end, depth = start, 1
        while depth:
            depth += {"(": 1, ")": -1}.get(body[end], 0)
            end += 1
        body = body[:at] + write(body[start : end - 1]) + body[end:]
    return body


def sources(version: tuple[int, int, int]) -> dict[str, str]:
    """A file for each contract that the version can take, by the contract's name."""
    bodies = dict(SOLIDITY)
    if version >= (0, 6, 0):
        bodies |= ASSEMBLY
    licence = "// SPDX-License-Identifier: Apache-2.0\n" if version >= (0, 6, 0) else ""
    files = {}
    for name, body in bodies.items():
        helper = RECOVER if "digest(" in body else ""
        text = written(helper + body, version)
        files[name] = f"{licence}pragma solidity >=0.4.11;\ncontract {name} {{{text}}}\n"
    return files
