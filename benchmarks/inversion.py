"""Inversion against plain fixed-point iteration on the demo model: calls, how well the latent and its noise come back.

    python benchmarks/inversion.py PATH_OF_COMFYUI [--steps 8,20,50] [--batch 4] [--only own|outside] [--plain]

with a Python that has ComfyUI's requirements. "own" are samples of the model, whose noise is known; "outside" are
landscapes that demo/scenes.py draws, encoded by the autoencoder. Errors are relative, of latents as the sampler sees
them. A call of the model is one of the whole batch.
"""

import argparse
import os
import sys
import time

import torch
from sampler import ROOT, load_pack

WORDS = ("dusk", "mountains")


class Inside:
    """Calls `work(denoise, sigmas)` where a sampler would be called, with the model loaded and its prompt prepared."""

    def __init__(self, work):
        self.work = work

    def sample(self, guider, sigmas, extra_args, callback, noise, *args, **kwargs):
        def denoise(x, sigma):
            return guider(x, sigma * x.new_ones(len(x)), **extra_args)

        self.work(denoise, sigmas)
        return noise


def plain(denoise, x, sigmas, iterations, tolerance):
    """Fixed-point iteration as it stands in papers: from the step's result, until it moves no more. (x, calls)"""
    calls = 0
    for i in reversed(range(len(sigmas) - 1)):
        target = x
        for _ in range(iterations):
            new = target - (sigmas[i + 1] - sigmas[i]) * (x - denoise(x, sigmas[i])) / sigmas[i]
            calls += 1
            moved = (new - x).flatten(1).norm(dim=1) / target.flatten(1).norm(dim=1)
            x = new
            if moved.max() < tolerance:
                break
    return x, calls


def scenes(count: int) -> torch.Tensor:
    """Landscapes (count, 128, 128, 3) of the prompt's kind."""
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    from demo.scenes import PLACES, TIMES, render

    generator = torch.Generator().manual_seed(5)
    found = []
    while len(found) < count:
        images, time_of_day, place, *_ = render(64, generator=generator)
        found += images[(time_of_day == TIMES.index(WORDS[0])) & (place == PLACES.index(WORDS[1]))]
    return torch.stack(found[:count]).movedim(1, -1)


def listed(values) -> str:
    return " ".join(f"{float(value):.2g}" for value in values)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comfyui")
    parser.add_argument("--steps", default="8,20,50")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--only", choices=["own", "outside"])
    parser.add_argument("--plain", action="store_true", help="plain iteration too")
    parser.add_argument("--iterations", type=int, default=40)
    parser.add_argument("--tolerance", type=float, default=3e-6)
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    load_pack(options.comfyui)

    import comfy.samplers
    from surrogate_pack.nodes.demo import DemoModel
    from surrogate_pack.surrogate import inversion

    def work(denoise, sigmas):
        z = torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(i)) for i in range(options.batch)])
        kinds = {}
        if options.only != "outside":
            kinds["own"] = (inversion.euler(denoise, z * sigmas[0], sigmas), z)
        if options.only != "own":
            kinds["outside"] = (format_.process_in(encoded), None)
        for kind, (latent, truth) in kinds.items():
            ways = {"ours": lambda x: ours(denoise, x, sigmas)}
            if options.plain:
                ways["plain"] = lambda x: (*plain(denoise, x, sigmas, 30, 1e-5), "")
            for way, function in ways.items():
                start = time.perf_counter()
                found, calls, more = function(latent)
                seconds = time.perf_counter() - start
                again = inversion.euler(denoise, found, sigmas)
                line = [
                    f"{len(sigmas) - 1:3d} steps {kind:8s}{way:6s}{calls:5d} calls {seconds:6.1f} s",
                    f"latent {listed(inversion.relative_error(again, latent))}",
                    f"norm {listed((found / sigmas[0]).square().flatten(1).mean(1))}",
                ]
                if truth is not None:
                    line.append(f"z {listed(inversion.relative_error(found / sigmas[0], truth))}")
                else:
                    error = (vae.decode(format_.process_out(again)) - pictures).square().mean((1, 2, 3)).sqrt()
                    line.append(f"picture {listed(error)} (autoencoder {listed(floor)})")
                print("   ".join([*line, more]), flush=True)

    def ours(denoise, latent, sigmas):
        found = inversion.invert(
            denoise,
            latent,
            sigmas,
            iterations=options.iterations,
            tolerance=options.tolerance,
            noise=torch.randn(latent.shape, generator=torch.Generator().manual_seed(1000)),
        )
        return found.noise * sigmas[0], found.calls, f"{found.walks} walks"

    with torch.inference_mode():
        model, vae, conditioning, empty = DemoModel.execute(*WORDS).args
        shape = empty["samples"].shape[1:]
        format_ = model.get_model_object("latent_format")
        pictures = scenes(options.batch)
        encoded = vae.encode(pictures).float()
        floor = (vae.decode(encoded) - pictures).square().mean((1, 2, 3)).sqrt()
        guider = comfy.samplers.CFGGuider(model)
        guider.set_conds(conditioning, conditioning)
        guider.set_cfg(1.0)
        zeros = torch.zeros(options.batch, *shape)
        for steps in map(int, options.steps.split(",")):
            sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "simple", steps)
            guider.sample(zeros, zeros, Inside(work), sigmas, disable_pbar=True, seed=0)


if __name__ == "__main__":
    main()
