// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {MessageClient} from "@astralink/client/MessageClient.sol";
import {IInbox} from "@astralink/interfaces/IInbox.sol";
import {DispatchOptions, IOutbox} from "@astralink/interfaces/IOutbox.sol";

/// @title A poll over several chains: people vote where they are, votes are counted at home
/// @notice A vote travels with the poll's end as its deadline: one that is late is never counted.
contract Poll is MessageClient {
    event Voted(uint32 indexed domain, address indexed voter, uint8 choice);

    error NotOwner(address caller);
    error Closed(uint64 closesAt, uint256 timestamp);
    error VotedBefore(address voter);
    error InvalidChoice(uint8 choice, uint8 choices);
    error NotHome(uint32 home, uint32 domain);

    address public immutable owner;
    /// @notice The domain where votes are counted.
    uint32 public immutable home;
    /// @notice How many choices there are.
    uint8 public immutable choices;
    /// @notice The last second in which a vote is taken.
    uint64 public immutable closesAt;

    mapping(uint8 choice => uint256) public votes;
    mapping(address voter => bool) public voted;

    constructor(
        IOutbox outbox_,
        IInbox inbox_,
        uint32 home_,
        uint8 choices_,
        uint64 closesAt_
    ) MessageClient(outbox_, inbox_) {
        owner = msg.sender;
        home = home_;
        choices = choices_;
        closesAt = closesAt_;
    }

    /// @notice Votes once for each chain. Away from home it costs what `quote` says; the excess
    /// comes back.
    function vote(uint8 choice) external payable {
        if (choice >= choices) revert InvalidChoice(choice, choices);
        if (block.timestamp > closesAt) revert Closed(closesAt, block.timestamp);
        if (voted[msg.sender]) revert VotedBefore(msg.sender);
        voted[msg.sender] = true;
        uint32 here = outbox.localDomain();
        if (here == home) {
            _count(here, msg.sender, choice);
        } else {
            _dispatch(home, abi.encode(msg.sender, choice), _options(), msg.value);
        }
    }

    /// @notice What a vote costs here, in wei.
    function quote() external view returns (uint256) {
        if (outbox.localDomain() == home) return 0;
        return outbox.quoteDispatch(home, peers[home], abi.encode(msg.sender, uint8(0)), _options());
    }

    /// @notice Names the poll's contract on another chain.
    function enrolPeer(uint32 domain, bytes32 peer) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _enrolPeer(domain, peer);
    }

    /// Only the poll's own contracts are heard here; a choice was checked where it was made.
    function _handle(uint32 origin, bytes calldata body) internal override {
        if (outbox.localDomain() != home) revert NotHome(home, outbox.localDomain());
        (address voter, uint8 choice) = abi.decode(body, (address, uint8));
        _count(origin, voter, choice);
    }

    function _count(uint32 domain, address voter, uint8 choice) private {
        ++votes[choice];
        emit Voted(domain, voter, choice);
    }

    function _options() private view returns (DispatchOptions memory) {
        return DispatchOptions({deadline: closesAt, gasLimit: 100_000, refundTo: msg.sender});
    }
}
