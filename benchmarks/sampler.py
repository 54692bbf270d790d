"""What the surrogate noise costs beside the sampler: the demo model, 8 points, 8 Euler steps, in one process.

    python benchmarks/sampler.py PATH_OF_COMFYUI [--repeats N]

with a Python that has ComfyUI's requirements. Prints medians and the ratio.
"""

import argparse
import importlib
import importlib.util
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def load_pack(comfyui: str):
    """The pack, imported as ComfyUI imports it, with core on the CPU."""
    sys.argv = [sys.argv[0], "--cpu"]
    sys.path.insert(0, comfyui)
    import comfy.options

    comfy.options.enable_args_parsing()
    importlib.import_module("utils.install_util")  # before anything else can be called utils
    import server

    server.PromptServer.instance = None
    spec = importlib.util.spec_from_file_location(
        "surrogate_pack", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    pack = importlib.util.module_from_spec(spec)
    sys.modules["surrogate_pack"] = pack
    spec.loader.exec_module(pack)


def median_ms(function, repeats: int) -> float:
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("comfyui")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    load_pack(options.comfyui)

    import comfy.samplers
    import torch
    from surrogate_pack.nodes.demo import DemoModel
    from surrogate_pack.nodes.tools.latents import PointsNoise, repeat_to
    from surrogate_pack.surrogate import Seeds, SurrogateSpace, points

    with torch.inference_mode():
        model, _, conditioning, empty = DemoModel.execute("dusk", "mountains").args
        guider = comfy.samplers.CFGGuider(model)
        guider.set_conds(conditioning, conditioning)
        guider.set_cfg(1.0)
        sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "simple", 8)
        sampler = comfy.samplers.sampler_object("euler")
        latent = repeat_to(empty, 8, "points")

        space = SurrogateSpace(Seeds.from_range(0, 8))
        noise = PointsNoise(space, points.random(space, 8).w, 0)
        z = noise.generate_noise(latent)
        sampling = median_ms(
            lambda: guider.sample(z, latent["samples"], sampler, sigmas, disable_pbar=True, seed=0), options.repeats
        )
        making = median_ms(lambda: noise.generate_noise(latent), options.repeats)
    print(f"sampler, 8 images, 8 steps   {sampling:8.1f} ms")
    print(f"surrogate noise, k = 8       {making:8.2f} ms   {100 * making / sampling:.2f} % of the sampler")


if __name__ == "__main__":
    main()
