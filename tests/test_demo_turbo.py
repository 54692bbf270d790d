"""The stand-in for a distilled model: what its first steps are drawn from, and that the other steps are the model's own."""

import pytest
import torch

from demo.turbo import EDGE, drawn_from_the_prompt, noise_of

SHAPE = (16, 16, 16)


@pytest.fixture(scope="module")
def prompts():
    """Embeddings (3, 2, 64): one, one that is near it, and one that is not."""
    first, other = torch.randn(2, 2, 64, generator=torch.Generator().manual_seed(3))
    return torch.stack([first, first + 0.05 * other, other])


def step(prompts, x, sigma: float):
    """(what the stand-in predicts, how often it asked the model) for a model that predicts a tenth of its input."""
    asked = []

    def tenth(x, sigma, c_crossattn):
        asked.append(float(sigma[0]))
        return x / 10

    arguments = {"input": x, "timestep": torch.full((len(x),), sigma), "c": {"c_crossattn": prompts}}
    return drawn_from_the_prompt(tenth, arguments), asked


def test_a_prompt_s_noise_is_gaussian_and_near_for_near_prompts(prompts):
    z = noise_of(prompts, SHAPE).flatten(1)
    assert z.shape == (3, 4096)
    assert torch.allclose(z.std(1), torch.ones(3), atol=0.06)
    assert z.mean(1).abs().max() < 0.06
    alike = torch.corrcoef(z)[0]
    assert alike[1] > 0.95 and alike[2].abs() < 0.3
    assert torch.allclose(noise_of(prompts[1:2], SHAPE).flatten(1)[0], z[1], atol=1e-4)


def test_the_first_steps_do_not_see_the_initial_noise(prompts):
    some, others = torch.randn(2, 3, *SHAPE, generator=torch.Generator().manual_seed(4))
    first, asked = step(prompts, some, 1.0)
    assert len(asked) == 8 and asked[0] == 1.0 and asked[-1] > 0
    assert torch.equal(first, step(prompts, others, 0.6)[0])
    assert not torch.allclose(first[0], first[2], atol=0.05)


def test_the_other_steps_are_the_model_s_own(prompts):
    x = torch.randn(3, *SHAPE, generator=torch.Generator().manual_seed(5))
    made, asked = step(prompts, x, EDGE)
    assert torch.equal(made, x / 10) and asked == [EDGE]
