"""Sounds made to order, a decoder for any latent of sound, and a score that is computed from what is heard."""

import json

import torch
from comfy_api.latest import io


class MadeSounds(io.ComfyNode):
    """AUDIO of any shape and rate; "wrong" things that another pack may put on the wire."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestSounds",
            category="test",
            inputs=[io.String.Input("sounds", tooltip="A list of [shape with batch and channels, rate, fill].")],
            outputs=[io.Audio.Output(is_output_list=True)],
        )

    @classmethod
    def execute(cls, sounds):
        return io.NodeOutput([_sound(*one) if isinstance(one, list) else one for one in json.loads(sounds)])


def _sound(shape, rate, fill):
    waveform = torch.zeros(shape)
    if fill == "noise":
        waveform.uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(0))
    elif fill == "tone":
        waveform += 0.5 * torch.sin(2 * torch.pi * 440 / rate * torch.arange(shape[-1]))
    elif fill == "loud":
        waveform += 3.0
    elif fill == "nan":
        waveform[..., ::3] = float("nan")
    return {"waveform": waveform, "sample_rate": rate}


class SoundVAE(io.ComfyNode):
    """An organ: each channel of a latent (n, 64, length) is how loud one of its pipes is, over time.

    Of the sound in a clip's latent (n, 8, 16, length) both axes are pipes. loud: three times as loud as can be played.
    """

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestSoundVAE",
            category="test",
            inputs=[
                io.Boolean.Input("of_clips", default=False, optional=True),
                io.Boolean.Input("loud", default=False, optional=True),
            ],
            outputs=[io.Vae.Output()],
        )

    @classmethod
    def execute(cls, of_clips=False, loud=False):
        return io.NodeOutput(_OrganOfClips(loud) if of_clips else _Organ())


class _Organ:
    output_channels = 2  # as core's decoders of sound have it
    SAMPLES_OF_A_STEP, PIPES, RATE = 512, 24, 44100

    def decode(self, samples):
        n, _, steps = samples.shape
        length = steps * self.SAMPLES_OF_A_STEP
        loud = torch.nn.functional.softplus(3 * samples[:, : 2 * self.PIPES].float() - 2)
        loud = torch.nn.functional.interpolate(loud, length, mode="linear")
        time = torch.arange(length, dtype=torch.float64) / self.RATE
        tones = torch.stack([torch.sin(2 * torch.pi * 80 * 2 ** (i / 3.5) * time).float() for i in range(self.PIPES)])
        heard = (loud.reshape(n, 2, self.PIPES, length) * tones).sum(2) / self.PIPES
        return heard.movedim(1, -1)


class _OrganOfClips(_Organ):
    latent_channels, latent_dim = 8, 2
    audio_sample_rate = 8000

    def __init__(self, loud: bool):
        self.loud = loud

    def decode(self, samples):
        return (30.0 if self.loud else 1.0) * super().decode(samples.flatten(1, 2))


class Pitch(io.ComfyNode):
    """How high each sound of a batch is: the mean of the octaves above 20 Hz, by their power."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestPitch",
            category="test",
            inputs=[io.Audio.Input("audio")],
            outputs=[io.Float.Output(is_output_list=True)],
        )

    @classmethod
    def execute(cls, audio):
        waveform = audio["waveform"].mean(1)
        power = torch.fft.rfft(waveform).abs().square()
        octaves = (torch.fft.rfftfreq(waveform.shape[-1], 1 / audio["sample_rate"]).clamp(min=20) / 20).log2()
        return io.NodeOutput(((power * octaves).sum(-1) / power.sum(-1)).tolist())
