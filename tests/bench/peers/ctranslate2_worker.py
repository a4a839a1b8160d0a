"""CTranslate2: samples (timed), decodes greedily or scores targets."""

import json
import pathlib

import ctranslate2
import workers

END = "</s>"


def names(rows):
    return [[str(piece) for piece in row] for row in rows]


def with_end(rows):
    return [row + [END] for row in names(rows)]


def options(job):
    length = job["length"]
    return dict(beam_size=1, max_decoding_length=length, min_decoding_length=length if job["fixed_length"] else 1,
                max_batch_size=job["batch"], batch_type="examples", return_scores=True)


def sample(job, translator, sources):
    results = translator.translate_batch(sources, num_hypotheses=job["samples"], sampling_topk=0,
                                         sampling_temperature=job["temperature"], **options(job))
    # As our programs count: the end piece of a sample that ended by itself is one token.
    return sum(min(len(tokens) + 1, job["length"]) for result in results for tokens in result.hypotheses)


def prepare(job):
    translator = ctranslate2.Translator(job["model"], device=job.get("device", "cpu"),
                                        compute_type=job["compute_type"], inter_threads=job["replicas"],
                                        intra_threads=job["threads"])
    inputs = json.loads(pathlib.Path(job["inputs"]).read_text())
    inputs = {side: inputs[side][:job["sources"]] for side in ("source", "target")}
    if job["do"] == "sample":
        sample({**job, "samples": 4, "length": 4}, translator, with_end(inputs["source"][:2 * job["replicas"]]))
    return translator, inputs


def pieces(tokens):
    special = {"<pad>": 0, "<unk>": 1, "<s>": 2}
    return [special[token] if token in special else int(token) for token in tokens if token != END]


def work(job, prepared):
    translator, inputs = prepared
    sources = with_end(inputs["source"])
    if job["do"] == "sample":
        return {"tokens": sample(job, translator, sources)}
    results = translator.translate_batch(sources, sampling_topk=1, **options(job))
    scores = translator.score_batch(sources, names(inputs["target"]), max_batch_size=job["batch"])
    return {"greedy": [pieces(result.hypotheses[0]) for result in results],
            "log_prob": [sum(score.log_probs) for score in scores]}


workers.serve(prepare, work)
