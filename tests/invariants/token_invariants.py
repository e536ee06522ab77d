"""What holds of tokens after every call, read from the chains.

What was minted is locked, what is locked is there, and what chain C says moves nothing that is held
for B. The first three know nothing of the model but what was given away.
"""

from __future__ import annotations

from hypothesis.stateful import invariant

from bridge.testing.machine import Reverted
from tests.invariants.calls import word, words
from tests.invariants.ledger import Coins
from tests.invariants.token_ground import IDS_EACH, NOBODY, PEOPLE, A, Asset, B, C
from tests.invariants.token_model import Foretold


class Held(Foretold):
    """The invariants; an heir makes the calls."""

    def totals(self, domain: int, asset: Asset, remote: int) -> tuple[int, ...]:
        """What an end of a route sent, received and refunded, as its chain says."""
        return words(self.bridge(domain, asset.bridge), "totals", asset.route(remote))

    @invariant()
    def what_is_minted_is_locked(self) -> None:
        """Across A and B, both ways. What C says of its own tokens is C's."""
        for asset in self.at.assets:
            for remote in set(asset.remotes) & {A, B} if asset.home != C else ():
                locked, released, returned = self.totals(asset.home, asset, remote)
                burned, minted, restored = self.totals(remote, asset, remote)
                assert minted <= locked - returned, asset.key
                assert released <= burned - restored, asset.key
                supply = word(self.at.vouchers[remote, asset.key], "totalSupply")
                assert supply <= locked - released - returned, asset.key

    @invariant()
    def what_is_locked_is_there(self) -> None:
        for asset in self.at.assets:
            if asset.contract is None:
                continue
            owed = 0
            for remote in asset.remotes:
                locked, released, returned = self.totals(asset.home, asset, remote)
                assert locked >= released + returned, (asset.key, remote)
                owed += locked - released - returned
            bridge = self.bridge(asset.home, asset.bridge)
            held = word(asset.contract, "balanceOf", bridge.address)
            donated = self.model.donated if asset.contract is self.at.gold else 0
            assert held == owed + donated, (asset.key, held, owed)
            assert word(bridge, "escrowed", asset.contract.address) == owed

    @invariant()
    def vouchers_are_what_was_minted_and_not_burned(self) -> None:
        for (domain, key), voucher in self.at.vouchers.items():
            asset = next(one for one in self.at.assets if one.key == key)
            burned, minted, restored = self.totals(domain, asset, domain)
            assert word(voucher, "totalSupply") == minted - burned + restored, key

    @invariant()
    def totals_and_buckets_are_the_models(self) -> None:
        for (domain, (name, home, token), remote), end in self.model.ends.items():
            bridge, route = self.bridge(domain, name), (home, token, remote)
            assert words(bridge, "totals", route) == (end.sent, end.received, end.refunded)
            left = (end.sending.available(self.now), end.receiving.available(self.now))
            assert words(bridge, "available", route) == left, (domain, route)

    def everybody_has_what_the_model_says(self) -> None:
        """Balances and owners on both chains, locks and what may be refunded."""
        for (domain, key), purse in self.model.purses.items():
            asset = next(one for one in self.at.assets if one.key == key)
            artifact = self.at.vouchers.get((domain, key)) or asset.contract
            assert artifact is not None
            if isinstance(purse, Coins):
                for who in (*PEOPLE, self.at.holders[domain].address):
                    assert word(artifact, "balanceOf", who) == purse.of[who], (key, who)
                continue
            for one in range(len(PEOPLE) * IDS_EACH + 3):
                try:
                    owner = word(artifact, "ownerOf", one)
                except Reverted:
                    owner = 0
                assert owner == int(purse.of.get(one, NOBODY), 16), (key, one)
                if domain == asset.home:
                    lock = word(self.bridge(domain, "nfts"), "lockedFor", artifact.address, one)
                    assert lock == purse.locked_for.get(one, 0)
        for sent in self.model.sent:
            waits = (sent.domain, sent.message_id) in self.model.pending
            stored = word(self.bridge(sent.domain, sent.bridge), "pending", sent.message_id)
            assert (stored != 0) == waits
