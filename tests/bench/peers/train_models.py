"""The peers' models: called with (source, source mask, target in) [batch, length], they give logits."""

import json
import math
import pathlib

import torch
from safetensors.torch import load_file
from torch import nn

from models import POSITIONS, load_hugging_face, sinusoids


class HuggingFace(nn.Module):
    def __init__(self, folder, dropout):
        super().__init__()
        self.model = load_hugging_face(folder / "hugging_face", "float32", dropout=dropout).train()

    def forward(self, source, source_mask, target_in):
        return self.model(input_ids=source, attention_mask=source_mask.long(), decoder_input_ids=target_in,
                          use_cache=False).logits


class PlainPyTorch(nn.Module):
    """The modules that torch has for it, as a short loop of one's own would use them."""

    def __init__(self, folder, dropout):
        super().__init__()
        config = json.loads((folder / "policy" / "config.json").read_text())
        hidden = config["hidden"]
        how = dict(d_model=hidden, nhead=config["heads"], dim_feedforward=config["feed_forward"], dropout=dropout,
                   batch_first=True, norm_first=True)
        self.embedding = nn.Embedding(config["vocabulary_size"], hidden)
        self.dropout = nn.Dropout(dropout)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(**how), config["encoder_layers"],
                                             nn.LayerNorm(hidden), enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(**how), config["decoder_layers"],
                                             nn.LayerNorm(hidden))
        self.register_buffer("positions", torch.from_numpy(sinusoids(POSITIONS, hidden)))
        for layer in (*self.encoder.layers, *self.decoder.layers):
            # Dropout where we have it: on the output of each block alone.
            layer.dropout.p = layer.self_attn.dropout = 0.0
            if hasattr(layer, "multihead_attn"):
                layer.multihead_attn.dropout = 0.0
        self._load(load_file(folder / "policy" / "model.safetensors"))
        self.train()

    def _load(self, weights):
        state = {"embedding.weight": weights.pop("target_embedding"), "positions": self.positions}
        names = {"self_attention.qkv.": "self_attn.in_proj_", "self_attention.out": "self_attn.out_proj",
                 "cross_attention.out": "multihead_attn.out_proj", "feed_forward.in": "linear1",
                 "feed_forward.out": "linear2", "self_attention.norm": "norm1", "cross_attention.norm": "norm2"}
        for side, last in (("encoder", "norm2"), ("decoder", "norm3")):
            for part in ("weight", "bias"):
                state[f"{side}.norm.{part}"] = weights.pop(f"{side}.norm.{part}")
        for name in [name for name in weights if ".cross_attention.query." in name]:
            both = [weights.pop(name), weights.pop(name.replace("query", "key_value"))]
            weights[name.replace("cross_attention.query.", "multihead_attn.in_proj_")] = torch.cat(both)
        for name, values in weights.items():
            for ours, theirs in {**names, "feed_forward.norm": "norm2" if "encoder" in name else "norm3"}.items():
                name = name.replace(ours, theirs)
            side, layer, rest = name.split(".", 2)
            state[f"{side}.layers.{layer}.{rest}"] = values
        self.load_state_dict(state)

    def _embed(self, tokens):
        scaled = self.embedding(tokens) * math.sqrt(self.embedding.embedding_dim)
        return self.dropout(scaled + self.positions[:tokens.shape[1]])

    def forward(self, source, source_mask, target_in):
        padding, length = ~source_mask, target_in.shape[1]
        memory = self.encoder(self._embed(source), src_key_padding_mask=padding)
        causal = nn.Transformer.generate_square_subsequent_mask(length)
        hidden = self.decoder(self._embed(target_in), memory, tgt_mask=causal, tgt_is_causal=True,
                              memory_key_padding_mask=padding)
        return nn.functional.linear(hidden, self.embedding.weight)


MODELS = {"hugging_face": HuggingFace, "pytorch": PlainPyTorch}


def load(kind, folder, dropout):
    return MODELS[kind](pathlib.Path(folder), dropout)
