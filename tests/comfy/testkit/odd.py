"""Models that behave unlike most: one that ignores its noise, one that wants more of it, ones that fail."""

import copy
import time

from comfy_api.latest import io

from .faults import Orders

SCALE = 8.0


class OddNoise(io.ComfyNode):
    """The model, with another way to begin: from the latent alone (as Flow RVS), or from 8 times the noise (as HiDream-O1)."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestOddNoise",
            category="test",
            inputs=[io.Model.Input("model"), io.Combo.Input("kind", options=["ignored", "scaled"])],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model, kind):
        sampling = copy.copy(model.get_model_object("model_sampling"))
        usual = type(sampling)

        class Odd(usual):
            def noise_scaling(self, sigma, noise, latent_image, max_denoise=False):
                if kind == "ignored":
                    return latent_image
                return usual.noise_scaling(self, sigma, SCALE * noise, latent_image, max_denoise)

        sampling.__class__ = Odd
        model = model.clone()
        model.add_object_patch("model_sampling", sampling)
        return io.NodeOutput(model)


class OneAtATime(io.ComfyNode):
    """The model, which refuses batches with `message`."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestOneAtATime",
            category="test",
            inputs=[io.Model.Input("model"), io.String.Input("message")],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model, message):
        def refuse(apply, given):
            if len(given["input"]) > 1:
                raise ValueError(message)
            return apply(given["input"], given["timestep"], **given["c"])

        model = model.clone()
        model.set_model_unet_function_wrapper(refuse)
        return io.NodeOutput(model)


class SlowModel(io.ComfyNode):
    """The model, which takes `seconds` longer: newer versions of core leave out what comes too soon of a node's progress."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestSlowModel",
            category="test",
            inputs=[io.Model.Input("model"), io.Float.Input("seconds")],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model, seconds):
        def slowly(apply, given):
            time.sleep(seconds)
            return apply(given["input"], given["timestep"], **given["c"])

        model = model.clone()
        model.set_model_unet_function_wrapper(slowly)
        return io.NodeOutput(model)


class NaNModel(io.ComfyNode):
    """The model, which gives NaN (or infinity) for some samples, as one that overflows in half precision does.

    Orders: "nan", the places in the batch; "nan_above", a bound on the first value of the noise (the same noises fail,
    whatever else is in the batch); "value", "nan" or "inf".
    """

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestNaNModel",
            category="test",
            inputs=[io.Model.Input("model"), io.String.Input("name")],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model, name):
        orders = Orders(name)

        def spoil(given):
            denoised, now = given["denoised"].clone(), orders.read()
            noise = given["input"].flatten(1)[:, 0] / given["sigma"].flatten()[0]
            spoilt = noise > now.get("nan_above", float("inf"))
            spoilt[[place for place in now.get("nan", []) if place < len(spoilt)]] = True
            denoised[(spoilt, *(0,) * (denoised.ndim - 1))] = float(now.get("value", "nan"))
            return denoised

        model = model.clone()
        model.set_model_sampler_post_cfg_function(spoil, disable_cfg1_optimization=True)
        return io.NodeOutput(model)
