"""Towers by open_clip: the vectors of SLIP's and ULIP's own architecture from the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image as pillow  # noqa: N813
from safetensors.torch import save_file
from tiny_ulip import (
    CONFIG,
    GROUPS,
    TINY,
    TRUE,
    clip_state,
    draw,
    encoder_shapes,
    save_as_ulip,
    tower_shapes,
)
from torch import nn

from mmbench.api import DataError, Image, Text
from mmbench_ulip.towers import slip_towers


class Block(nn.Module):
    """Of CLIP's text tower as SLIP writes it: torch's attention, and QuickGELU."""

    def __init__(self, width):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, max(width // 64, 1), batch_first=True)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.ModuleDict(
            {"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)}
        )

    def forward(self, x, mask):
        seen = self.ln_1(x)
        x = x + self.attn(seen, seen, seen, need_weights=False, attn_mask=mask)[0]
        hidden = self.mlp["c_fc"](self.ln_2(x))
        return x + self.mlp["c_proj"](hidden * torch.sigmoid(1.702 * hidden))


def texts_as_slip(state, tokens, sizes):
    """Vectors of token ids, computed without open_clip."""
    text = sizes["text"]
    mask = torch.full((text["context"],) * 2, -torch.inf).triu(1)
    x = state["token_embedding.weight"][tokens] + state["positional_embedding"]
    for number in range(text["depth"]):
        prefix = f"transformer.resblocks.{number}."
        block = Block(text["width"])
        block.load_state_dict(
            {n.removeprefix(prefix): v for n, v in state.items() if n.startswith(prefix)}
        )
        x = block.eval()(x, mask)
    x = nn.functional.layer_norm(
        x, (text["width"],), state["ln_final.weight"], state["ln_final.bias"]
    )
    return x[torch.arange(len(x)), tokens.argmax(-1)] @ state["text_projection"]


def pictures_as_slip(state, pixels, sizes):
    """Vectors of pixels by timm, as SLIP builds its tower."""
    from timm.models.vision_transformer import VisionTransformer

    vision = sizes["vision"]
    tower = VisionTransformer(
        img_size=vision["side"] * vision["patch"], patch_size=vision["patch"], num_classes=0,
        embed_dim=vision["width"], depth=vision["depth"], num_heads=vision["width"] // 64,
    ).eval()  # fmt: skip
    tower.load_state_dict(
        {n.removeprefix("visual."): v for n, v in state.items() if n.startswith("visual.")}
    )
    return tower(pixels) @ state["image_projection"]


@pytest.mark.parametrize(
    ("sizes", "pictures"), [(TINY, 5), pytest.param(TRUE, 2, marks=pytest.mark.slow)]
)
def test_slip_towers_are_the_same_by_open_clip(sizes, pictures):
    state = draw(tower_shapes(sizes), seed=4)
    towers = slip_towers(state, where="")
    towers.module.eval()
    side = sizes["vision"]["side"] * sizes["vision"]["patch"]
    assert (towers.image_size, towers.dim) == ((side, side), sizes["dim"])
    pixels = torch.randn(pictures, 3, side, side, generator=torch.Generator().manual_seed(0))
    tokens = towers.tokenizer(["a chair", "", "a point cloud model of a night stand."],
                              sizes["text"]["context"])  # fmt: skip
    with torch.inference_mode():
        for found, wanted in (
            (towers.image(pixels), pictures_as_slip(state, pixels, sizes)),
            (towers.text(tokens), texts_as_slip(state, tokens, sizes)),
        ):
            difference = (found - wanted).abs().max().item()
            print(f"largest difference {difference:.1e} of {wanted.abs().max():.2f}")  # noqa: T201
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_timm_names_the_sizes_that_slip_is_built_with():
    import timm

    tower = timm.create_model("vit_base_patch16_224", num_classes=0, pretrained=False)
    shapes = {f"visual.{name}": tuple(v.shape) for name, v in tower.state_dict().items()}
    wanted = {name: shape for name, shape in tower_shapes(TRUE).items() if "visual" in name}
    assert shapes == wanted


def test_pictures_of_ulip_are_prepared_as_slip_does_it(loaded, ulip):
    from torchvision import transforms

    transform = transforms.Compose([
        transforms.Resize(32), transforms.CenterCrop(32), transforms.ToTensor(),
        transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
    ])  # fmt: skip
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in ((40, 61), (90, 33))]
    model = loaded(ulip)._model
    found = model.pictures([Image(each) for each in pictures], torch.device("cpu"))
    wanted = torch.stack([transform(pillow.fromarray(each)) for each in pictures])
    assert torch.equal(found, wanted)


def test_towers_in_a_file_of_their_own(loaded, ulip, tmp_path):
    state = draw(encoder_shapes() | tower_shapes(), 0)
    towers = tower_shapes()
    checkpoint = save_as_ulip(tmp_path / "points.pt", {n: state[n] for n in encoder_shapes()})
    slip = {n: state[n] for n in towers} | {"image_mlp.layer1.weight": torch.zeros(2, 2)}
    pretrained = save_as_ulip(tmp_path / "slip.pt", slip)
    apart = loaded(GROUPS | {"checkpoint": checkpoint, "pretrained": pretrained})
    for batch in ({"text": [Text("a chair")]}, {"image": [Image(np.full((9, 9, 3), 99, "u1"))]}):
        assert torch.equal(apart.encode(batch), loaded(ulip).encode(batch))
    with pytest.raises(DataError, match="holds no towers") as refused:
        loaded(GROUPS | {"checkpoint": checkpoint})
    assert "-o pretrained=slip_base_100ep.pt" in str(refused.value)


def test_towers_of_open_clip_in_the_checkpoint(loaded, ulip2, tmp_path):
    """ULIP-2's own class holds its CLIP under a name; a checkpoint may have kept it."""
    encoder = draw(encoder_shapes(channels=6), 0)
    state = {f"open_clip_model.{name}": v for name, v in clip_state(seed=1).items()}
    joined = save_as_ulip(tmp_path / "joined.pt", encoder | state)
    whole = loaded({**ulip2, "checkpoint": joined, "pretrained": ""})
    texts = {"text": [Text("a chair"), Text("a lamp")]}
    assert torch.equal(whole.encode(texts), loaded(ulip2).encode(texts))
    with pytest.raises(DataError, match="holds no towers"):
        loaded({**ulip2, "pretrained": ""})


def test_towers_of_another_length_are_refused(loaded, ulip2, tmp_path):
    other = {**TINY, "dim": 16}
    checkpoint = save_as_ulip(tmp_path / "other.pt", draw(encoder_shapes(other), 0))
    with pytest.raises(DataError, match="gives 16 numbers, and the towers 24"):
        loaded({**ulip2, "checkpoint": checkpoint})


def test_towers_of_another_architecture_are_refused(loaded, ulip2, tmp_path):
    config = {**CONFIG, "text_cfg": {**CONFIG["text_cfg"], "layers": 3}}
    save_file(clip_state(0, config), tmp_path / "deep.safetensors")
    with pytest.raises(DataError, match=r"the model has no transformer\.resblocks\.2") as refused:
        loaded({**ulip2, "pretrained": str(tmp_path / "deep.safetensors")})
    assert "-o towers=NAME" in str(refused.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"visual.blocks.1.norm1.weight": None}, r"lacks transformer\.resblocks\.1\.ln_1\.weight"),
        ({"visual.head.weight": torch.zeros(3, 3)}, r"has no head\.weight"),
        ({"ln_final.bias": torch.zeros(3)}, r"ln_final\.bias is \[3\], not \[64\]"),
        ({"token_embedding.weight": torch.zeros(9, 64)}, "knows 9 tokens"),
    ],
)
def test_slip_weights_that_do_not_fit(change, message):
    state = draw(tower_shapes(), 0) | change
    state = {name: value for name, value in state.items() if value is not None}
    with pytest.raises(DataError, match=message):
        slip_towers(state, where="a file")
