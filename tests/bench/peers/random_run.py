"""Makes a run directory with random weights and sources, to time sampling on without any peers."""

import argparse
import pathlib
import shutil

import models
import run_files


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("shape", choices=models.SHAPES)
    parser.add_argument("--sentences", type=int, default=64)
    parser.add_argument("--pieces", type=int, default=24)
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    config = models.configuration(options.shape)
    models.write_policy(options.folder / "policy" / "g0-i0", config, models.random_weights(config))
    corpus = run_files.random_corpus(config["vocabulary_size"], options.sentences, options.pieces, models.TOKENIZER)
    run_files.write_corpus(options.folder / "corpus" / "train.h5", corpus)


if __name__ == "__main__":
    main()
