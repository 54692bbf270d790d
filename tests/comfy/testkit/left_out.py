"""Core's classes of models that are no families of the tests, by the reason."""

import comfy.supported_models

LEFT_OUT = {
    "another family's network, with another conditioning, size or schedule": {
        "LotusD", "SD15_instructpix2pix", "SD21UnclipL", "SD21UnclipH", "SDXL_instructpix2pix", "SDXLRefiner", "SSD1B",
        "KOALA_700M", "KOALA_1B", "Segmind_Vega", "PixArtAlpha", "HunyuanDiT1", "HunyuanVideoSkyreelsI2V", "CosmosI2V",
        "CosmosI2VPredict2", "WAN21_CausalAR_T2V", "WAN21_FunControl2V", "WAN21_Camera", "WAN22_Camera", "WAN22_S2V",
        "WAN21_HuMo", "WAN22_Animate", "WAN_Animate2", "WAN21_FlowRVS", "WAN21_SCAIL", "WAN21_SCAIL2", "WAN22_WanDancer",
        "Hunyuan3Dv2mini", "CogVideoX_I2V", "CogVideoX_Inpaint",
    },
    "enlarges or refines what is there": {
        "SD_X4Upscaler", "HunyuanImage21Refiner", "HunyuanVideo15_SR_Distilled", "SeedVR2",
    },
    "the batch is the frames or views of one object": {"SVD_img2vid", "SV3D_u", "SV3D_p", "Stable_Zero123"},
    "samples points in space, of which each object has another number": {"Trellis2"},
    "its network has one size, of two billion weights": {"MiniMaxMusic3"},
    "no diffusion": {"RT_DETR_v4", "SAM3", "SAM31", "DepthAnything3"},
}  # fmt: skip


def forgotten(families) -> list[str]:
    """This core's classes that are neither among the families nor left out."""
    named = {family.core for family in families}.union(*LEFT_OUT.values())
    return sorted({kind.__name__ for kind in comfy.supported_models.models} - named)
