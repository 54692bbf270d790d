"""Nodes by name: those that keep a batch as it is, services that are not ComfyUI, and samplers that draw other noise."""

from __future__ import annotations

import re

__all__ = [
    "KEEPING",
    "OTHER_NOISE",
    "REMOTE",
    "REPAINTING",
    "SAME_SIZE",
    "SAVING",
    "STAGED",
    "STITCHING",
    "continues",
    "shown",
]

# Core's nodes that hand on as many pictures as they get, in the same order.
KEEPING = {
    *("VAEDecode", "VAEDecodeTiled"),
    *("LatentUpscale", "LatentUpscaleBy", "LatentFlip", "LatentRotate", "LatentCrop", "LatentMultiply"),
    *("LatentApplyOperation", "LatentConcat", "LatentCut", "LatentAdd", "LatentSubtract", "LatentInterpolate"),
    *("LatentBlend", "LatentComposite", "LatentCompositeMasked", "NormalizeVideoLatentStart", "TrimVideoLatent"),
    *("ReplaceVideoLatentFrames", "HunyuanVideo15LatentUpscaleWithModel"),
    *("ImageScale", "ImageScaleBy", "ImageScaleToTotalPixels", "ImageScaleToMaxDimension", "ImageUpscaleWithModel"),
    *("ImageSharpen", "ImageBlur", "ImageQuantize", "ImageInvert", "ImageCrop", "ImageCropV2", "ImageFlip"),
    *("ImagePadForOutpaint", "ImageRotate", "ImageAddNoise", "ImageCompositeMasked", "JoinImageWithAlpha"),
    *("SplitImageWithAlpha", "ImageBlend", "ImageStitch", "ResizeAndPadImage", "ResizeImageMaskNode", "ColorTransfer"),
    *("ImageCompare", "FluxKontextImageScale", "Canny", "RemoveBackground", "AdjustBrightness", "AdjustContrast"),
    *("CreateVideo", "GetVideoComponents", "SaveImage", "PreviewImage", "SaveAnimatedWEBP", "SaveAnimatedPNG"),
    *("SaveWEBM", "SaveVideo", "SaveLatent", "VHS_VideoCombine"),
    *("VAEDecodeAudio", "VAEDecodeAudioTiled", "TrimAudioDuration", "AudioAdjustVolume", "SplitAudioChannels"),
    *(
        "SaveAudio",
        "SaveAudioMP3",
        "SaveAudioOpus",
        "SaveImageAdvanced",
        "SaveAudioAdvanced",
        "PreviewAudio",
        "LTXVAudioVAEDecode",
    ),
    *("LTXVAddGuide", "LTXVCropGuides", "LTXVConcatAVLatent", "LTXVSeparateAVLatent", "LTXVImgToVideoInplace"),
    *("LTXVLatentUpsampler", "LTXVPreprocess", "ReferenceLatent", "MaskToImage", "ImageToMask", "InvertMask"),
    *("easy kSampler", "easy kSamplerTiled"),
    *("SeedVR2Preprocess", "SeedVR2Conditioning", "SeedVR2PostProcessing", "ReferenceMultiLatent", "SaveImageAdvanced"),
    *("SaveAudioAdvanced", "DrawBBoxes", "MarigoldV2PostProcess"),
    *("PreviewBridge", "PreviewBridgeLatent", "LatentUpscaler"),
    *("NNLatentUpscale", "Latent Upscale by Factor (WAS)", "ImageResize+", "ImageResizeKJ", "ImageResizeKJv2"),
}
# Of these, those that keep the size of an empty latent too.
SAME_SIZE = {
    *("LTXVAddGuide", "LTXVCropGuides", "LTXVConcatAVLatent", "LTXVSeparateAVLatent"),
    *("LTXVImgToVideoInplace", "LatentApplyOperation"),
}
LONGEST_NAME = 200
SAVING = re.compile(r"save|preview|videocombine|video_combine", re.I)

# Core's API nodes by the companies that they ask, and others by what they say of themselves.
REMOTE = re.compile(
    r"^(Beeble|Bria[A-Z]|ByteDance|Clarity[A-Z]|Claude|ElevenLabs|FishAudio|Flux(2Image|3|Erase|Kontext(Pro|Max)|Pro|VTO|Video)"
    r"|Gemini|Grok|HappyHorse|HeyGen|Higgsfield|HitPaw|HunyuanImage\w*Api|Ideogram(P|V\d)|Kling|Krea\d(Image|Style)|LtxApi|LtxvApi"
    r"|Luma[A-Z]|Magnific|Meshy|Minimax|Mirelo|Moonvalley|OpenAI|OpenRouter|Pika|Pixverse|Pruna[A-Z]|Quiver|Qwen\w+Api$|Recraft"
    r"|ReveImage|Rodin3D|Runway|Sonilo|Stability[A-Z]|Sync(Lip|Talk)|Tencent|Topaz|Tripo(?!Splat|SG)|Veed|Veo\d?[A-Z]|Vidu"
    r"|Wan\w*Api$|Wavespeed)"
    r"|replicate|fal[_ ]?ai|^fal[A-Z_ ]|_fal$|runpod|remote|\bapi\b|_api$|Api(Node)?$|API(Node)?$|[Bb]izy[Aa]ir"
    r"|[Mm]idjourney|[Dd][Aa][Ll][Ll]-?[Ee]\d|[Nn]ano ?[Bb]anana|[Ss]eedream"
)
OTHER_NOISE = {
    re.compile(r"^(Legacy_)?(Ultra)?(Clown|Shark)\w*[sS]ampler|^BongSampler"): (
        "draws its noise in float64, whose numbers are others than KSampler's"
    ),
}
# They work on a picture again, crop by crop, tile by tile or step by step, and leave its composition.
REPAINTING = re.compile(
    r"Detailer(?!Hook)|UltimateSDUpscale|SeedVR2(?!Post|Pre|Cond|Temp)|SUPIR(?!_(encode|decode|first|model|cond))|Iterative\w*Upscale|SEGSUpscaler"
    r"|UpscalerRefiner|TiledDiffusion|TileUpscale|Tiled ?Upscale"
)
# They paste what was made of a part into a picture.
STITCHING = re.compile(r"InpaintStitch|Uncrop|Stitch\w*Crop|PasteByMask|Paste ?(By|Image|Crop)|SEGSPaste|UnCrop")
# A 3D model that is made in stages, of which each has a noise of its own.
STAGED = re.compile(r"decode\w*(trellis|pixal3d)|(trellis|pixal3d)\w*decode", re.I)


def shown(kind: str) -> str:
    """As much of a node's name as is looked at: names come from strangers."""
    return kind[:LONGEST_NAME]


def continues(kind: str) -> bool:
    """Whether a sampler takes up a latent where another left it, and adds no noise first."""
    return "chainsampler" in kind.lower()
