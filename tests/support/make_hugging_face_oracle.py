#!/usr/bin/env python3
"""Writes tests/unit/model/fixtures/{pre,post}_norm.safetensors: weights, inputs, logits, loss and gradients of small
random Hugging Face models, in this project's parameter names and layout.

Pre-norm is checked against M2M100, post-norm against Marian. M2M100's positions are set to the sinusoids used here (its
own differ in frequency and start at 2); everything else is the library's computation.

    pip install torch transformers safetensors
    python3 tests/support/make_hugging_face_oracle.py
"""

import math
import pathlib

import torch
from safetensors.torch import save_file
from transformers import M2M100Config, M2M100ForConditionalGeneration, MarianConfig, MarianMTModel

VOCABULARY, HIDDEN, FEED_FORWARD, HEADS, LAYERS = 61, 32, 48, 4, 2
PAD, BEGIN, END = 0, 2, 3


def sinusoids(length):
    frequency = torch.exp(torch.arange(0, HIDDEN, 2, dtype=torch.float64) * (-math.log(10000.0) / HIDDEN))
    angle = torch.arange(length, dtype=torch.float64)[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], 1).float()


def our_parameters(model, pre_norm):
    """(our name, [their parameters, end to end along the first axis]) in this project's order."""
    core = model.model
    yield "target_embedding", [core.shared.weight]

    def linear(name, *modules):
        yield f"{name}.weight", [m.weight for m in modules]
        yield f"{name}.bias", [m.bias for m in modules]

    def attention(name, attn, norm):
        yield from linear(f"{name}.qkv", attn.q_proj, attn.k_proj, attn.v_proj)
        yield from linear(f"{name}.out", attn.out_proj)
        yield from linear(f"{name}.norm", norm)

    def feed_forward(name, layer):
        yield from linear(f"{name}.in", layer.fc1)
        yield from linear(f"{name}.out", layer.fc2)
        yield from linear(f"{name}.norm", layer.final_layer_norm)

    for i, layer in enumerate(core.encoder.layers):
        yield from attention(f"encoder.{i}.self_attention", layer.self_attn, layer.self_attn_layer_norm)
        yield from feed_forward(f"encoder.{i}.feed_forward", layer)
    if pre_norm:
        yield from linear("encoder.norm", core.encoder.layer_norm)
    for i, layer in enumerate(core.decoder.layers):
        yield from attention(f"decoder.{i}.self_attention", layer.self_attn, layer.self_attn_layer_norm)
        cross = f"decoder.{i}.cross_attention"
        yield from linear(f"{cross}.query", layer.encoder_attn.q_proj)
        yield from linear(f"{cross}.key_value", layer.encoder_attn.k_proj, layer.encoder_attn.v_proj)
        yield from linear(f"{cross}.out", layer.encoder_attn.out_proj)
        yield from linear(f"{cross}.norm", layer.encoder_attn_layer_norm)
        yield from feed_forward(f"decoder.{i}.feed_forward", layer)
    if pre_norm:
        yield from linear("decoder.norm", core.decoder.layer_norm)


def build(pre_norm):
    shape = dict(vocab_size=VOCABULARY, d_model=HIDDEN, encoder_layers=LAYERS, decoder_layers=LAYERS,
                 encoder_attention_heads=HEADS, decoder_attention_heads=HEADS, encoder_ffn_dim=FEED_FORWARD,
                 decoder_ffn_dim=FEED_FORWARD, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0,
                 activation_function="relu", scale_embedding=True, pad_token_id=PAD, bos_token_id=BEGIN,
                 eos_token_id=END, decoder_start_token_id=BEGIN, max_position_embeddings=64, use_cache=False)
    if pre_norm:
        model = M2M100ForConditionalGeneration(M2M100Config(encoder_layerdrop=0.0, decoder_layerdrop=0.0, **shape))
        for side in (model.model.encoder, model.model.decoder):
            table = torch.zeros_like(side.embed_positions.weights)
            table[PAD + 1:] = sinusoids(len(table) - PAD - 1)  # its position ids start behind the padding index
            side.embed_positions.weights.copy_(table)
    else:
        model = MarianMTModel(MarianConfig(share_encoder_decoder_embeddings=True, **shape))
    generator = torch.Generator().manual_seed(11)
    for name, parameter in model.named_parameters():
        if "embed_positions" not in name:  # larger than the library's own, so that no path hides in noise
            parameter.data.normal_(0.0, 0.2, generator=generator)
    return model.eval()


def write(name, pre_norm):
    model = build(pre_norm)
    generator = torch.Generator().manual_seed(5)
    lengths, target_lengths = [9, 5, 7], [6, 8, 3]
    source = torch.full((3, max(lengths)), PAD)
    target_in = torch.full((3, max(target_lengths)), PAD)
    labels = torch.full((3, max(target_lengths)), -100)
    for i, (n, m) in enumerate(zip(lengths, target_lengths)):
        source[i, :n] = torch.randint(4, VOCABULARY, (n,), generator=generator)
        source[i, n - 1] = END
        target = torch.randint(4, VOCABULARY, (m - 1,), generator=generator)
        target_in[i, :m] = torch.cat([torch.tensor([BEGIN]), target])
        labels[i, :m] = torch.cat([target, torch.tensor([END])])
    attention_mask = (source != PAD).long()
    logits = model(input_ids=source, attention_mask=attention_mask, decoder_input_ids=target_in).logits
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum", label_smoothing=0.1)
    loss.backward()
    tensors = {"source": source, "target_in": target_in, "labels": labels, "logits": logits.detach(),
               "loss": loss.detach().reshape(1)}
    for key, parts in our_parameters(model, pre_norm):
        tensors[f"weight.{key}"] = torch.cat([p.data for p in parts]).contiguous()
        tensors[f"gradient.{key}"] = torch.cat([p.grad for p in parts]).contiguous()
    folder = pathlib.Path(__file__).resolve().parents[1] / "unit" / "model" / "fixtures"
    folder.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / f"{name}.safetensors")
    print(name, "loss", float(loss))


write("pre_norm", True)
write("post_norm", False)
