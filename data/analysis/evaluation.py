"""Evaluations of several policies on one corpus, sentence by sentence, with the sources and references they belong to."""

import numpy as np

from halves import report_half
from rest_run import Problem, trained_on


class Evaluation:
    """Greedy output and rewards of one policy, one for each sentence."""

    def __init__(self, policy, metrics, trained_on):
        self.policy, self.metrics, self.trained_on = policy, metrics, trained_on
        per_source = metrics.get("per_source", {})
        self.texts = per_source.get("greedy", [])
        self.rewards = np.array(per_source.get("greedy_reward", []), np.float64)
        self.sampled_rewards = np.array(per_source.get("sampled_reward", []), np.float64)


class EvaluatedCorpus:
    """Sentences of a corpus with every policy's evaluation; all have the same length and order."""

    def __init__(self, run, corpus, policies):
        self.corpus = corpus
        self.evaluations = []
        for policy in policies:
            metrics = run.metrics(policy, corpus)
            if metrics is None:
                known = ", ".join(run.evaluated(corpus)) or "none"
                raise Problem(f"{policy} has not been evaluated on {corpus} (evaluated: {known}); "
                              f"run rest_evaluate --policy {policy} --corpus {corpus}")
            self.evaluations.append(Evaluation(policy, metrics, trained_on(run.step(policy))))
        self.reward = self.evaluations[0].metrics.get("reward", "reward")
        sources, references = run.corpus_text(corpus, "source"), run.corpus_text(corpus, "target")
        self.rows = report_half(len(sources)) if corpus == "valid" else np.arange(len(sources))
        self._require_lengths(run)
        self.sources = [sources[row] for row in self.rows]
        self.references = [references[row] for row in self.rows] if references else [""] * len(self.rows)

    def __len__(self):
        return len(self.rows)

    def _require_lengths(self, run):
        for one in self.evaluations:
            if not len(one.texts) == len(one.rewards) == len(self.rows):
                raise Problem(f"{run.metrics_path(one.policy, self.corpus)} holds {len(one.texts)} sentences, {self.corpus} "
                              f"has {len(self.rows)} to evaluate; evaluate again")
            if one.metrics.get("reward") != self.evaluations[0].metrics.get("reward"):
                raise Problem(f"{one.policy} was evaluated with reward {one.metrics.get('reward')}, "
                              f"{self.evaluations[0].policy} with {self.reward}: their rewards cannot be compared")
