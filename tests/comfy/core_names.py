"""The names of ComfyUI that the pack uses. A new one is a new way to break with the next version: think, then add it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

__all__ = ["GUARDED", "INPUTS", "IO", "OPEN", "names_of", "used"]

ROOT = Path(__file__).absolute().parents[2]
CORE = ("comfy", "comfy_api", "comfy_execution", "comfy_extras", "comfyui_version", "execution", "folder_paths",
        "latent_preview", "node_helpers", "nodes", "protocol", "server")  # fmt: skip
# Variables of the pack that hold something of core's, and what that is in the server.
INPUTS = {
    "clip_vision": "clip_vision",
    "guider": "guider",
    "model": "model",
    "patcher": "model",
    "sampler": "sampler",
    "sampling": "model.model.model_sampling",
    "server": "server.PromptServer.instance",
    "vae": "vae",
}
# The same, in one file alone.
IN_FILE = {
    ("clip_model", "text_model"): "clip",
    ("clip_model", "vision_model"): "clip_vision",
    ("clip_model", "model"): "clip.cond_stage_model",
    ("demo", "model"): "model.model",
}

# The V3 API: what ComfyUI promises to node packs.
IO = """Audio Boolean Clip ClipVision Combo ComfyNode Conditioning Custom Float FolderType Guider Hidden.dynprompt Hidden.extra_pnginfo
        Hidden.prompt Hidden.unique_id Image Int Latent Model MultiType Noise NodeOutput Sampler Schema Sigmas String Vae""".split()

# Used by core's own node files or described in its documentation, in the way that the pack uses it: core cannot change
# it without changing its own nodes.
OPEN = {
    "clip.tokenize": "CLIP Score: tokens of a text",
    "clip_vision.encode_image": "CLIP Score: the embedding of a picture",
    "comfy.cli_args.args.disable_metadata": "command line: pictures without metadata",
    "comfy.cli_args.args.listen": "command line: who can reach this server",
    "comfy.cli_args.args.tls_certfile": "command line: the server's own address",
    "comfy.cli_args.args.tls_keyfile": "command line: the server's own address",
    "comfy.model_management.InterruptProcessingException": "Cancel is no failure of a scorer",
    "comfy.model_management.get_torch_device": "demo model",
    "comfy.model_management.intermediate_device": "where samples are kept",
    "comfy.model_management.throw_exception_if_processing_interrupted": "Cancel",
    "comfy.model_management.unet_offload_device": "demo model",
    "comfy.model_patcher.ModelPatcher": "demo model",
    "comfy.patcher_extension.WrappersMP.OUTER_SAMPLE": "Surrogate Noise for KSampler",
    "comfy.sample.fix_empty_latent_channels": "the size of the noise; with the arguments that it has",
    "comfy.sample.prepare_noise": "whether another pack has replaced it",
    "comfy.samplers": "Invert: whether masks of several parts are known",
    "comfy.samplers.KSAMPLER": "Pinned Sampler",
    "comfy.samplers.Sampler": "Invert is a sampler",
    "comfy.samplers.sampler_object": "Invert checks with core's euler",
    "comfy.sd.VAE": "demo model",
    "comfy.utils.ProgressBar": "progress",
    "comfy.utils.load_torch_file": "demo model",
    "comfy_api.latest.ComfyExtension": "the pack itself; __init__.py says so where it is missing",
    "comfy_api.latest.InputImpl.VideoFromComponents": "clips with their sound",
    "comfy_api.latest.Types.VideoComponents": "clips with their sound",
    "comfy_execution.graph.ExecutionBlocker": "Ask, Tell and scores hold back what has no value",
    "comfy_execution.graph_utils.is_link": "Score Output: which nodes lead to it",
    "folder_paths.annotated_filepath": "Load Seeds",
    "folder_paths.get_input_directory": "files",
    "folder_paths.get_output_directory": "files",
    "folder_paths.get_save_image_path": "files",
    "folder_paths.get_temp_directory": "files",
    "folder_paths.get_user_directory": "studies",
    "guider.model_patcher": "the model that is sampled; guiders of other packs have it too",
    "guider.sample": "sampling; guiders of other packs have it too",
    "model.add_wrapper_with_key": "Surrogate Noise for KSampler",
    "model.clone": "Surrogate Noise for KSampler",
    "model.model": "the name of the model's class",
    "model.get_model_object": "latent format, model sampling",
    "model.load_device": "previews",
    "model.model.model_sampling.noise_scaling": "Invert: how noise and image begin, never copied",
    "model.model.model_sampling.sigma_max": "whether a model ignores its noise; what core's schedulers begin with",
    "model.set_model_unet_function_wrapper": "demo model, kind turbo",
    "server.PromptServer.instance": "messages and the route",
    "server.PromptServer.instance.routes.get": "the routes",
    "server.PromptServer.instance.routes.post": "answers to Pick",
    "server.PromptServer.instance.send_sync": "messages to the browser",
    "vae.decode": "pictures",
}

# Nobody promised these. For each, what the pack does where it is missing.
GUARDED = {
    "clip.cond_stage_model": "CLIP Score says what is missing",
    "clip.cond_stage_model.encode_token_weights": "CLIP Score says what is missing",
    "clip.cond_stage_model.named_parameters": "torch's own",
    "clip.cond_stage_model.reset_clip_options": "CLIP Score says what is missing",
    "clip.cond_stage_model.set_clip_options": "CLIP Score says what is missing",
    "clip.load_model": "as old as the CLIP models that it loads",
    "comfy.k_diffusion.sampling.BrownianTreeNoiseSampler": "Pinned Sampler says which samplers it can still pin",
    "comfy.ldm.flux.model.FluxParams": "Demo Model says that it does not fit",
    "comfy.model_management.get_free_memory": "all memory counts as free",
    "comfy.model_management.processing_interrupted": "a Cancel between two prompts is not noticed",
    "comfy.sample.prepare_noise_inner": "a replacement of it is not noticed",
    "comfy.supported_models.FluxSchnell": "Demo Model says that it does not fit",
    "comfy.utils.PROGRESS_BAR_ENABLED": "progress bars in the terminal",
    "comfy.utils.pack_latents": "as old as the nested latents that it is called for",
    "comfy.utils.unpack_latents": "as old as the nested latents that it is called for",
    "comfy_api.latest.ui.AudioSaveHelper.save_audio": "Sound Sheet says that it has no players",
    "comfyui_version.__version__": "a message says: an older one",
    "guider.original_conds": "a search of the prompt's embedding says which guiders it takes",
    "latent_preview.get_previewer": "no previews while a batch is sampled",
    "model.model.latent_format": "Save Seeds does not name the kind of latent",
    "model.model.load_model_weights": "Demo Model says that it does not fit",
    "sampler.extra_options": "Pinned Sampler: no options",
    "sampler.inpaint_options": "Pinned Sampler: no options",
    "sampler.sampler_function": "Pinned Sampler says which samplers it takes",
    "server.PromptServer.instance.address": "127.0.0.1",
    "server.PromptServer.instance.client_id": "nobody is told of the next run",
    "server.PromptServer.instance.last_prompt_id": "a search says: press Run for each step",
    "server.PromptServer.instance.port": "a search says: press Run for each step",
    "server.PromptServer.instance.sockets": "Pick waits, whoever is there",
    "server.PromptServer.instance.send_progress_text": "no text under the node",
    "vae.audio_sample_rate": "44100, as core itself says then",
    "vae.audio_sample_rate_output": "only of LTX-2's sound; others have audio_sample_rate",
    "vae.latent_channels": "the clip is the first part of a latent, its sound the last",
    "vae.latent_dim": "the clip is the first part of a latent, its sound the last",
    "vae.output_channels": "what a VAE gives is looked at when it is there",
}


def used() -> dict[str, set[str]]:
    """Core's names in the pack's source, each with the files that use it.

    What is reached through other variables than `INPUTS` is not seen.
    """
    found: dict[str, set[str]] = {}
    for path in [ROOT / "__init__.py", *sorted((ROOT / "nodes").rglob("*.py"))]:
        for name in names_of(ast.parse(path.read_text("utf-8")), path.stem):
            found.setdefault(name, set()).add(path.name)
    return found


def names_of(tree: ast.Module, file: str = "") -> Iterator[str]:
    """Core's names in one file's source."""
    known = INPUTS | {name: what for (where, name), what in IN_FILE.items() if where == file}
    imported, inside = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {
                alias.asname or alias.name.split(".")[0]: alias.name if alias.asname else alias.name.split(".")[0]
                for alias in node.names
                if alias.name.split(".")[0] in CORE
            }
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module.split(".")[0] in CORE:
            imported |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute):
            inside.add(node.value)
        elif _asks(node):
            inside.add(node.args[0])
    known |= imported
    for node in ast.walk(tree):
        if node in inside:
            continue
        if isinstance(node, ast.Attribute) or _asks(node):
            first, *rest = _chain(node)
            if first in known:
                yield _without_its_own(".".join([known[first], *rest]))
        elif isinstance(node, ast.Name) and node.id in imported:
            yield imported[node.id]


def _chain(node: ast.AST) -> list[str]:
    """x.y.z as its names; getattr(x.y, "z", …) and hasattr(x.y, "z") the same."""
    if isinstance(node, ast.Attribute):
        return [*_chain(node.value), node.attr]
    if _asks(node):
        return [*_chain(node.args[0]), node.args[1].value]
    return [node.id if isinstance(node, ast.Name) else ""]


def _asks(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("getattr", "hasattr")
        and isinstance(node.args[1], ast.Constant)
    )


def _without_its_own(name: str) -> str:
    """Without the attributes of what core's name is: of a string, a list, a type of input."""
    api = "comfy_api.latest.io."
    if name.startswith(api):
        kind = name.removeprefix(api).split(".")
        return api + ".".join(kind[: 2 if kind[0] == "Hidden" else 1])
    parts = name.split(".")
    for end in range(len(parts), 1, -1):
        if ".".join(parts[:end]) in {*OPEN, *GUARDED}:
            return ".".join(parts[:end])
    return name
