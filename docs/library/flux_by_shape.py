"""The FLUX example of the paper's package, shape by shape, in this library: three seeds, two coordinates, no weights.

    python docs/library/flux_by_shape.py

`latent-spaces-by-example` makes such a space from a matrix with one seed a row; this library from the seeds themselves.
Where that package is installed (pip install latent-spaces-by-example), every step is compared with it; without it the
script shows the shapes alone. n is the number of points, k of seeds, D of values in a latent.
"""

# %%
import numpy as np
import torch

from surrogate import Seeds, SurrogateSpace

try:
    from latent_spaces_by_example import knothe_rosenblatt_surrogate_chart
except ImportError:
    knothe_rosenblatt_surrogate_chart = None

LATENT = (16, 128, 128)  # FLUX.1 at 1024 × 1024 pixels: channels, height / 8, width / 8
failures = []


def say(step: str, ours, theirs=None, tolerance: float = 0.0) -> None:
    """One line of the table; `ours` and `theirs` are arrays of as many numbers."""
    line = f"{step:32s} {tuple(ours.shape)!s:22s}"
    if theirs is not None:
        theirs = np.asarray(theirs)
        off = float(np.abs(np.asarray(ours, np.float64).reshape(theirs.shape) - theirs).max())
        line += f" {theirs.shape!s:14s} differ by {off:.1e}"
        if not off <= tolerance:
            failures.append(step)
            line += f"   more than {tolerance:g}"
    print(line)


print(f"{'':32s} {'this library':22s}", "the paper's package" if knothe_rosenblatt_surrogate_chart else "")
# %% Three seeds: integers, drawn as ComfyUI draws them. For the package they are rows of a matrix (k, D).
seeds = Seeds.from_text("12, 99, 1024")
space = SurrogateSpace(seeds)
(noise,) = seeds[0].noise((LATENT,))
say("a seed", noise)
theirs = None
if knothe_rosenblatt_surrogate_chart:
    matrix = np.stack([seed.noise((LATENT,))[0].reshape(-1).double().numpy() for seed in seeds])
    theirs = knothe_rosenblatt_surrogate_chart(matrix)

# %% Points u (n, k-1): the middles of the cells of a 3 × 3 grid over the unit square.
middles = (np.arange(3) + 0.5) / 3
u = np.stack(np.meshgrid(middles, middles, indexing="ij"), -1).reshape(-1, 2)
say("coordinates u", u)

# %% Weights w (n, k).
w = space.weights(u)
say("weights w = chart(u)", w, theirs and theirs.from_u_to_w(u), 1e-12)

# %% Latents z: (n, *shape) here, (n, D) there. Here in the sampler's single precision, there in double.
z = space.latents(u, LATENT)
say("latents z = Σ w_k z_k", z, theirs and theirs.from_u_to_z(u), 2e-6)

# %% And back, from a latent to its coordinates.
tensors = torch.stack([seed.noise((LATENT,))[0] for seed in seeds])
back = SurrogateSpace(Seeds.from_tensors(tensors)).coordinates(z).u
say("z -> u", back, theirs and theirs.from_z_to_u(z.reshape(len(z), -1).double().numpy()), 1e-6)
say("the same, against the first u", back, u, 1e-6)

# %% At a seed: here it is the seed itself, bit for bit; there u is kept 1e-15 away from the corners.
corners = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
say("w at the three seeds", space.weights(corners), theirs and theirs.from_u_to_w(corners), 1e-7)
assert np.array_equal(space.weights(corners), np.eye(3))


# %% What diffusers' FluxPipeline takes as `latents`: blocks of 2 × 2 as tokens of 4 × 16 values.
def packed(z: torch.Tensor) -> torch.Tensor:
    """(n, c, h, w) to (n, h/2 · w/2, 4 c)."""
    n, c, h, w = z.shape
    return z.reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(n, h // 2 * (w // 2), 4 * c)


say("packed for diffusers", packed(z))
# images = [pipeline(prompt, latents=one[None].to("cuda", torch.bfloat16)).images[0] for one in packed(z)]

# %%
if failures:
    raise SystemExit(f"differs from the paper's package: {', '.join(failures)}")
print("The same space." if theirs else "latent-spaces-by-example is not installed: nothing compared.")
