"""FLUX and AudioLDM through diffusers: a space's noises as `latents`, a seed's own result, a blend, and a search.

    pip install diffusers transformers
    python docs/library/with_diffusers.py

Nothing is downloaded: the pipelines are diffusers' own classes with small random weights, so their pictures and sounds mean
nothing. With your model, put `FluxPipeline.from_pretrained(…)` in place of `tiny_flux()` and `prompt=` in place of the
embeddings; the rest stays as it is.
"""

# %%
import warnings

import torch
from diffusers import (
    AudioLDMPipeline,
    AutoencoderKL,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    UNet2DConditionModel,
)
from diffusers.utils import logging
from transformers import ClapTextConfig, ClapTextModelWithProjection, SpeechT5HifiGan, SpeechT5HifiGanConfig

from surrogate import Seeds, SurrogateSpace, points
from surrogate.search import Study

logging.set_verbosity_error()
warnings.filterwarnings("ignore", category=FutureWarning)


def tiny_flux() -> FluxPipeline:
    """FLUX.1's classes, small. Its latents have 16 channels here as there."""
    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=64, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=[4, 4, 8],
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(4, 4, 4, 4), down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1, latent_channels=16, norm_num_groups=1, use_quant_conv=False, use_post_quant_conv=False,
        shift_factor=0.1159, scaling_factor=0.3611,
    )  # fmt: skip
    scheduler = FlowMatchEulerDiscreteScheduler()
    return FluxPipeline(scheduler, vae.eval(), None, None, None, None, transformer.eval())


def tiny_audioldm() -> AudioLDMPipeline:
    """AudioLDM's classes, small: latents of 4 channels, sounds of 16 kHz."""
    unet = UNet2DConditionModel(
        block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=8, in_channels=4, out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=(8, 16), class_embed_type="simple_projection", projection_class_embeddings_input_dim=32,
        class_embeddings_concat=True,
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(8, 16), in_channels=1, out_channels=1, norm_num_groups=8, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip
    text = ClapTextModelWithProjection(
        ClapTextConfig(
            vocab_size=100,
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            projection_dim=32,
        )
    )
    vocoder = SpeechT5HifiGan(
        SpeechT5HifiGanConfig(
            model_in_dim=8, sampling_rate=16000, upsample_initial_channel=16, upsample_rates=[2, 2],
            upsample_kernel_sizes=[4, 4], resblock_kernel_sizes=[3, 7], resblock_dilation_sizes=[[1, 3, 5], [1, 3, 5]],
            normalize_before=False,
        )
    )  # fmt: skip
    scheduler = DDIMScheduler(clip_sample=False, set_alpha_to_one=False)
    parts = (vae, text, unet, vocoder)
    for part in parts:
        part.eval()
    return AudioLDMPipeline(vae, text, None, unet, scheduler, vocoder)


# %% A space of four seeds: the same numbers that you give to torch.Generator.
space = SurrogateSpace(Seeds.from_text("42, 7, 1024, 99"))
middle = space.weights(torch.full((1, 3), 0.5).numpy())
vertex = points.vertices(space).w[:1]

# %% FLUX. Its pipeline takes noise that is packed: squares of 2 × 2 latent pixels are one token.
torch.manual_seed(0)  # for the weights of the tiny models alone
flux = tiny_flux()
flux.set_progress_bar_config(disable=True)
WIDTH = HEIGHT = 64
CHANNELS, ROWS, COLUMNS = 16, HEIGHT // 8, WIDTH // 8
text = {"prompt_embeds": torch.randn(1, 6, 32), "pooled_prompt_embeds": torch.randn(1, 32)}


def draw(w=None, seed=None):
    """The latents of the pictures at the points with weights w (n, k), or that the pipeline itself gives for a seed."""
    how = {**text, "width": WIDTH, "height": HEIGHT, "num_inference_steps": 4, "output_type": "latent"}
    if seed is not None:
        return flux(**how, generator=torch.Generator().manual_seed(seed)).images
    z = space.combine(w, [(CHANNELS, ROWS, COLUMNS)])[0]
    packed = flux._pack_latents(z, len(z), CHANNELS, ROWS, COLUMNS)
    return torch.cat([flux(**how, latents=one[None]).images for one in packed])


same = torch.equal(draw(vertex), draw(seed=42))
print("FLUX: the space's first seed gives the pipeline's own result, bit for bit:", same)
blend, others = draw(middle), draw(points.vertices(space).w)
print(
    "FLUX: a blend",
    tuple(blend.shape),
    "is none of the four:",
    not any(torch.allclose(blend[0], one) for one in others),
)

# %% AudioLDM: latents (4, seconds, mel) with no packing.
torch.manual_seed(0)
audioldm = tiny_audioldm()
audioldm.set_progress_bar_config(disable=True)
SECONDS = 0.032
text_of_sound = {"prompt_embeds": torch.randn(1, 32)}
SHAPE = (
    4,
    64,
    4,
)  # channels, time / 2, mel bands / 2 of this small vocoder; AudioLDM's own are (8, 256, 16) for 10 seconds


def play(w=None, seed=None):
    """Waveforms (n, samples) at the points with weights w (n, k), or of the pipeline itself for a seed."""
    how = {
        **text_of_sound,
        "audio_length_in_s": SECONDS,
        "num_inference_steps": 3,
        "guidance_scale": 1.0,
        "output_type": "pt",
    }
    if seed is not None:
        return audioldm(**how, generator=torch.Generator().manual_seed(seed)).audios
    z = space.combine(w, [SHAPE])[0]
    return torch.cat([audioldm(**how, latents=one[None]).audios for one in z])


same = torch.equal(play(vertex), play(seed=42))
print("AudioLDM: the space's first seed gives the pipeline's own result, bit for bit:", same)
print("AudioLDM: a blend of", tuple(play(middle).shape), "samples")


# %% A search among the sounds: the most energy in 16, by a study in memory. A score is any function of the waveforms.
def energy(sounds):
    """(n,) mean square of waveforms (n, samples)."""
    return sounds.double().square().mean(1).numpy()


study = Study.open(None, "energy", space, budget=16, optimiser="cma-es", population=4, seed=0)
while len(generation := study.ask()):
    study.tell(generation, energy(play(space.weights(generation.u))))
times = study.best.score / energy(play(points.vertices(space).w)).max()
print(f"AudioLDM: the best of {len(study.history())} points has {times:.2f} times the energy of the best seed")
