"""Nothing is timed before the engines agree on what they compute: greedy tokens and the log-probability of targets."""

import programs
import run_files
from engines import CTranslate2, HuggingFace, Rest

TOLERANCE = 1e-3  # nats a sentence, float32


def our_answers(tools, workload, sources, precision="float32"):
    """One greedy sample and the original pair of each source."""
    run = run_files.make_run(workload.folder / "agreement", workload.model / "policy", workload.corpus_of(sources))
    options = {"samples": 1, "temperature": 0, "max_length": workload.length, "include_originals": "true",
               "precision": f'"{precision}"'}
    programs.finish(programs.start(programs.on_ranks(1, tools.grow_command(run, options))))
    candidates = run_files.read_candidates(run)
    return {"greedy": [next(tokens for tokens, _, origin in rows if origin == 0) for rows in candidates],
            "log_prob": [next(value for _, value, origin in rows if origin == 1) for rows in candidates]}


def _compare(name, ours, theirs):
    unequal = sum(a != b for a, b in zip(ours["greedy"], theirs["greedy"]))
    apart = max(abs(a - b) for a, b in zip(ours["log_prob"], theirs["log_prob"]))
    if unequal or apart > TOLERANCE:
        raise SystemExit(f"error: ReST and {name} do not agree: {unequal} of {len(ours['greedy'])} greedy outputs "
                         f"differ, log-probabilities by up to {apart:.2g} (at most {TOLERANCE})")
    return apart


def check(tools, workload, sources, say):
    ours = our_answers(tools, workload, sources)
    apart = {peer.name: _compare(peer.name, ours, peer.answers(workload, sources))
             for peer in (CTranslate2("float32"), HuggingFace(("float32",)))}
    say(f"agreement on {workload.name}: greedy tokens of {sources} sources equal, log-probabilities of their targets "
        + ", ".join(f"within {value:.1g} of {name}" for name, value in apart.items()))
    return apart
