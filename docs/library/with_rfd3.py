"""RFdiffusion3: a space of protein designs, driven through its own sampler: a seed's own design, a blend, and a search.

    pip install rc-foundry "atomworks[ml]<3" pydantic    (Python 3.12; 1.5 GB, and torch, which with CUDA is 5 GB)
    python docs/library/with_rfd3.py

Nothing is downloaded: the network is rfd3's own class, small and with random weights, so its designs mean nothing. The
input is a real one, a design of twelve residues, made by rfd3's own pipeline. With your checkpoint, `engine =
RFD3InferenceEngine(**RFD3InferenceConfig(…))` and `engine.initialize()` give `engine.trainer.state["model"]`, whose
`inference_sampler` is exchanged as in `design` below.

RFdiffusion3 starts from the coordinates of all atoms, each normal with the first sigma of its schedule, so the default
transport fits. (The first RFdiffusion starts from frames: protein_frames.py.) Atoms of a motif with fixed coordinates get
no noise; their part of a noise is not used.
"""

# %%
import logging
import warnings
from importlib.resources import files

import torch
from omegaconf import OmegaConf
from rfd3.inference.input_parsing import DesignInputSpecification
from rfd3.model.inference_sampler import SampleDiffusionWithMotif
from rfd3.model.RFD3 import RFD3
from rfd3.transforms.pipelines import build_atom14_base_pipeline

from surrogate import Seeds, SurrogateSpace, points
from surrogate.search import Study

for package in ("rfd3", "atomworks"):
    logging.getLogger(package).setLevel(logging.ERROR)
warnings.filterwarnings("ignore", category=UserWarning)
warnings.filterwarnings("ignore", category=DeprecationWarning)
CONFIGS = files("rfd3") / "configs"
SMALL = {
    "c_s": 32, "c_z": 16, "c_atom": 16, "c_atompair": 8,
    "token_initializer": {"n_pairformer_blocks": 1, "pairformer_block": {"attention_pair_bias": {"n_head": 4}}},
    "diffusion_module": {
        "c_token": 48, "c_t_embed": 16, "n_attn_keys": 16,
        "upcast": {"cross_attention_block": {"c_model": 16}},
        "downcast": {"cross_attention_block": {"c_model": 16}},
        "atom_attention_encoder": {"n_blocks": 1},
        "atom_attention_decoder": {"n_blocks": 1},
        "diffusion_token_encoder": {"n_pairformer_blocks": 1, "pairformer_block": {"attention_pair_bias": {"n_head": 4}}},
        "diffusion_transformer": {"n_block": 2, "diffusion_transformer_block": {"n_head": 4}},
    },
}  # fmt: skip


def configured() -> dict:
    """The network's settings as rfd3 ships them, with the sizes of SMALL."""
    net = OmegaConf.merge(OmegaConf.load(CONFIGS / "model/components/rfd3_net.yaml"), SMALL)
    net.inference_sampler = OmegaConf.load(CONFIGS / "model/samplers/edm.yaml")
    whole = OmegaConf.to_container(OmegaConf.create({"model": {"net": net}}), resolve=True)
    return whole["model"]["net"]


def featurised(net: dict, length: int) -> dict:
    """What rfd3's pipeline makes of a design of `length` residues with nothing given."""
    shared = OmegaConf.to_container(OmegaConf.load(CONFIGS / "datasets/design_base.yaml").global_transform_args)
    names = (
        "central_atom", "n_atoms_per_token", "association_scheme", "center_option", "generate_conformers",
        "provide_reference_conformer_when_unmasked", "ground_truth_conformer_policy",
        "use_element_for_atom_names_of_atomized_tokens",
    )  # fmt: skip
    pipeline = build_atom14_base_pipeline(
        is_inference=True,
        diffusion_batch_size=1,
        sigma_data=16,
        atom_1d_features=net["token_initializer"]["atom_1d_features"],
        token_1d_features=net["token_initializer"]["token_1d_features"],
        **{name: shared[name] for name in names},
    )
    return pipeline(DesignInputSpecification.safe_init(length=str(length)).to_pipeline_input(example_id="small"))


net = configured()
with torch.random.fork_rng():
    torch.manual_seed(0)  # for the weights of the small network alone
    model = RFD3(**{name: value for name, value in net.items() if name != "_target_"}).eval()
made = featurised(net, length=12)
start = made["coord_atom_lvl_to_be_noised"]  # (1, atoms, 3): the origin, but for the atoms of a motif
ATOMS = start.shape[1]
print(f"{ATOMS} atoms of 12 residues, {sum(p.numel() for p in model.parameters())} weights")


# %% The sampler, from a noise that is given.
class FromNoise(SampleDiffusionWithMotif):
    """rfd3's sampler, begun from `noise` (1, atoms, 3) instead of one that it draws."""

    noise: torch.Tensor

    def _get_initial_structure(self, c0, D, L, coord_atom_lvl_to_be_noised, is_motif_atom_with_fixed_coord):
        # It draws all the same, so that the noise of its later steps is that of its own run.
        super()._get_initial_structure(c0, D, L, coord_atom_lvl_to_be_noised, is_motif_atom_with_fixed_coord)
        noise = c0 * self.noise
        noise[..., is_motif_atom_with_fixed_coord, :] = 0
        return noise + coord_atom_lvl_to_be_noised


@torch.no_grad()
def design(seed: int, noise=None, **settings):
    """Coordinates (1, atoms, 3) in ångströms: rfd3's own run for a seed, or begun from `noise` (atoms, 3)."""
    sampler = (SampleDiffusionWithMotif if noise is None else FromNoise)(num_timesteps=8, **settings)
    if noise is not None:
        sampler.noise = noise[None]
    model.inference_sampler.sampler = sampler
    # rfd3 draws from torch's global generator: seeded for this run, and put back.
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return model({"f": made["feats"]}, coord_atom_lvl_to_be_noised=start.clone())["X_L"]


# %% A space of four seeds: the numbers that you would give to rfd3 as `seed`.
space = SurrogateSpace(Seeds.from_text("42, 7, 1024, 99"))
corners = space.combine(points.vertices(space).w, (ATOMS, 3))
middle = space.latents([[0.5, 0.5, 0.5]], (ATOMS, 3))[0]

# %% Without noise on the way (gamma_0 = 0) each point is one design. Set gamma_0 rather than noise_scale: with noise_scale
# = 0 alone the sampler would tell its network of noise that is not there.
still = {"gamma_0": 0.0}
same = all(
    torch.equal(design(0, noise, **still), design(int(seed.label), **still))
    for seed, noise in zip(space.seeds, corners, strict=True)
)
print("Without noise on the way each seed gives rfd3's own design for it, bit for bit:", same)
blend = design(0, middle, **still)
others = [design(0, noise, **still) for noise in corners]
print("A blend", tuple(blend.shape), "is none of the four:", not any(torch.allclose(blend, one) for one in others))

# %% With rfd3's own noise on the way: pinned, so that all points get that of one seed. The space's first seed is then
# rfd3's own run; the others have their own starts, and the first one's way.
pinned = {"gamma_0": 0.8}
print(
    "With the noise on the way pinned, the first seed gives rfd3's own design, bit for bit:",
    torch.equal(design(42, corners[0], **pinned), design(42, **pinned)),
)
print(
    "A blend repeats:",
    torch.equal(design(42, middle, **pinned), design(42, middle, **pinned)),
    "and differs with the seed of the way:",
    not torch.allclose(design(42, middle, **pinned), design(7, middle, **pinned)),
)


# %% A search: the most compact of 16 designs, by a study in memory. A score is any function of the coordinates.
def radius(coordinates) -> float:
    """The radius of gyration of (1, atoms, 3), in ångströms."""
    return float((coordinates - coordinates.mean(1, keepdim=True)).square().sum(-1).mean().sqrt())


study = Study.open(
    None, "compact", space, budget=16, optimiser="cma-es", population=4, directions="minimize", seed=0
)  # fmt: skip
while len(generation := study.ask()):
    noises = space.latents(generation.u, (ATOMS, 3))
    study.tell(generation, [radius(design(0, noise, **still)) for noise in noises])
times = study.best.score / min(map(radius, others))
print(f"The most compact of {len(study.history())} points has {times:.2f} times the radius of the most compact seed")
