"""Models and tokenizers from a config alone: no weights of a base model, and no network."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, cast

from mmbench.api import DataMissing, UsageError
from mmbench_openclip.weights import find_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from mmbench_openclip.architectures import Architecture

__all__ = ["build_model", "build_tokenizer"]

#: Fewer entries are no vocabulary: transformers makes up a few where a tokenizer's files lack.
_LEAST_VOCABULARY = 256


def build_model(architecture: Architecture) -> torch.nn.Module:
    """The model on the CPU, in evaluation mode, its weights still to be loaded.

    torch's global random state is left alone.

    Raises:
        DataMissing: The config of a text tower from the hub is not on this machine.
        UsageError: The config is none that open_clip understands.
    """
    import torch
    from open_clip import CLIP, CoCa, CustomTextCLIP

    config = deepcopy(architecture.config)
    vision, text = config["vision_cfg"], config["text_cfg"]
    if vision.get("timm_model_name"):
        vision["timm_model_pretrained"] = False
    tower = text.get("hf_model_name")
    if tower:
        text["hf_model_name"] = str(find_snapshot(tower, "the config of the text tower"))
        text["hf_model_pretrained"] = False
    custom = config.pop("custom_text", False) or bool(tower)
    kind: Any = CLIP
    if custom:
        kind = CoCa if "multimodal_cfg" in config else CustomTextCLIP
    try:
        with torch.random.fork_rng(devices=[]):
            model: torch.nn.Module = kind(**config)
    except (TypeError, ValueError, AssertionError, RuntimeError, ZeroDivisionError) as error:
        raise UsageError(
            f"open_clip can't build this model: {error}", where=architecture.name,
            fix="compare the config with the files in open_clip/model_configs",
        ) from error  # fmt: skip
    return model.eval().requires_grad_(requires_grad=False)


def build_tokenizer(architecture: Architecture) -> Callable[..., torch.Tensor]:
    """The model's tokenizer: ``tokenizer(texts, context_length)`` gives int64 [B, context_length].

    Raises:
        DataMissing: It comes from the hub, and is not on this machine.
        UsageError: It has more tokens than the model knows.
    """
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer

    text = architecture.config["text_cfg"]
    named: dict[str, Any] = dict(text.get("tokenizer_kwargs") or {})
    context = context_length(architecture)
    source = text.get("hf_tokenizer_name")
    if not source:
        simple = SimpleTokenizer(context_length=context, **named)
        known = int(text.get("vocab_size", simple.vocab_size))
        if known < simple.vocab_size:
            raise UsageError(
                f"CLIP's tokenizer has {simple.vocab_size} tokens, and the model knows {known}",
                where=architecture.name,
                fix=f'"vocab_size": {simple.vocab_size} in text_cfg',
            )
        return cast("Callable[..., torch.Tensor]", simple)
    folder = find_snapshot(source, "the tokenizer")
    mode = text.get("tokenizer_mode")
    made = HFTokenizer(str(folder), context_length=context, tokenizer_mode=mode, **named)
    if len(made.tokenizer) < _LEAST_VOCABULARY:
        raise DataMissing(
            f"the tokenizer {source} is not whole: it has {len(made.tokenizer)} tokens",
            where=str(folder), fix=f"get them all with `hf download {source}`",
        )  # fmt: skip
    return cast("Callable[..., torch.Tensor]", made)


def context_length(architecture: Architecture) -> int:
    """How many tokens the model takes."""
    return int(architecture.config["text_cfg"].get("context_length", 77))
