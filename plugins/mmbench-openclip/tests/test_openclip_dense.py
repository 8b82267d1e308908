"""Dense maps: by hand from the weights, and the right way up."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import gelu, layer_norm, linear, normalize

from mmbench.api import Image
from mmbench_openclip.dense import resized_positions

METHODS = ("tokens", "value")


def by_hand(model, pixels, method):
    """The map [B, N, D] from what goes into the last block, caught by a hook, and the weights."""
    caught = []
    block = model.visual.transformer.resblocks[-1]
    hook = block.register_forward_pre_hook(
        lambda _, positional, named: caught.append((positional or (named["q_x"],))[0]),
        with_kwargs=True,
    )
    with torch.no_grad():
        model.encode_image(pixels)
    hook.remove()
    state = {name: value.double() for name, value in block.state_dict().items()}
    x = caught[0].double()
    width = x.shape[-1]

    def norm(x, name):
        return layer_norm(x, (width,), state[f"{name}.weight"], state[f"{name}.bias"], 1e-5)

    joined = linear(norm(x, "ln_1"), state["attn.in_proj_weight"], state["attn.in_proj_bias"])
    query, key, value = joined.split(width, dim=-1)
    if method == "tokens":
        heads = block.attn.num_heads
        parts = [each.unflatten(-1, (heads, -1)).transpose(1, 2) for each in (query, key, value)]
        scores = parts[0] @ parts[1].transpose(-1, -2) / (width / heads) ** 0.5
        value = (scores.softmax(dim=-1) @ parts[2]).transpose(1, 2).flatten(2)
    x = x + linear(value, state["attn.out_proj.weight"], state["attn.out_proj.bias"])
    inner = linear(norm(x, "ln_2"), state["mlp.c_fc.weight"], state["mlp.c_fc.bias"])
    inner = inner * torch.sigmoid(1.702 * inner)
    x = x + linear(inner, state["mlp.c_proj.weight"], state["mlp.c_proj.bias"])
    post = model.visual.ln_post
    x = layer_norm(x, (width,), post.weight.double(), post.bias.double(), post.eps)
    return normalize(x[:, 1:] @ model.visual.proj.double(), dim=-1)


@pytest.mark.parametrize("method", METHODS)
def test_maps_follow_from_the_weights(loaded, pictures, method):
    made = loaded(dense=method)
    pixels = made._ready.squashed(pictures, torch.device("cpu"))
    expected = by_hand(made._ready.model, pixels, method).reshape(9, 4, 4, -1)
    found = made.encode_dense({"image": pictures})
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_two_methods_differ(loaded, pictures):
    maps = [loaded(dense=method).encode_dense({"image": pictures}) for method in METHODS]
    assert (maps[0] - maps[1]).abs().max() > 0.05


def test_tokens_are_open_clips_intermediates(loaded, pictures):
    made = loaded(normalise=False)
    visual = made._ready.model.visual
    pixels = made._ready.squashed(pictures, torch.device("cpu"))
    with torch.no_grad():
        caught = visual.forward_intermediates(
            pixels, indices=1, normalize_intermediates=True, output_fmt="NLC"
        )
        expected = (caught["image_intermediates"][0] @ visual.proj).reshape(9, 4, 4, -1)
    np.testing.assert_allclose(made.encode_dense({"image": pictures}), expected, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("frame", [(32, 32), (64, 128), (90, 30)])
def test_a_patch_changes_its_own_cell_most(loaded, method, frame):
    """Row 0 is the top, column 0 the left, and the whole frame is there, whatever its shape."""
    made = loaded(dense=method)
    height, width = frame
    blank = np.full((*frame, 3), 128, dtype=np.uint8)
    planted = []
    for row in range(4):
        for column in range(4):
            picture = blank.copy()
            rows = slice(row * height // 4, (row + 1) * height // 4)
            picture[rows, column * width // 4 : (column + 1) * width // 4] = (255, 0, 30)
            planted.append(Image(picture))
    before = made.encode_dense({"image": [Image(blank)]})
    change = (made.encode_dense({"image": planted}) - before).norm(dim=-1).reshape(16, 16)
    assert change.argmax(dim=1).tolist() == list(range(16))
    # every cell counts: also those that the centre crop of an oblong frame would lose
    assert (change.amax(dim=1) > 2 * change.median(dim=1).values).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_larger_input_gives_a_finer_map(loaded, pictures, method):
    made = loaded(dense=method, dense_size=64)
    maps = made.encode_dense({"image": pictures})
    assert maps.shape == (9, 8, 8, 24)
    # nothing else changes
    np.testing.assert_array_equal(
        made.encode({"image": pictures}), loaded().encode({"image": pictures})
    )


def test_positions_are_resized_as_open_clip_does_it(loaded):
    from open_clip.model import resize_pos_embed

    model = loaded()._ready.model
    positions = torch.randn(10 * 10 + 1, 64, generator=torch.Generator().manual_seed(0))
    state = {"visual.positional_embedding": positions.clone()}
    resize_pos_embed(state, model)
    found = resized_positions(positions, (10, 10), (4, 4))
    torch.testing.assert_close(found, state["visual.positional_embedding"], rtol=0, atol=0)
    assert resized_positions(positions, (10, 10), (10, 10)) is positions


def test_positions_of_an_oblong_grid_keep_rows_and_columns_apart():
    rows = torch.arange(6.0).repeat_interleave(3)
    positions = torch.cat([torch.tensor([-1.0]), rows])[:, None]
    found = resized_positions(positions, (6, 3), (6, 9))[1:, 0].reshape(6, 9)
    torch.testing.assert_close(found, torch.arange(6.0)[:, None].expand(6, 9), atol=1e-4, rtol=0)


def test_plain_gelu_is_kept_where_the_config_says_so(tiny, loaded, pictures, tmp_path):
    import json
    from pathlib import Path

    config = json.loads(Path(tiny["model"]).read_text())
    (tmp_path / "gelu.json").write_text(json.dumps({**config, "quick_gelu": False}))
    made = loaded(model=str(tmp_path / "gelu.json"))
    activation = made._ready.model.visual.transformer.resblocks[0].mlp.gelu
    sample = torch.linspace(-3, 3, 7)
    torch.testing.assert_close(activation(sample), gelu(sample))
    difference = made.encode({"image": pictures}) - loaded().encode({"image": pictures})
    assert difference.abs().max() > 1e-4
