"""The network: the e5-small body with two numbers for each token, start and end.

Its first token stands for "the text doesn't say".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.training.errors import WrongInput
from app.training.shipped import shipped_weights

if TYPE_CHECKING:
    import torch

HIDDEN_SIZE = 384


def build_network(attention: str) -> torch.nn.Module:
    """Build it: e5-small's body without word embeddings, and two outputs per token.

    ``attention`` is "sdpa" to train and "eager" to export. There is no dropout: the questions asked
    of a passage differ on every draw, and its random numbers cost a tenth of the time.
    """
    import torch
    from transformers import AutoModel, BertConfig

    class Reader(torch.nn.Module):
        """Scores each token as the start and as the end of the answer."""

        def __init__(self) -> None:
            super().__init__()
            configuration = BertConfig(
                vocab_size=1,  # rows of the token table come in from outside
                hidden_size=HIDDEN_SIZE,
                num_hidden_layers=12,
                num_attention_heads=12,
                intermediate_size=1536,
                max_position_embeddings=512,
                type_vocab_size=2,
                layer_norm_eps=1e-12,
                hidden_dropout_prob=0.0,
                attention_probs_dropout_prob=0.0,
                pad_token_id=0,
            )
            self.body = AutoModel.from_config(
                configuration, attn_implementation=attention, add_pooling_layer=False
            )
            self.head = torch.nn.Linear(HIDDEN_SIZE, 2)
            torch.nn.init.normal_(self.head.weight, std=0.02)
            torch.nn.init.zeros_(self.head.bias)

        def forward(
            self, inputs_embeds: torch.Tensor, attention_mask: torch.Tensor
        ) -> tuple[torch.Tensor, torch.Tensor]:
            """Return the start and the end logits, ``(batch, tokens)`` each."""
            hidden = self.body(
                inputs_embeds=inputs_embeds, attention_mask=attention_mask
            ).last_hidden_state
            logits = self.head(hidden)
            return logits[..., 0], logits[..., 1]

    return Reader()


def load_start(network: torch.nn.Module, start: Path) -> None:
    """Fill the network from a folder with an earlier reader, shipped or not, or the bare encoder.

    Raises WrongInput where the weights are those of another network.
    """
    from safetensors.torch import load_file

    weights: dict[str, torch.Tensor]
    if (start / "reader.onnx").exists():
        weights = shipped_weights(start / "reader.onnx")
    elif (start / "reader.safetensors").exists():
        weights = load_file(str(start / "reader.safetensors"))
    else:
        encoder = load_file(str(start / "model.safetensors"))
        weights = {f"body.{name}": tensor for name, tensor in encoder.items()}
    outside = ("body.embeddings.word_embeddings.", "body.pooler.")
    missing, unexpected = network.load_state_dict(
        {
            name: tensor.float()
            for name, tensor in weights.items()
            if not name.startswith(outside) and not name.endswith("_ids")
        },
        strict=False,
    )
    absent = [name for name in missing if not name.startswith(("head.", *outside))]
    if absent or unexpected:
        raise WrongInput(f"{start} doesn't fit the reader: {[*absent, *unexpected][:4]}")


def load_weights(network: torch.nn.Module, path: Path, weights: str) -> None:
    """Fill the network from a checkpoint's "averaged" or "last" weights, or from a start folder."""
    import torch

    if path.is_dir():
        load_start(network, path)
        return
    saved = torch.load(path, weights_only=True, map_location="cpu")
    averaged = saved["averaged"] if weights == "averaged" else {}
    network.load_state_dict({**saved["model"], **averaged})


def average_weights(readers: Sequence[Path], to: Path) -> Path:
    """Write the mean of several readers' weights, which one start has in common, as a start folder.

    Such a mean is often better than each of them (model soups, Wortsman et al. 2022). Each reader
    is a checkpoint, of which the averaged weights are taken, or a start folder. Raises WrongInput
    where one is another network.
    """
    import torch
    from safetensors.torch import save_file

    network = build_network("eager")
    found = []
    for reader in readers:
        load_weights(network, reader, "averaged")
        found.append({name: tensor.clone() for name, tensor in network.state_dict().items()})
    mean = {
        name: torch.stack([each[name] for each in found]).mean(dim=0)
        for name, tensor in found[0].items()
        if tensor.is_floating_point()
    }
    to.mkdir(parents=True, exist_ok=True)
    file = to / "reader.safetensors"
    save_file(mean, str(file))
    return file
