"""One set of weights for all engines: in our format, for CTranslate2 and for Hugging Face.

Run as a program it makes the folder of a model: models.py FOLDER random NAME | models.py FOLDER policy POLICY.
Pre-norm only: Hugging Face has our post-norm in another class, and nothing is gained by timing both.
"""

import json
import math
import pathlib
import shutil
import sys

import numpy as np

import run_files

PAD, BEGIN, END = 0, 2, 3
POSITIONS = 1024
TOKENIZER = "0" * 64  # random models have none; the programs only compare its digest
SHAPES = {
    "base": dict(hidden=512, feed_forward=2048, heads=8, encoder_layers=6, decoder_layers=6, vocabulary_size=32000),
    "big": dict(hidden=1024, feed_forward=8192, heads=16, encoder_layers=6, decoder_layers=6, vocabulary_size=32000),
    "tiny": dict(hidden=512, feed_forward=1024, heads=4, encoder_layers=6, decoder_layers=6, vocabulary_size=32000),
    "mini": dict(hidden=128, feed_forward=256, heads=4, encoder_layers=4, decoder_layers=4, vocabulary_size=8000),
    "quick": dict(hidden=128, feed_forward=256, heads=4, encoder_layers=2, decoder_layers=2, vocabulary_size=32000),
}


def configuration(name):
    return {"architecture": "transformer", "dropout": 0.0, "norm": "pre", "share_embeddings": True, **SHAPES[name]}


def sinusoids(length, hidden):
    frequency = np.exp(np.arange(0, hidden, 2) * (-math.log(10000.0) / hidden))
    angle = np.arange(length)[:, None] * frequency
    return np.concatenate([np.sin(angle), np.cos(angle)], 1).astype(np.float32)


def parameter_shapes(config):
    """Our parameters in our order: matrices [out, in], vectors [out]."""
    hidden, inner = config["hidden"], config["feed_forward"]

    def linear(name, out, width):
        yield f"{name}.weight", (out, width)
        yield f"{name}.bias", (out,)

    def norm(name):
        yield f"{name}.weight", (hidden,)
        yield f"{name}.bias", (hidden,)

    def block(name, *linears):
        for part, out, width in linears:
            yield from linear(f"{name}.{part}", out, width)
        yield from norm(f"{name}.norm")

    yield "target_embedding", (config["vocabulary_size"], hidden)
    for side in ("encoder", "decoder"):
        for i in range(config[f"{side}_layers"]):
            layer = f"{side}.{i}"
            yield from block(f"{layer}.self_attention", ("qkv", 3 * hidden, hidden), ("out", hidden, hidden))
            if side == "decoder":
                yield from block(f"{layer}.cross_attention", ("query", hidden, hidden),
                                 ("key_value", 2 * hidden, hidden), ("out", hidden, hidden))
            yield from block(f"{layer}.feed_forward", ("in", inner, hidden), ("out", hidden, inner))
        yield from norm(f"{side}.norm")


def random_weights(config):
    """Random signs in the last norm: with tied embeddings, a piece would otherwise predict itself for ever."""
    draw = np.random.default_rng(1)
    weights = {}
    for name, shape in parameter_shapes(config):
        if name.endswith("norm.weight"):
            weights[name] = np.ones(shape, np.float32)
        else:
            deviation = 0.02 if len(shape) == 1 else 1.0 / math.sqrt(shape[1])
            weights[name] = (deviation * draw.standard_normal(shape)).astype(np.float32)
    weights["decoder.norm.weight"] = draw.choice(np.float32([-1.0, 1.0]), config["hidden"])
    return weights


def write_policy(folder, config, weights):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    run_files.write_safetensors(folder / "model.safetensors", weights,
                                {"config": json.dumps(config), "tokenizer": TOKENIZER})
    for name in ("config.json", "model.safetensors"):
        run_files.commit(folder / name)


def copy_policy(folder, policy):
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        for file in (name, name + ".commit.json"):
            shutil.copy(policy / file, folder / file)


def write_ctranslate2(folder, config, weights):
    from ctranslate2.specs import TransformerSpec

    spec = TransformerSpec.from_config((config["encoder_layers"], config["decoder_layers"]), config["heads"])

    def fill(linear, name):
        linear.weight, linear.bias = weights[f"{name}.weight"], weights[f"{name}.bias"]

    def fill_norm(norm, name):
        norm.gamma, norm.beta = weights[f"{name}.weight"], weights[f"{name}.bias"]

    def fill_block(norm, linears, name, parts):
        fill_norm(norm, f"{name}.norm")
        for linear, part in zip(linears, parts):
            fill(linear, f"{name}.{part}")

    for side_name, side in (("encoder", spec.encoder), ("decoder", spec.decoder)):
        side.position_encodings.encodings = sinusoids(POSITIONS, config["hidden"])
        fill_norm(side.layer_norm, f"{side_name}.norm")
        for i, layer in enumerate(side.layer):
            name, own, inner = f"{side_name}.{i}", layer.self_attention, layer.ffn
            fill_block(own.layer_norm, own.linear, f"{name}.self_attention", ("qkv", "out"))
            if side_name == "decoder":
                cross = layer.attention
                fill_block(cross.layer_norm, cross.linear, f"{name}.cross_attention", ("query", "key_value", "out"))
            fill_block(inner.layer_norm, (inner.linear_0, inner.linear_1), f"{name}.feed_forward", ("in", "out"))
    embedding = weights["target_embedding"]
    spec.encoder.embeddings[0].weight = weights.get("source_embedding", embedding)
    spec.decoder.embeddings.weight = spec.decoder.projection.weight = embedding
    pieces = ["<pad>", "<unk>", "<s>", "</s>"] + [str(i) for i in range(4, config["vocabulary_size"])]
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    spec.config.add_source_eos = False
    spec.validate()
    spec.optimize()
    folder.mkdir()
    spec.save(str(folder))


def hugging_face_parameters(model):
    """(our name, [their parameters, end to end along the first axis])."""
    core = model.model

    def linear(name, *modules):
        yield f"{name}.weight", [m.weight for m in modules]
        yield f"{name}.bias", [m.bias for m in modules]

    yield "target_embedding", [core.shared.weight]
    for side_name, side in (("encoder", core.encoder), ("decoder", core.decoder)):
        for i, layer in enumerate(side.layers):
            name, own = f"{side_name}.{i}", layer.self_attn
            yield from linear(f"{name}.self_attention.qkv", own.q_proj, own.k_proj, own.v_proj)
            yield from linear(f"{name}.self_attention.out", own.out_proj)
            yield from linear(f"{name}.self_attention.norm", layer.self_attn_layer_norm)
            if side_name == "decoder":
                cross = layer.encoder_attn
                yield from linear(f"{name}.cross_attention.query", cross.q_proj)
                yield from linear(f"{name}.cross_attention.key_value", cross.k_proj, cross.v_proj)
                yield from linear(f"{name}.cross_attention.out", cross.out_proj)
                yield from linear(f"{name}.cross_attention.norm", layer.encoder_attn_layer_norm)
            yield from linear(f"{name}.feed_forward.in", layer.fc1)
            yield from linear(f"{name}.feed_forward.out", layer.fc2)
            yield from linear(f"{name}.feed_forward.norm", layer.final_layer_norm)
        yield from linear(f"{side_name}.norm", side.layer_norm)


def write_hugging_face(folder, config, weights):
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    model = M2M100ForConditionalGeneration(M2M100Config(
        vocab_size=config["vocabulary_size"], d_model=config["hidden"], encoder_layers=config["encoder_layers"],
        decoder_layers=config["decoder_layers"], encoder_attention_heads=config["heads"],
        decoder_attention_heads=config["heads"], encoder_ffn_dim=config["feed_forward"],
        decoder_ffn_dim=config["feed_forward"], encoder_layerdrop=0.0, decoder_layerdrop=0.0, dropout=0.0,
        attention_dropout=0.0, activation_dropout=0.0, activation_function="relu", scale_embedding=True,
        pad_token_id=PAD, bos_token_id=BEGIN, eos_token_id=END, decoder_start_token_id=BEGIN,
        max_position_embeddings=POSITIONS))
    with torch.no_grad():
        for name, parts in hugging_face_parameters(model):
            values = torch.from_numpy(weights[name]).split([len(part) for part in parts])
            for part, value in zip(parts, values):
                part.copy_(value)
    model.save_pretrained(folder)


def load_hugging_face(folder, precision, **changes):
    """Positions are set to ours: the library's differ in frequency and are not stored. `changes`: of its settings."""
    import torch
    from transformers import M2M100ForConditionalGeneration
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    model = M2M100ForConditionalGeneration.from_pretrained(folder, dtype=getattr(torch, precision), **changes).eval()
    for side in (model.model.encoder, model.model.decoder):
        table = torch.zeros_like(side.embed_positions.weights)
        values = torch.from_numpy(sinusoids(len(table) - PAD - 1, model.config.d_model))
        table[PAD + 1:] = values  # its position numbers start behind the padding piece
        side.embed_positions.weights = table
    return model


def build(folder, kind, what):
    from safetensors.numpy import load_file

    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    if kind == "random":
        config = configuration(what)
        weights = random_weights(config)
        write_policy(partial / "policy", config, weights)
    else:
        copy_policy(partial / "policy", pathlib.Path(what))
        config = json.loads((partial / "policy" / "config.json").read_text())
        weights = load_file(partial / "policy" / "model.safetensors")
    if config["norm"] != "pre" or not config["share_embeddings"]:
        sys.exit("error: the peers are built for pre-norm models with shared embeddings only")
    write_ctranslate2(partial / "ctranslate2", config, weights)
    write_hugging_face(partial / "hugging_face", config, weights)
    partial.rename(folder)


if __name__ == "__main__":
    build(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3])
