"""Files without a ComfyUI prompt: which program made them, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .files.embedded import Embedded

__all__ = ["has_prompt", "why_no_prompt"]

Texts = Mapping[str, str]
LOOKED_AT = 1 << 16


def _says(word: str, *names: str) -> Callable[[Texts], bool]:
    """Whether a text of one of these names holds `word` near its beginning."""
    return lambda texts: any(word in texts.get(name, "")[:LOOKED_AT] for name in names)


def _has(*names: str) -> Callable[[Texts], bool]:
    """Whether a text of a name that begins with one of these is there."""
    return lambda texts: any(name.startswith(names) for name in texts)


# Program -> how its files are known. The first counts: several write `parameters`.
PROGRAMS: dict[str, Callable[[Texts], bool]] = {
    "SwarmUI": _says("sui_image_params", "parameters"),
    "Fooocus": lambda texts: "fooocus_scheme" in texts or _says("Fooocus", "parameters", "version")(texts),
    "InvokeAI": _has("invokeai", "sd-metadata", "dream"),
    "NovelAI": _says("NovelAI", "software", "title", "source"),
    "Easy Diffusion": _has("use_stable_diffusion_model", "stable diffusion model"),
    "AUTOMATIC1111, Forge or a program like these": _has("parameters"),
}


def has_prompt(embedded: Embedded) -> bool:
    """Whether the file has a prompt of ComfyUI; other programs write the words that were typed under the same name."""
    prompt = embedded.texts.get("prompt", "")
    return "prompt" in embedded.texts and (prompt.lstrip()[:1] in "{[" or not _program(embedded.texts))


def why_no_prompt(embedded: Embedded) -> str:
    """Why no seed is found in a file without a prompt of ComfyUI."""
    program = _program(embedded.texts)
    if program:
        return (
            f"it was made by another program ({program}), whose noise is not ComfyUI's: make the picture again in "
            "ComfyUI, or find a noise for it by inverting it"
        )
    if "workflow" in embedded.texts:
        return "it holds a workflow but not the prompt that was run: open it in ComfyUI and save the picture once more"
    return f"this {embedded.kind} holds no ComfyUI prompt (made elsewhere, edited, or saved without metadata)"


def _program(texts: Texts) -> str:
    return next((name for name, known in PROGRAMS.items() if known(texts)), "")
