"""Run directories as the programs expect them: corpora, policies and commit records (data/README.md)."""

import hashlib
import json
import pathlib
import shutil

import h5py
import numpy as np

LINEAGE = {"kind": "benchmark", "inputs": {}, "options": {}}


def sha256_of(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def commit(path):
    """Without its record, an artefact does not exist for the programs."""
    record = {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path), "lineage": LINEAGE,
              "sidecar": None}
    path.with_name(path.name + ".commit.json").write_text(json.dumps(record))


def committed_digest(path):
    return json.loads(path.with_name(path.name + ".commit.json").read_text())["sha256"]


def write_safetensors(path, tensors, metadata):
    """float32 tensors, by numpy alone."""
    header, end = {"__metadata__": metadata}, 0
    for name, values in tensors.items():
        first, end = end, end + values.nbytes
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [first, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for values in tensors.values():
            file.write(np.ascontiguousarray(values, "<f4").tobytes())


def _write_column(group, name, values):
    # Empty columns cannot be chunked.
    filters = dict(shuffle=True, compression="gzip", fletcher32=True) if len(values) else {}
    group.create_dataset(name, data=values, track_times=False, **filters)


def _write_side(group, rows, texts):
    pieces = [piece for row in rows for piece in row]
    _write_column(group, "length", np.array([len(row) for row in rows], "<u4"))
    _write_column(group, "tokens", np.array(pieces, "<u2"))
    encoded = [text.encode() for text in texts]
    _write_column(group, "text", np.frombuffer(b"".join(encoded), "u1"))
    _write_column(group, "text_length", np.array([len(text) for text in encoded], "<u4"))


def write_corpus(path, corpus):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs["format"] = "rest-corpus"
        file.attrs["format_version"] = np.int64(1)
        file.attrs["vocabulary_size"] = np.int64(corpus["vocabulary_size"])
        file.attrs["tokenizer"] = corpus["tokenizer"]
        file.attrs["lineage"] = json.dumps(LINEAGE)
        for side in ("source", "target"):
            _write_side(file.create_group(side), corpus[side], corpus[side + "_text"])
    commit(path)


def _ragged(values, lengths):
    return [part.tolist() for part in np.split(values, np.cumsum(lengths)[:-1])]


def read_corpus(path):
    with h5py.File(path) as file:
        corpus = {"vocabulary_size": int(file.attrs["vocabulary_size"]), "tokenizer": file.attrs["tokenizer"]}
        for side in ("source", "target"):
            group = file[side]
            corpus[side] = _ragged(group["tokens"][:], group["length"][:])
            texts = _ragged(group["text"][:], group["text_length"][:])
            corpus[side + "_text"] = [bytes(text).decode() for text in texts]
    return corpus


def random_corpus(vocabulary_size, sentences, pieces, tokenizer):
    draw = np.random.default_rng(3)
    sides = {side: draw.integers(4, vocabulary_size, (sentences, pieces)).tolist() for side in ("source", "target")}
    texts = {side + "_text": ["-"] * sentences for side in sides}
    return {"vocabulary_size": vocabulary_size, "tokenizer": tokenizer, **sides, **texts}


def chosen(corpus, rows):
    """The same corpus with these rows alone; numbers beyond its end start again at its beginning."""
    columns = ("source", "target", "source_text", "target_text")
    return {**corpus, **{name: [corpus[name][row % len(corpus[name])] for row in rows] for name in columns}}


def make_run(directory, policy, corpus_file):
    """A new run that shares policy and corpus: what an earlier timing sampled must not be found complete."""
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "policy").mkdir(parents=True)
    (directory / "policy" / "g0-i0").symlink_to(policy.resolve())
    (directory / "corpus").symlink_to(corpus_file.resolve().parent)
    return directory


def read_candidates(run):
    """Tokens, log-probabilities and origins of a Grow step, one entry a source."""
    rows = []
    for shard in sorted((run / "grow" / "g1").glob("shard-*.h5")):
        with h5py.File(shard) as file:
            tokens = _ragged(file["tokens"][:], file["length"][:])
            columns = list(zip(tokens, file["log_prob"][:].tolist(), file["origin"][:].tolist()))
            ends = np.cumsum(file["candidates_per_source"][:]).tolist()
            rows += [columns[first:last] for first, last in zip([0] + ends[:-1], ends)]
    return rows
