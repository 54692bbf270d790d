"""A surrogate space of protein backbones, for RFDiffusion and its kin: no ComfyUI, no weights, a few seconds.

    python docs/library/protein_frames.py

Such a model starts from a frame for each residue: a rotation, uniform on SO(3), and a translation, normal with a known
spread. A few starts whose proteins you like are the seeds; every point between them has to be such a start again. This
script makes a space of them and tests whether three of its points are, and whether plain averages would be.
"""

# %%
import numpy as np
import scipy.stats
import torch
from scipy.spatial.transform import Rotation as Rotations

from surrogate import Seeds, SurrogateSpace
from surrogate.transports import Affine, Composite, Rotation

RESIDUES = 4000  # a protein has hundreds; more of them make the tests below sharper
SPREAD = 4.0  # standard deviation of the translations in ångströms: take your model's
LEVEL = 0.01  # how often a correct space may fail this script, for another choice of seeds


# %% Seeds: starts that you kept. Here they are drawn, as the model draws its own.
def draw(count: int, residues: int, seed: int) -> list[torch.Tensor]:
    """Frames (count, residues, 3, 3) and translations (count, residues, 3), all independent."""
    chance = np.random.default_rng(seed)
    frames = Rotations.random(count * residues, chance).as_matrix().reshape(count, residues, 3, 3)
    translations = SPREAD * chance.standard_normal((count, residues, 3))
    return [torch.from_numpy(part).float() for part in (frames, translations)]


seeds = draw(count=4, residues=RESIDUES, seed=0)

# %% The space: rotations are blended as quaternions, translations as normal numbers of their spread.
space = SurrogateSpace(Seeds.from_tensors(seeds), transport=Composite([Rotation(), Affine(scale=SPREAD)]))
u = np.array([[0.5, 0.5, 0.5], [0.1, 0.2, 0.9], [0.97, 0.03, 0.6]])
frames, translations = space.latents(u)
# The model comes in here: frames (n, residues, 3, 3) are rotation matrices, translations (n, residues, 3) in ångströms, the
# noise from which RFDiffusion's reverse process begins. That process draws more noise on its way: set its noise scales to
# 0, or give its generators the same seed for every point; else a point is not one backbone but many.
print(f"{space.k} seeds of {RESIDUES} residues give {space.k - 1} coordinates. The starts of {len(u)} points:")
print(f"frames {tuple(frames.shape)}, translations {tuple(translations.shape)}")

# %% A seed's own point is the seed, bit for bit.
ends = space.combine(np.eye(space.k))
assert all(torch.equal(end, seed) for end, seed in zip(ends, seeds))


# %% Are they starts that the model knows?
def checks(frames: np.ndarray, translations: np.ndarray) -> dict[str, float]:
    """p-values of one point, by what they test: frames (residues, 3, 3) and translations (residues, 3).

    Rotations are uniform (Haar's measure) if the angle t has the density (1 - cos t)/π, the axis is uniform on the
    sphere, and the two are independent. Then the entries of the matrix have mean 0 and mean square 1/3.
    """
    turns = Rotations.from_matrix(frames).as_rotvec()
    angle = np.linalg.norm(turns, axis=1)
    axis = turns / angle[:, None]
    entries = frames.reshape(-1, 9)
    z = translations / SPREAD
    chi2 = scipy.stats.chi2(z.size)
    pairs = [(0, 1), (0, 2), (1, 2)]
    return {
        "rotation: angle": ks(angle, lambda t: (t - np.sin(t)) / np.pi),
        "rotation: height of the axis": ks(axis[:, 2], scipy.stats.uniform(-1, 2).cdf),
        "rotation: direction of the axis": ks(
            np.arctan2(axis[:, 1], axis[:, 0]), scipy.stats.uniform(-np.pi, 2 * np.pi).cdf
        ),
        "rotation: angle independent of axis": smallest(rank(angle, np.abs(axis[:, i])) for i in range(3)),
        "rotation: mean of the matrix": smallest(scipy.stats.ttest_1samp(entries, 0).pvalue),
        "rotation: mean square of the matrix": smallest(scipy.stats.ttest_1samp(entries**2, 1 / 3).pvalue),
        "translation: normal": smallest(ks(z[:, i], "norm") for i in range(3)),
        "translation: mean": smallest(scipy.stats.ttest_1samp(z, 0).pvalue),
        "translation: spread": min(1.0, 2 * min(chi2.cdf((z**2).sum()), chi2.sf((z**2).sum()))),
        "translation: x, y, z uncorrelated": smallest(scipy.stats.pearsonr(z[:, i], z[:, j]).pvalue for i, j in pairs),
        "rotation independent of translation": smallest(rank(angle, np.abs(z[:, i])) for i in range(3)),
    }


def ks(values, law) -> float:
    """p of Kolmogorov's and Smirnov's test."""
    return float(scipy.stats.kstest(values, law).pvalue)


def rank(a, b) -> float:
    """p of Spearman's test of independence."""
    return float(scipy.stats.spearmanr(a, b).pvalue)


def smallest(p) -> float:
    """The smallest of several p, corrected for their number."""
    p = list(p)
    return float(min(1.0, len(p) * min(p)))


def report(title: str, frames: np.ndarray, translations: np.ndarray) -> bool:
    """Print p for each point; whether all together pass at `LEVEL`."""
    tables = [checks(*point) for point in zip(frames, translations)]
    least = LEVEL / (len(tables) * len(tables[0]))
    print(f"\n{title}: p by point, wrong below {least:.1g}")
    for name in tables[0]:
        p = [table[name] for table in tables]
        print(f"  {name:37s}" + "".join(f"{x:9.2g}" for x in p) + ("" if min(p) > least else "   wrong"))
    return min(min(table.values()) for table in tables) > least


valid = report("The space", frames.double().numpy(), translations.double().numpy())

# %% For comparison: weights that add up to 1, rotations averaged as rotation vectors.
w = space.weights(u)
w /= w.sum(1, keepdims=True)
turns = Rotations.from_matrix(seeds[0].reshape(-1, 3, 3).double().numpy()).as_rotvec().reshape(space.k, -1)
turns, moved = w @ turns, w @ seeds[1].double().reshape(space.k, -1).numpy()
averaged = Rotations.from_rotvec(turns.reshape(-1, 3)).as_matrix().reshape(frames.shape)
averages_valid = report("Plain averages", averaged, moved.reshape(translations.shape))

# %%
print(
    f"\nThe space's points are {'' if valid else 'NOT '}valid starts; plain averages are {'too' if averages_valid else 'not'}."
)
if not valid:
    raise SystemExit(1)
