"""Nothing is timed before the engines agree on the losses of the first updates, dropout off, in float32."""

import dataclasses

from train_engines import Peer, Rest

TOLERANCE = 1e-4  # nats a token
UPDATES = 20
TOKENS = 512  # an update: 20 updates see as many sentences as five of the size that is timed
# Adam turns the rounding of small gradients into steps as large as any. At the rate that is timed, losses of either
# engine differ by up to 4e-4 from its own when it adds up the same update in other parts; at this one by 4e-5.
LEARNING_RATE = 1e-4


def _apart(ours, theirs):
    return max(abs(a - b) for a, b in zip(ours, theirs))


def check(bench, workload, peer_kind):
    """How far apart the losses are at most: ours in lower precision (for information) and the peer's."""
    small = dataclasses.replace(workload, dropout=0.0, warm=0, tokens_per_update=TOKENS,
                                learning_rate=LEARNING_RATE)
    losses = {precision: Rest(precision).measure(small, {"leaves": 4}, UPDATES)["loss"]
              for precision in bench.tools.precisions("train")}
    peer = Peer(peer_kind)
    theirs = peer.measure(small, {"processes": 1, "threads": 2, "micro": 1}, UPDATES)["loss"]
    apart = _apart(losses["float32"], theirs)
    if len(theirs) != UPDATES or not apart <= TOLERANCE:
        raise SystemExit(f"error: ReST and {peer.name} do not agree: losses of {UPDATES} updates differ by up to "
                         f"{apart:.2g} nats a token (at most {TOLERANCE})")
    lower = {name: _apart(losses["float32"], values) for name, values in losses.items() if name != "float32"}
    bench.say(f"agreement on {workload.name}: losses of {UPDATES} updates, {theirs[0]:.3f} to {theirs[-1]:.3f} nats a "
              f"token, within {apart:.1g} of {peer.name}; "
              + ", ".join(f"ours in {name} within {value:.1g} of float32" for name, value in lower.items()))
    return {"loss": {"ours": losses, "peer": theirs}, "apart": apart}
