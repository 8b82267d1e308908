"""Texts: the text model's config and its tokenizer, from local files only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmbench.api import DataError, DataMissing

if TYPE_CHECKING:
    import logging
    from collections.abc import Sequence
    from pathlib import Path

    import torch

    from mmbench.api import Text

__all__ = ["LENGTH", "TextConfig", "Tokenizer", "read_text_config"]

#: Tokens of a text, whatever its own length: laion_clap pads and cuts to it.
LENGTH = 77
#: Fewer entries are no vocabulary: transformers makes up a few where a tokenizer's files lack.
_LEAST_VOCABULARY = 256
#: What roberta-base is, where a config does not say.
_ROBERTA_BASE: dict[str, Any] = {
    "vocab_size": 50265, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
    "intermediate_size": 3072, "hidden_act": "gelu", "max_position_embeddings": 514,
    "type_vocab_size": 1, "layer_norm_eps": 1e-5, "pad_token_id": 1, "bos_token_id": 0,
    "eos_token_id": 2,
}  # fmt: skip


@dataclass(frozen=True)
class TextConfig:
    """The text model.

    Attributes:
        fields: As transformers' configs call them.
    """

    fields: dict[str, Any]

    @property
    def width(self) -> int:
        """Features that the text model gives."""
        return int(self.fields["hidden_size"])


def read_text_config(folder: Path) -> TextConfig:
    """The config of a RoBERTa, or the one of the text model in the config of a ``ClapModel``.

    Raises:
        DataError: It is another model's, or broken.
    """
    path = folder / "config.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"is no JSON: {error}", where=str(path)) from error
    kind = raw.get("model_type") if isinstance(raw, dict) else None
    if kind not in ("roberta", "clap"):
        raise DataError(
            f"describes no RoBERTa but {kind!r}", where=str(path),
            fix="CLAP's text model is roberta-base",
        )  # fmt: skip
    fields = dict(_ROBERTA_BASE)
    if kind == "clap":
        raw = raw.get("text_config") or {}
        fields["layer_norm_eps"] = 1e-12  # of transformers' ClapTextConfig, where it does not say
    fields |= {name: raw[name] for name in fields if raw.get(name) is not None}
    if fields["max_position_embeddings"] < LENGTH + 2:
        raise DataError(
            f"has {fields['max_position_embeddings']} positions, and CLAP's texts take "
            f"{LENGTH + 2}",
            where=str(path),
        )
    return TextConfig(fields)


class Tokenizer:
    """Texts to token ids [B, 77], as laion_clap makes them; nothing is asked of the hub.

    Args:
        folder: With the vocabulary.
        config: The text model.
        log: The first text that is cut is logged.

    Raises:
        DataMissing: The vocabulary is not whole.
        DataError: It has more entries than the text model knows.
    """

    def __init__(self, folder: Path, config: TextConfig, log: logging.Logger) -> None:
        from transformers import RobertaTokenizer

        self._log = log
        self._cut = False
        self._tokenizer: Any = RobertaTokenizer.from_pretrained(str(folder), local_files_only=True)
        size = len(self._tokenizer)
        if size < _LEAST_VOCABULARY:
            raise DataMissing(
                f"the tokenizer is not whole: it has {size} tokens", where=str(folder),
                fix="vocab.json and merges.txt should be those of roberta-base",
            )  # fmt: skip
        known = int(config.fields["vocab_size"])
        if size > known:
            raise DataError(
                f"the tokenizer has {size} tokens, and the text model knows {known}",
                where=str(folder), fix="take config.json, vocab.json and merges.txt of one model",
            )  # fmt: skip

    def __call__(self, texts: Sequence[Text]) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids and attention mask, int64 [B, 77] each."""
        words = [text.text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        found = self._tokenizer(
            words, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt"
        )
        ids, mask = found["input_ids"], found["attention_mask"]
        if not self._cut:
            full = [word for word, row in zip(words, mask, strict=True) if bool(row.all())]
            first = next((word for word in full if self._is_longer(word)), None)
            if first is not None:
                self._cut = True
                self._log.warning("texts of more than %d tokens are cut there: %r", LENGTH,
                                  first[:60])  # fmt: skip
        return ids, mask

    def _is_longer(self, word: str) -> bool:
        """Whether a text has more tokens than are kept."""
        longer = self._tokenizer(word, truncation=True, max_length=LENGTH + 1)
        return len(longer["input_ids"]) > LENGTH
