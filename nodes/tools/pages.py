"""The pictures of an Explorer's page: those that were made before are read, the others are rendered and kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import folder_paths
import numpy as np
from server import PromptServer

from ...surrogate.explore import Course
from ...surrogate.pictures.gallery import RECIPE, Gallery
from ...surrogate.points.batches import in_groups
from .board import Liked, liked_points
from .carrier import alike
from .copies import shown_id
from .latents import repeat_to
from .notices import warn
from .provenance import drawn, run_hash, texts, with_tensors
from .sampling import FAULTS_ADVICE, Progress, render
from .shelf import KEY_LENGTH, Shelf
from .sound import is_for_sound, save_clip, save_flac, save_sound

__all__ = ["COSMETIC", "EVENT", "Picture", "Renderer"]

# What the browser is told of each picture as soon as it is there.
EVENT = "surrogate.explorer.picture"
REMEDY = f"They are made again the next time that the node runs. {FAULTS_ADVICE}"
# Inputs of the Explorer that do not change what a noise gives.
COSMETIC = (
    "session", "seed", "pictures", "draft_steps", "images_per_batch", "filename_prefix", "seeds", "space",
    "study",
)  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """A picture of a page: frames (t, h, w, c) uint8, the key under which it is kept, and what is wrong with it, if anything.

    Of a model of sound, `sound` is the AUDIO of one whose waveform the picture shows; of a clip, the one that belongs to it.
    """

    frames: np.ndarray
    key: str
    fault: str = ""
    sound: dict | None = None

    def heard(self) -> dict:
        """Its sound as a number at every sample, silence where it is NaN."""
        sound = self.sound or {}
        return {**sound, "waveform": sound["waveform"].nan_to_num(0.0)}

    def frames_per_second(self) -> float:
        """As a clip: its sound is as long as it is."""
        assert self.sound is not None
        seconds = self.sound["waveform"].shape[-1] / self.sound["sample_rate"]
        return float(min(100, max(1, round(len(self.frames) / max(seconds, 1e-3)))))

    def told(self) -> dict:
        """What the browser needs to show it."""
        frames, height, width, _ = self.frames.shape
        return {
            "key": self.key, "fault": self.fault, "frames": frames, "width": width, "height": height,
            "sound": self.sound is not None,
        }  # fmt: skip


class Renderer:
    """Renders pages for one run of the node."""

    def __init__(
        self, node, sampling: tuple, latent: dict, vae, noise_seed: int, images_per_batch: int, audio_vae=None
    ):
        self.node, self.sampling, self.latent, self.vae, self.audio_vae = node, sampling, latent, vae, audio_vae
        self.noise_seed, self.at_once, self.shelf = noise_seed, images_per_batch, Shelf()
        self.of_sound = is_for_sound(vae)
        self.with_sound = self.of_sound or audio_vae is not None

    def page(self, course: Course, draft_steps: int | None) -> list[Picture]:
        """The pictures of the page that is shown, with all steps or as drafts after `draft_steps`.

        Raises ValueError if all of them failed.
        """
        space, points = course.page()
        keys = self._keys(course, draft_steps)
        made = {i: kept for i, key in enumerate(keys) if (kept := self._kept(key))}
        for i, picture in made.items():
            self._tell(i, picture)
        missing = [i for i in range(len(keys)) if i not in made]
        for one in self._rendered(space, points.w, missing, draft_steps):
            picture = made[one.index] = Picture(one.frames, keys[one.index], one.fault, one.sound)
            if not one.fault:
                self.shelf.keep(picture.key, picture.frames, picture.sound)
            self._tell(one.index, picture)
        self.shelf.tidy(set(keys))
        self._say(made, points.w)
        return [made[i] for i in range(len(keys))]

    def save(self, course: Course, made: list[Picture], prefix: str) -> list[dict]:
        """Save the finished pictures in ComfyUI's output folder, each with the recipe that rebuilds it; says where."""
        folder, stem, _, subfolder, _ = folder_paths.get_save_image_path(
            prefix, folder_paths.get_output_directory(), *made[0].frames.shape[2:0:-1]
        )
        noise = drawn(self.sampling[0], self.latent)
        saved = []
        for picture, (space, points) in zip(made, course.alone(), strict=True):
            if picture.fault:
                continue
            gallery = Gallery(Path(folder), stem, picture.key)
            own = {"space": space.recipe(), **points.recipe(0), "label": points.labels[0]}
            recipe = with_tensors({**own, **noise, "noise_seed": self.noise_seed}, space, gallery)
            name = self._write(gallery, picture, recipe)
            saved.append({"filename": name, "subfolder": subfolder, "type": "output"})
        return saved

    def _write(self, gallery: Gallery, picture: Picture, recipe: dict | None) -> str:
        """The file of a finished picture, of its sound, or of a clip with its sound; returns its name."""
        written = texts(self.node.hidden)
        own = written if recipe is None else {**written, RECIPE: json.dumps(recipe)}
        path = gallery.folder / gallery.name(1)
        if self.of_sound:
            save_flac(path.with_suffix(".flac"), picture.heard(), own)
            return path.with_suffix(".flac").name
        gallery.save(1, picture.frames, recipe or {}, written)
        if picture.sound is not None:
            save_sound(path.with_suffix(".wav"), picture.sound)
            clip = path.with_suffix(".mp4")
            if save_clip(clip, picture.frames, picture.sound, picture.frames_per_second(), own):
                return clip.name
        return path.name

    def shown(self, course: Course, made: list[Picture], draft_steps: int | None) -> dict:
        """What the page in the browser shows."""
        _, points = course.page()
        cells = [{**picture.told(), "label": label} for picture, label in zip(made, points.labels, strict=True)]
        return {
            "session": course.session.text(), "draft_steps": draft_steps or 0, "steps": len(self.sampling[2]) - 1,
            "cells": cells,
        }  # fmt: skip

    def liked(self, course: Course, made: list[Picture], draft_steps: int | None) -> list[Liked]:
        """What is liked now on the page that is shown, whose pictures are `made`, and what was on the one that it was made
        of; on a finished page, all of it."""
        session, number = course.session, course.session.shown
        page, found = session.pages[number], []
        if page.of >= 0 and page.act != "finish":
            keys = self._keys(course, draft_steps, page.of)
            before = [(cell, self.shelf.load(keys[cell]), self.shelf.load_sound(keys[cell])) for cell in page.liked]
            found += [self._liked(course, page.of, *kept) for kept in before]
        here = range(len(made)) if page.act == "finish" else page.likes
        shown = [(cell, made[cell]) for cell in here if not made[cell].fault]
        found += [self._liked(course, number, cell, picture.frames, picture.sound) for cell, picture in shown]
        return [liked for liked in found if liked is not None]

    def _liked(
        self, course: Course, number: int, cell: int, frames: np.ndarray | None, sound: dict | None
    ) -> Liked | None:
        """The picture `cell` of a page with its sound, if its frames are known."""
        if frames is None:
            return None
        space, points = course.page(number)
        (liked,) = liked_points(space, points.select([cell]), [frames], [sound])
        return replace(liked, weights="", names=())  # of a space that no node has

    def _keys(self, course: Course, draft_steps: int | None, number: int | None = None) -> list[str]:
        ignored = {"SurrogateExplorer": COSMETIC}
        run = run_hash(self.node.hidden, [self.noise_seed, draft_steps], ignored, self.latent, self.sampling[2])
        recipes = [[space.recipe(), points.recipe(0)] for space, points in course.alone(number)]
        texts = [json.dumps([run, recipe], sort_keys=True) for recipe in recipes]
        return [hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH] for text in texts]

    def _kept(self, key: str) -> Picture | None:
        frames = self.shelf.load(key)
        sound = self.shelf.load_sound(key) if self.with_sound and frames is not None else None
        if frames is None or (self.with_sound and sound is None):
            return None
        return Picture(frames, key, sound=sound)

    def _rendered(self, space, w, missing: list[int], draft_steps: int | None):
        if not missing:
            return
        guider, sampler, sigmas = self.sampling
        if draft_steps is not None:
            sigmas = sigmas[: draft_steps + 1]
        repeated = repeat_to(self.latent, len(w), "pictures")
        self.progress = Progress(guider, len(missing), sigmas, self.node, previews=False)
        groups = [[missing[j] for j in group] for group in in_groups(len(missing), self.at_once)]
        vae, audio_vae = (None, self.vae) if self.of_sound else (self.vae, self.audio_vae)
        sampling = guider, sampler, sigmas, repeated, vae, space, w, self.noise_seed, groups, self.progress
        yield from render(*sampling, draft=draft_steps is not None, audio_vae=audio_vae)

    def _tell(self, index: int, picture: Picture) -> None:
        server, hidden = PromptServer.instance, self.node.hidden
        what = {"node": shown_id(hidden), "cell": index, **picture.told()}
        server.send_sync(EVENT, what, getattr(server, "client_id", None))

    def _say(self, made: dict[int, Picture], w) -> None:
        faults = {i: picture.fault for i, picture in made.items() if picture.fault}
        if len(faults) == len(made):
            raise ValueError(f"All {len(made)} pictures failed: {faults[0]}. {REMEDY}")
        good = sorted(made.keys() - faults.keys())
        notes = [] if self.of_sound else alike(self.sampling[0], [made[i].frames for i in good], w[good])
        if faults:
            notes += [f"{len(faults)} of {len(made)} pictures failed: {next(iter(faults.values()))}. {REMEDY}"]
        warn(self.node, notes)
