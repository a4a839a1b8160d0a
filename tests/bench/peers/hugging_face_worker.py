"""Hugging Face `generate`: samples (timed), decodes greedily or scores targets."""

import json
import pathlib

import torch
import workers
from models import BEGIN, END, PAD, load_hugging_face


def padded(rows):
    width = max(len(row) for row in rows)
    return torch.tensor([row + [PAD] * (width - len(row)) for row in rows])


def generate(job, model, sources, **how):
    inputs = padded([row + [END] for row in sources]).to(model.device)
    limits = dict(max_new_tokens=job["length"], min_new_tokens=job["length"] if job["fixed_length"] else None)
    output = model.generate(input_ids=inputs, attention_mask=(inputs != PAD).long(), **limits, **how)
    return [row[1:] for row in output.cpu()]


def count(rows):
    """Tokens drawn, the end piece included: what is behind it is padding."""
    total = 0
    for row in rows:
        ends = (row == END).nonzero()
        total += int(ends[0]) + 1 if len(ends) else len(row)
    return total


def sample(job, model, sources):
    how = dict(do_sample=True, top_k=0, top_p=1.0, temperature=job["temperature"], num_return_sequences=job["samples"])
    # Neighbours in length share a batch, which is what wastes least in padding.
    sources = sorted(sources, key=len)
    batches = [sources[first:first + job["batch"]] for first in range(0, len(sources), job["batch"])]
    return sum(count(generate(job, model, batch, **how)) for batch in batches)


def prepare(job):
    torch.set_num_threads(job["threads"])
    model = load_hugging_face(job["model"], job["precision"]).to(job.get("device", "cpu"))
    inputs = json.loads(pathlib.Path(job["inputs"]).read_text())
    mine = slice(job.get("part", 0), job["sources"], job.get("parts", 1))
    inputs = {side: inputs[side][mine] for side in ("source", "target")}
    if job["do"] == "sample":
        with torch.inference_mode():
            sample({**job, "samples": 4, "length": 4}, model, inputs["source"][:1])
    return model, inputs


def log_prob(model, source, target):
    source, target_in = padded([source + [END]]), padded([[BEGIN] + target])
    logits = model(input_ids=source, attention_mask=torch.ones_like(source), decoder_input_ids=target_in).logits
    chosen = logits[0].double().log_softmax(-1).gather(1, torch.tensor(target + [END])[:, None])
    return float(chosen.sum())


def before_end(row):
    row = row.tolist()
    return row[:row.index(END)] if END in row else row


def work(job, prepared):
    model, inputs = prepared
    with torch.inference_mode():
        if job["do"] == "sample":
            return {"tokens": sample(job, model, inputs["source"])}
        greedy = [before_end(generate(job, model, [source], do_sample=False)[0]) for source in inputs["source"]]
        scores = [log_prob(model, *pair) for pair in zip(inputs["source"], inputs["target"])]
    return {"greedy": greedy, "log_prob": scores}


workers.serve(prepare, work)
