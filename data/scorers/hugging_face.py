#!/usr/bin/env python3
"""A regression model of Hugging Face as a reward: it reads source and candidate as a pair, as COMET's and other quality
estimators do, and its output is brought to [0, 1].

    [reward]
    name = "estimator"
    command = "python3 data/scorers/hugging_face.py FOLDER_OR_NAME --low -1 --high 1"
"""

import argparse
import os

import torch
from scorer import serve
from transformers import AutoModelForSequenceClassification, AutoTokenizer


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder or name of a sequence classification model with one output")
    parser.add_argument("--low", type=float, default=0.0, help="output that becomes the reward 0 [0]")
    parser.add_argument("--high", type=float, default=1.0, help="output that becomes the reward 1 [1]")
    parser.add_argument("--sigmoid", action="store_true", help="the output is a logit: its sigmoid is the reward")
    parser.add_argument("--device", default="cpu", help="cpu or cuda: the GPU of the rank's number on its host [cpu]")
    parser.add_argument("--batch", type=int, default=32, help="pairs in a forward pass [32]")
    return parser.parse_args()


def main():
    options = arguments()
    device = options.device
    if device == "cuda":
        device = f"cuda:{int(os.environ.get('OMPI_COMM_WORLD_LOCAL_RANK', os.environ.get('SLURM_LOCALID', 0)))}"
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForSequenceClassification.from_pretrained(options.model).to(device).eval()
    if model.config.num_labels != 1:
        raise SystemExit(f"error: {options.model} has {model.config.num_labels} outputs; a regression model has one")

    def of_batch(pairs):
        inputs = tokenizer(*map(list, zip(*pairs)), padding=True, truncation=True, return_tensors="pt").to(device)
        output = model(**inputs).logits[:, 0].float()
        return output.sigmoid() if options.sigmoid else (output - options.low) / (options.high - options.low)

    @torch.inference_mode()
    def score(texts):
        # Neighbours in length share a batch: little padding.
        pairs = [(text["source"], text["candidate"]) for text in texts]
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]) + len(pairs[i][1]))
        rewards = [0.0] * len(pairs)
        for first in range(0, len(order), options.batch):
            places = order[first:first + options.batch]
            for place, reward in zip(places, of_batch([pairs[i] for i in places]).clamp(0, 1).tolist()):
                rewards[place] = reward
        return rewards

    serve(score)


if __name__ == "__main__":
    main()
