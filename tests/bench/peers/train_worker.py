"""A peer that trains: one process, or one of several with DistributedDataParallel over gloo."""

import contextlib
import json
import math
import pathlib

import torch
import workers
from models import BEGIN, END, PAD
from torch.nn.parallel import DistributedDataParallel
from train_models import load
from train_setting import read_pairs

IGNORED = -100


def split(examples, pairs, parts):
    """Consecutive parts of about equal numbers of target tokens, as our leaves are."""
    lengths = [len(pairs[i][1]) + 1 for i in examples]
    cut, done = [[] for _ in range(parts)], 0
    for example, length in zip(examples, lengths):
        cut[min(parts - 1, done * parts // sum(lengths))].append(example)
        done += length
    return [part for part in cut if part]


def padded(rows, filler):
    width = max(len(row) for row in rows)
    return torch.tensor([row + [filler] * (width - len(row)) for row in rows])


def make_batch(examples, pairs):
    source = padded([pairs[i][0] + [END] for i in examples], PAD)
    target_in = padded([[BEGIN] + pairs[i][1] for i in examples], PAD)
    target_out = padded([pairs[i][1] + [END] for i in examples], IGNORED)
    return source, source != PAD, target_in, target_out


class Trainer:
    def __init__(self, job):
        self.job, self.train, self.device = job, job["train"], job.get("device", "cpu")
        model = load(job["kind"], job["model"], job["dropout"]).to(self.device)
        self.parameters = list(model.parameters())
        if job["processes"] > 1:
            model = DistributedDataParallel(model, gradient_as_bucket_view=True)
        self.model = torch.compile(model, dynamic=True) if job.get("compiled") else model
        optimizer = {"fused": True} if job["fused"] else {}
        self.optimizer = torch.optim.Adam(self.parameters, betas=(self.train["adam_beta1"], self.train["adam_beta2"]),
                                          eps=self.train["adam_epsilon"], **optimizer)
        self.updates = 0

    def learning_rate(self):
        warmup = self.train["warmup_updates"]
        if self.updates < warmup:
            return self.train["learning_rate"] * self.updates / warmup
        return self.train["learning_rate"] * math.sqrt(warmup / self.updates)

    def loss(self, batch):
        """Summed over the tokens."""
        *inputs, target_out = (part.to(self.device) for part in batch)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.job["precision"] == "bfloat16"):
            logits = self.model(*inputs)
            return torch.nn.functional.cross_entropy(logits.flatten(0, 1), target_out.flatten(), reduction="sum",
                                                     label_smoothing=self.train["label_smoothing"],
                                                     ignore_index=IGNORED)

    def update(self, batches, tokens):
        """This process's micro-batches of an update of so many target tokens. Returns its share of the loss."""
        self.updates += 1
        total = 0.0
        for i, batch in enumerate(batches):
            later = self.job["processes"] > 1 and i + 1 < len(batches)
            with self.model.no_sync() if later else contextlib.nullcontext():
                loss = self.loss(batch)
                # DDP means over its processes.
                (loss * (self.job["processes"] / tokens)).backward()
                total += loss.item()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.train["clip_norm"])
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return total / tokens


def prepare(job):
    torch.set_num_threads(job["threads"])
    if job["processes"] > 1:
        torch.distributed.init_process_group("gloo", init_method=f"file://{job['meeting']}", rank=job["rank"],
                                             world_size=job["processes"])
    updates = json.loads(pathlib.Path(job["batches"]).read_text())
    pairs = read_pairs(job["corpus"], {example for update in updates for example in update})
    tokens = [sum(len(pairs[i][1]) + 1 for i in update) for update in updates]
    cut = [split(update, pairs, job["processes"] * job["micro"]) for update in updates]
    own = slice(job["rank"] * job["micro"], (job["rank"] + 1) * job["micro"])
    batches = [[make_batch(part, pairs) for part in parts[own]] for parts in cut]
    trainer = Trainer(job)
    losses = [trainer.update(*update) for update in list(zip(batches, tokens))[:job["warm"]]]
    return trainer, list(zip(batches, tokens))[job["warm"]:], losses


def work(job, prepared):
    trainer, updates, losses = prepared
    losses += [trainer.update(*update) for update in updates]
    if trainer.device == "cuda":
        torch.cuda.synchronize()
    return {"loss": losses, "tokens": sum(tokens for _, tokens in updates)}


workers.serve(prepare, work)
