"""Noise on text embeddings: N(0, s² std²) at each point, the seed's own at a vertex, and nothing where there is padding."""

import numpy as np
import pytest
import torch
from scipy import stats

from surrogate import Seeds, SurrogateSpace
from surrogate.conditioning import Embedding, embedding_noise, encoders, layers_noise, spread
from surrogate.conditioning.acts import settings
from surrogate.seeds import IntegerSeed

SEEDS = "12, 99, 1024, 7"
INSIDE = np.array([[0.5, 0.5, 0.5, 0.5], [0.1, 0.7, 0.5, 0.5], [0.0, 0.6, 0.8, 0.0]])
VERTICES = np.eye(4)


def prompt(tokens: int, width: int = 96, pooled: int = 48, scale: float = 3.0, **more) -> Embedding:
    generator = torch.Generator().manual_seed(5)
    values = torch.randn(tokens, width, generator=generator) * scale + 0.5
    return Embedding(values, torch.randn(pooled, generator=generator) * 2, **more)


def space(transport: str = "gaussian") -> SurrogateSpace:
    return SurrogateSpace(Seeds.from_text(SEEDS), transport=transport)


def unit_noise(embedding: Embedding, w, transport="gaussian", strength=1.0) -> torch.Tensor:
    """z (n, t, d) of x + s · std · z."""
    noisy, _ = embedding_noise(space(transport), w, embedding, strength)
    return (noisy.double() - embedding.tokens.double()) / (strength * spread(embedding).double())


def test_a_vertex_has_the_noise_of_its_seed():
    embedding = prompt(10)
    noisy, pooled = embedding_noise(space(), VERTICES, embedding, 0.5, pooled=True)
    first, rows = IntegerSeed(99).noise(((48,), (256, 96)))
    std = embedding.tokens.double().std(unbiased=False)
    assert torch.allclose(noisy[1], embedding.tokens + 0.5 * std.float() * rows[:10], atol=1e-6)
    assert torch.allclose(pooled[1], embedding.pooled + 0.5 * embedding.pooled.std(unbiased=False) * first, atol=1e-6)


@pytest.mark.parametrize("transport", ["gaussian", "sphere"])
def test_the_noise_is_gaussian_at_vertices_and_between_them(transport):
    z = unit_noise(prompt(200, 256), np.concatenate([VERTICES, INSIDE]), transport)
    for one in z:
        assert stats.kstest(one.flatten().numpy(), "norm").pvalue > 1e-4
        assert abs(float(one.norm()) / np.sqrt(one.numel()) - 1) < 0.02


@pytest.mark.parametrize("transport", ["gaussian", "sphere"])
def test_a_token_has_the_same_noise_in_a_longer_prompt_and_with_a_pooled_embedding(transport):
    short, long = unit_noise(prompt(20), INSIDE, transport), unit_noise(prompt(154), INSIDE, transport)
    assert torch.allclose(short, long[:, :20], atol=1e-5)
    plain, left = embedding_noise(space(), INSIDE, prompt(20), 0.7)
    both, changed = embedding_noise(space(), INSIDE, prompt(20), 0.7, pooled=True)
    assert torch.equal(plain, both)
    assert torch.equal(left, prompt(20).pooled.expand(3, -1))
    assert not torch.isclose(changed, left).any()


def test_an_odd_width_keeps_the_noise_of_the_tokens_too():
    assert torch.allclose(unit_noise(prompt(3, 21), INSIDE), unit_noise(prompt(300, 21), INSIDE)[:, :3], atol=1e-5)


def test_a_point_has_the_same_bits_alone_and_among_others():
    together, _ = embedding_noise(space(), INSIDE, prompt(12), 0.5)
    alone, _ = embedding_noise(space(), INSIDE[1:2], prompt(12), 0.5)
    assert torch.equal(together[1], alone[0])


def test_strength_0_leaves_every_bit():
    embedding = prompt(12)
    noisy, pooled = embedding_noise(space(), INSIDE, embedding, 0, pooled=True)
    assert torch.equal(noisy, embedding.tokens.expand(3, -1, -1))
    assert torch.equal(pooled, embedding.pooled.expand(3, -1))


def test_padding_gets_no_noise_and_does_not_count():
    mask = torch.tensor([1, 1, 1, 1, 0, 0])
    embedding = prompt(6, mask=mask)
    noisy, _ = embedding_noise(space(), INSIDE, embedding, 0.5)
    assert torch.equal(noisy[:, 4:], embedding.tokens[4:].expand(3, -1, -1))
    assert torch.allclose(spread(embedding)[:4], embedding.tokens[:4].double().std(unbiased=False).float())
    filled = embedding.tokens.clone()
    filled[4:] = 0
    zeros, _ = embedding_noise(space(), INSIDE, Embedding(filled, embedding.pooled), 0.5)
    assert torch.equal(zeros[:, :4], noisy[:, :4])
    assert not zeros[:, 4:].any()


def test_each_encoder_has_a_spread_of_its_own():
    side_by_side = torch.cat([torch.randn(77, 768), 10 * torch.randn(77, 1280)], dim=1)
    std = spread(Embedding(side_by_side))
    assert torch.allclose(std[:, :768].mean(), side_by_side[:, :768].std(), rtol=1e-3)
    assert torch.allclose(std[:, 768:].mean(), side_by_side[:, 768:].std(), rtol=1e-3)

    clip = torch.nn.functional.pad(side_by_side, (0, 4096 - 2048))
    t5 = 0.2 * torch.randn(100, 4096)
    both = spread(Embedding(torch.cat([clip, t5])))
    assert torch.equal(both[:77, :2048], std)
    assert not both[:77, 2048:].any()
    assert torch.allclose(both[77:].mean(), t5.std(), rtol=1e-3)


@pytest.mark.parametrize(("width", "layers"), [(7680, 3), (11520, 4), (12288, 3), (15360, 3), (30720, 12)])
def test_each_layer_of_a_language_model_has_a_spread_of_its_own(width, layers):
    """As core stacks them: FLUX.2, Klein, Lens, Krea 2."""
    stacked = torch.stack([10.0**-i * torch.randn(9, width // layers) for i in range(layers)], dim=1)
    std = spread(Embedding(stacked.reshape(9, width))).reshape(9, layers, -1)
    for i in range(layers):
        assert torch.allclose(std[:, i], stacked[:, i].std(unbiased=False).expand_as(std[:, i]), rtol=1e-4)


def test_the_picture_s_and_the_sound_s_part_of_ltx_have_a_spread_each():
    picture, sound = torch.randn(6, 4096), 5 * torch.randn(6, 2048)
    std = spread(Embedding(torch.cat([picture, sound], dim=1)))
    assert torch.allclose(std[:, :4096], picture.std(unbiased=False).expand(6, 4096), rtol=1e-4)
    assert torch.allclose(std[:, 4096:], sound.std(unbiased=False).expand(6, 2048), rtol=1e-4)


def test_the_layers_of_ideogram_4_are_neighbours():
    taps = torch.stack([2.0**i * torch.randn(5, 4096) for i in range(13)], dim=1)
    std = spread(Embedding(taps.permute(0, 2, 1).reshape(5, -1))).reshape(5, 4096, 13)
    assert torch.allclose(std[0, 0], taps.transpose(0, 1).flatten(1).std(1, unbiased=False), rtol=1e-4)
    assert torch.equal(std, std[:1, :1].expand_as(std))


def test_a_token_that_one_encoder_does_not_have_gets_no_noise_there():
    values = torch.cat([torch.randn(8, 768), torch.randn(8, 1280)], dim=1)
    values[5:, :768] = 0
    std = spread(Embedding(values))
    assert not std[5:, :768].any()
    assert torch.allclose(std[:5, :768].mean(), values[:5, :768].std(), rtol=1e-2)
    assert bool((std[:, 768:] > 0).all())


def test_a_single_zero_is_no_padding_of_a_row():
    values = torch.randn(5, 64)
    values[2, 63] = 0
    assert len(encoders(values != 0)) == 1


def test_a_prompt_of_zeros_stays():
    noisy, _ = embedding_noise(space(), INSIDE, Embedding(torch.zeros(4, 32)), 1.0)
    assert not noisy.any()


@pytest.mark.parametrize(
    ("tokens", "more", "said"),
    [
        (torch.zeros(3), {}, "tokens must have 2 axes"),
        (torch.full((3, 4), torch.nan), {}, "tokens must be finite"),
        (torch.zeros(3, 4), {"pooled": torch.zeros(1, 4)}, "pooled must have 1 axis"),
        (torch.zeros(3, 4), {"mask": torch.ones(4)}, "one value for each of 3 tokens, got 4"),
        (torch.zeros(0, 4), {}, "tokens must have 2 axes"),
    ],
)
def test_what_is_no_embedding_is_refused(tokens, more, said):
    with pytest.raises(ValueError, match=said):
        Embedding(tokens, **more)


def test_seeds_of_a_fixed_size_do_not_fit_a_prompt():
    fixed = Seeds.from_tensors([torch.randn(2, 4, 8, 8)])
    with pytest.raises(ValueError, match="does not fit a text embedding: make the space of integer seeds"):
        embedding_noise(SurrogateSpace(fixed), np.eye(2), prompt(3))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"strength": -0.1}, "strength must be a number of at least 0"),
        ({"strength": np.nan}, "strength must be a number"),
        ({"until": 1.5}, "until must be a number from 0 to 1"),
    ],
)
def test_settings_that_mean_nothing_are_refused(typed, said):
    with pytest.raises(ValueError, match=said):
        settings(**typed)


def layered(pooled: int = 48) -> Embedding:
    """A prompt with three layers (7, 64) of another encoder, each ten times as wide spread as the one before."""
    layers = (
        torch.randn(3, 7, 64, generator=torch.Generator().manual_seed(6)) * torch.tensor([1.0, 10, 100])[:, None, None]
    )
    return prompt(10, 64, pooled, layers=layers)


def test_layers_of_one_more_encoder_get_a_noise_of_their_own():
    embedding = layered()
    noisy = layers_noise(space(), np.concatenate([VERTICES, INSIDE]), embedding, 0.5)
    assert noisy.shape == (7, 3, 7, 64)
    std = embedding.layers.double().std((1, 2), unbiased=False, keepdim=True)
    z = (noisy.double() - embedding.layers) / (0.5 * std)
    assert torch.allclose(z[:, 0], z[:, 2], atol=1e-3)
    assert stats.kstest(z[4:, 0].flatten().numpy(), "norm").pvalue > 1e-4
    *_, third = IntegerSeed(99).noise(((48,), (256, 64), (256, 64)))
    assert torch.allclose(z[1, 0], third[:7].double(), atol=1e-4)
    # Of the tokens' noise it is independent, and leaves it as it is.
    plain = unit_noise(prompt(10, 64), VERTICES)
    assert torch.equal(unit_noise(embedding, VERTICES), plain)
    assert abs(float(torch.corrcoef(torch.stack([plain[1, :7].flatten(), z[1, 0].flatten()]))[0, 1])) < 0.15


def test_layers_without_a_prompt_stay():
    empty = Embedding(prompt(10).tokens, layers=torch.zeros(32, 1, 64))
    assert not layers_noise(space(), INSIDE, empty, 1.0).any()
    assert torch.equal(layers_noise(space(), INSIDE[:1], layered(), 0)[0], layered().layers)


def test_padding_of_one_more_encoder_gets_no_noise_and_does_not_count():
    embedding = layered()
    mask = torch.tensor([1, 1, 1, 1, 0, 0, 0])
    padded = prompt(10, 64, layers=embedding.layers, layers_mask=mask)
    noisy = layers_noise(space(), INSIDE, padded, 0.5)
    assert torch.equal(noisy[:, :, 4:], embedding.layers[:, 4:].expand(3, -1, -1, -1))
    z = (noisy - embedding.layers)[:, :, :4] / (
        0.5 * embedding.layers[:, :4].std((1, 2), unbiased=False)[:, None, None]
    )
    alone = layers_noise(space(), INSIDE, prompt(10, 64, layers=embedding.layers[:, :4]), 0.5) - embedding.layers[:, :4]
    assert torch.allclose(z[:, 0], z[:, 2], atol=1e-3)
    assert torch.allclose(noisy[:, :, :4] - embedding.layers[:, :4], alone, atol=1e-3)
    nothing = prompt(10, 64, layers=embedding.layers, layers_mask=torch.zeros(7))
    assert torch.equal(layers_noise(space(), INSIDE, nothing, 0.5), embedding.layers.expand(3, -1, -1, -1))


def test_a_mask_of_another_length_is_refused():
    with pytest.raises(ValueError, match="layers_mask must have one value for each of 7 tokens, got 4"):
        prompt(10, 64, layers=layered().layers, layers_mask=torch.ones(4))
