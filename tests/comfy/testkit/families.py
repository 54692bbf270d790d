"""Every family of diffusion models that core knew in 0.3.75, as core's own class, with few and random weights.

The configurations have the keys that core's `model_detection` finds in the real checkpoints, with small numbers.
"""

from __future__ import annotations

import json

import torch

from .family import TOKENS, Family
from .models import UNET


def flux(**changes) -> dict:
    return {
        "in_channels": 16, "out_channels": 16, "vec_in_dim": 32, "context_in_dim": 32, "hidden_size": 64, "mlp_ratio": 2.0,
        "num_heads": 2, "depth": 1, "depth_single_blocks": 1, "axes_dim": [8, 12, 12], "theta": 10000, "patch_size": 2,
        "qkv_bias": True, "guidance_embed": True, **changes,
    }  # fmt: skip


def _chroma(**changes) -> dict:
    settings = {"in_dim": 64, "out_dim": 64, "hidden_dim": 32, "n_layers": 1, **changes}
    config = flux(in_channels=64, out_channels=64, **settings)
    return {name: value for name, value in config.items() if name not in ("vec_in_dim", "guidance_embed")}


def _hunyuan(**changes) -> dict:
    return {
        "image_model": "hunyuan_video", "in_channels": 16, "out_channels": 16, "vec_in_dim": 768, "context_in_dim": 32,
        "hidden_size": 128, "mlp_ratio": 4.0, "num_heads": 1, "depth": 1, "depth_single_blocks": 1, "theta": 256,
        "axes_dim": [16, 56, 56], "patch_size": [1, 2, 2], "qkv_bias": True, "guidance_embed": True, **changes,
    }  # fmt: skip


def _wan(**changes) -> dict:
    return {
        "image_model": "wan2.1", "model_type": "t2v", "dim": 128, "ffn_dim": 128, "num_heads": 1, "num_layers": 1,
        "in_dim": 16, "out_dim": 16, "patch_size": (1, 2, 2), "freq_dim": 256, "window_size": (-1, -1), "qk_norm": True,
        "cross_attn_norm": True, "eps": 1e-6, **changes,
    }  # fmt: skip


def lumina(**changes) -> dict:
    return {
        "image_model": "lumina2", "patch_size": 2, "in_channels": 16, "dim": 64, "cap_feat_dim": 32, "n_layers": 1,
        "n_refiner_layers": 1, "multiple_of": 32, "qk_norm": True, "n_heads": 2, "n_kv_heads": 1, "axes_dims": [8, 12, 12],
        "axes_lens": [300, 64, 64], "ffn_dim_multiplier": 2.0, **changes,
    }  # fmt: skip


def cosmos(**changes) -> dict:
    return {
        "max_img_h": 64, "max_img_w": 64, "max_frames": 16, "in_channels": 16, "out_channels": 16, "patch_spatial": 2,
        "patch_temporal": 1, "concat_padding_mask": True, "model_channels": 64, "num_blocks": 1, "num_heads": 2,
        "mlp_ratio": 2.0, "crossattn_emb_channels": 32, "pos_emb_cls": "rope3d", "pos_emb_interpolation": "crop",
        "use_adaln_lora": True, "adaln_lora_dim": 16, "rope_h_extrapolation_ratio": 1.0, "rope_w_extrapolation_ratio": 1.0,
        "rope_t_extrapolation_ratio": 2.0, **changes,
    }  # fmt: skip


FAMILIES = {
    "SD 1.5": Family("SD15", UNET, 64),
    "SD 2 (v)": Family("SD20", {**UNET, "model_channels": 64, "use_linear_in_transformer": True}, 64),
    "SDXL": Family(
        "SDXL",
        {**UNET, "model_channels": 64, "use_linear_in_transformer": True, "num_classes": "sequential", "adm_in_channels": 2816},
        64,
        {"pooled_output": (1, 1280)},
    ),
    "Stable Cascade": Family(
        "Stable_Cascade_C",
        {"stable_cascade_stage": "c", "c_cond": 32, "c_hidden": [32, 32], "nhead": [2, 2], "blocks": [[1, 1], [1, 1]],
         "c_clip_text": 32, "c_clip_text_pooled": 32},
        32,
        {"pooled_output": (1, 1, 32)},
    ),
    "Stable Cascade, second stage": Family(
        "Stable_Cascade_B",
        {"stable_cascade_stage": "b", "c_cond": 32, "c_hidden": [32, 32], "nhead": [2, 2], "blocks": [[1, 1], [1, 1]],
         "block_repeat": [[1, 1], [1, 1]], "level_config": ["CT", "CTA"], "c_clip": 32, "dropout": [0.0, 0.0]},
        32,
        {"pooled_output": (1, 1, 32), "stable_cascade_prior": (1, 16, 4, 4)},
    ),
    "SD3": Family(
        "SD3",
        {"in_channels": 16, "out_channels": 16, "patch_size": 2, "depth": 2, "input_size": None, "adm_in_channels": 64,
         "context_embedder_config": {"target": "torch.nn.Linear", "params": {"in_features": 32, "out_features": 128}},
         "num_patches": 48 * 48, "pos_embed_max_size": 48, "qk_norm": "rms", "pos_embed_scaling_factor": None,
         "x_block_self_attn_layers": []},
        32,
        {"pooled_output": (1, 64)},
    ),
    "FLUX": Family("Flux", flux(image_model="flux"), 32, {"pooled_output": (1, 32), "guidance": 3.5}),
    "FLUX inpaint": Family(
        "FluxInpaint", flux(image_model="flux", in_channels=96), 32, {"pooled_output": (1, 32), "guidance": 30.0}
    ),
    "FLUX schnell": Family(
        "FluxSchnell", flux(image_model="flux", guidance_embed=False), 32, {"pooled_output": (1, 32)}
    ),
    "FLUX.2": Family(
        "Flux2",
        flux(image_model="flux2", in_channels=128, out_channels=128, vec_in_dim=None, axes_dim=[8, 8, 8, 8], patch_size=1,
              theta=2000, qkv_bias=False, ops_bias=False, global_modulation=True, mlp_silu_act=True,
              default_ref_method="index", ref_index_scale=10.0),
        32,
        {"pooled_output": (1, 32), "guidance": 4.0},
        newer={"txt_ids_dims": [3]},
    ),
    "Chroma": Family("Chroma", _chroma(image_model="chroma"), 32, {"pooled_output": (1, 32)}),
    "Chroma Radiance": Family(
        "ChromaRadiance",
        _chroma(image_model="chroma_radiance", nerf_hidden_size=16, nerf_mlp_ratio=2, nerf_depth=1, nerf_max_freqs=4,
                nerf_tile_size=32, nerf_final_head_type="conv", nerf_embedder_dtype=torch.float32)
        | {"in_channels": 3, "out_channels": 3, "patch_size": 16},
        32,
        {"pooled_output": (1, 32)},
    ),
    "Qwen-Image": Family(
        "QwenImage",
        {"image_model": "qwen_image", "in_channels": 64, "num_layers": 1, "attention_head_dim": 32,
         "num_attention_heads": 2, "joint_attention_dim": 32, "axes_dims_rope": (8, 12, 12)},
        32,
    ),
    "Lumina 2": Family("Lumina2", lumina(), 32, {"attention_mask": torch.ones(1, TOKENS, dtype=torch.long)}),
    "Z-Image": Family(
        "ZImage",
        lumina(dim=256, n_heads=8, n_kv_heads=8, rope_theta=256.0, z_image_modulation=True, time_scale=1000.0, pad_tokens_multiple=32),
        32,
    ),
    "PixArt": Family(
        "PixArtSigma",
        {"image_model": "pixart_sigma", "num_heads": 2, "patch_size": 2, "hidden_size": 64, "in_channels": 4, "depth": 1,
         "input_size": 32, "pe_interpolation": 1, "micro_condition": False, "caption_channels": 32,
         "model_max_length": 16},
        32,
    ),
    "AuraFlow": Family(
        "AuraFlow",
        {"max_seq": 32 * 32, "cond_seq_dim": 32, "n_double_layers": 1, "n_layers": 2, "dim": 64, "n_heads": 2,
         "global_conddim": 64},
        32,
    ),
    "HunyuanDiT": Family(
        "HunyuanDiT",
        {"image_model": "hydit", "depth": 2, "hidden_size": 64, "num_heads": 2, "text_states_dim": 32,
         "text_states_dim_t5": 32, "text_len": TOKENS, "text_len_t5": TOKENS},
        32,
        {"attention_mask": torch.ones(1, TOKENS), "conditioning_mt5xl": (1, TOKENS, 32),
         "attention_mask_mt5xl": torch.tensor([[1.0, 1, 1, 0, 0, 0]])},
    ),
    "HiDream": Family(
        "HiDream",
        {"image_model": "hidream", "attention_head_dim": 32, "axes_dims_rope": [16, 8, 8], "caption_channels": [32, 32],
         "max_resolution": [128, 128], "in_channels": 16, "llama_layers": [0, 1], "num_attention_heads": 2,
         "num_routed_experts": 4, "num_activated_experts": 2, "num_layers": 1, "num_single_layers": 1, "out_channels": 16,
         "patch_size": 2, "text_emb_dim": 32},
        32,
        {"pooled_output": (1, 32), "conditioning_llama3": (1, 2, TOKENS, 32)},
    ),
    "OmniGen2": Family(
        "Omnigen2",
        {"image_model": "omnigen2", "axes_dim_rope": [8, 12, 12], "axes_lens": [64, 64, 64], "ffn_dim_multiplier": None,
         "hidden_size": 64, "in_channels": 16, "multiple_of": 32, "norm_eps": 1e-5, "num_attention_heads": 2,
         "num_kv_heads": 1, "num_layers": 1, "num_refiner_layers": 1, "out_channels": None, "patch_size": 2,
         "text_feat_dim": 32, "timestep_scale": 1000.0},
        32,
        {"attention_mask": torch.ones(1, TOKENS, dtype=torch.long)},
    ),
    "HunyuanImage": Family(
        "HunyuanImage21",
        _hunyuan(in_channels=64, out_channels=64, vec_in_dim=None, axes_dim=[64, 64], patch_size=[1, 1], byt5=True,
                 guidance_embed=False),
        32,
        {"conditioning_byt5small": (1, 3, 1472)},
    ),
    "HunyuanVideo": Family(
        "HunyuanVideo",
        _hunyuan(),
        32,
        {"pooled_output": (1, 768), "guidance": 6.0},
    ),
    "HunyuanVideo image to video": Family(
        "HunyuanVideoI2V", _hunyuan(in_channels=33), 32, {"pooled_output": (1, 768), "guidance": 6.0}
    ),
    "HunyuanVideo 1.5": Family(
        "HunyuanVideo15",
        _hunyuan(in_channels=65, out_channels=32, vec_in_dim=None, patch_size=[1, 1, 1], byt5=True, guidance_embed=False,
                 use_cond_type_embedding=True, vision_in_dim=1152),
        32,
        {"conditioning_byt5small": (1, 3, 1472)},
    ),
    "Wan 2.1": Family("WAN21_T2V", _wan(), 4096),
    "Wan 2.1 image to video": Family("WAN21_I2V", _wan(model_type="i2v", in_dim=36), 4096),
    "Wan 2.1 VACE": Family("WAN21_Vace", _wan(model_type="vace", vace_in_dim=96, vace_layers=1), 4096),
    "Wan 2.2 5B": Family("WAN22_T2V", _wan(in_dim=48, out_dim=48), 4096),
    "LTX-Video": Family(
        "LTXV",
        # 32 heads and 4096 wide, as the detection of older versions takes for granted.
        {"image_model": "ltxv", "num_layers": 1, "num_attention_heads": 32, "attention_head_dim": 2,
         "cross_attention_dim": 64, "caption_channels": 4096},
        4096,
        {"attention_mask": torch.ones(1, TOKENS, dtype=torch.long), "frame_rate": 25},
        metadata={"config": json.dumps({"transformer": {"num_attention_heads": 32, "attention_head_dim": 2,
                                                        "caption_channels": 4096}})},
    ),
    "Mochi": Family(
        "GenmoMochi",
        {"image_model": "mochi_preview", "depth": 1, "patch_size": 2, "num_heads": 2, "hidden_size_x": 64,
         "hidden_size_y": 32, "mlp_ratio_x": 192.0, "mlp_ratio_y": 192.0, "learn_sigma": False, "in_channels": 12,
         "qk_norm": True, "qkv_bias": False, "out_bias": True, "attn_drop": 0.0, "patch_embed_bias": True,
         "posenc_preserve_area": True, "timestep_mlp_bias": True, "attend_to_padding": False, "timestep_scale": 1000.0,
         "use_t5": True, "t5_feat_dim": 32, "t5_token_length": 16, "rope_theta": 10000.0},
        32,
        {"attention_mask": torch.tensor([[1, 1, 1, 1, 0, 0]])},
    ),
    "Cosmos": Family(
        "CosmosT2V",
        cosmos(image_model="cosmos", block_config="FA-CA-MLP", block_x_format="THWBD", affline_emb_norm=True,
                pos_emb_learnable=False, extra_per_block_abs_pos_emb=True, extra_per_block_abs_pos_emb_type="learnable"),
        32,
        {"attention_mask": torch.ones(1, TOKENS)},
    ),
    "Cosmos Predict2": Family(
        "CosmosT2IPredict2",
        cosmos(image_model="cosmos_predict2", pos_emb_learnable=True, min_fps=1, max_fps=30,
                extra_per_block_abs_pos_emb=False, rope_enable_fps_modulation=False),
        32,
    ),
    "Stable Audio": Family(
        "StableAudio",
        {"audio_model": "dit1.0", "embed_dim": 64, "depth": 1, "num_heads": 2, "global_cond_dim": 1536,
         "project_cond_tokens": True},
        768,
        {"seconds_start": 0, "seconds_total": 2},
        weights={
            f"conditioner.conditioners.seconds_{at}.embedder.embedding.{name}": shape
            for at in ("start", "total")
            for name, shape in (("0.weights", (128,)), ("1.weight", (768, 257)), ("1.bias", (768,)))
        },
    ),
    "ACE-Step": Family(
        "ACEStep",
        {"audio_model": "ace", "attention_head_dim": 32, "in_channels": 8, "inner_dim": 64, "max_height": 16,
         "max_position": 256, "max_width": 256, "mlp_ratio": 2.5, "num_attention_heads": 2, "num_layers": 1,
         "out_channels": 8, "patch_size": [16, 1], "rope_theta": 1000000.0, "speaker_embedding_dim": 512,
         "text_embedding_dim": 32, "ssl_encoder_depths": [1, 1], "ssl_latent_dims": [16, 16],
         "ssl_names": ["mert", "m-hubert"], "lyric_encoder_vocab_size": 32, "lyric_hidden_size": 64},
        32,
        {"conditioning_lyrics": torch.tensor([[3, 1, 4, 1, 5]]), "lyrics_strength": 1.0},
        # 1024 wide, 100 million parameters.
        small={"lyric_encoder": ("comfy.ldm.ace.lyric_encoder.ConformerEncoder",
                                 {"input_size": 64, "output_size": 64, "attention_heads": 2, "linear_units": 64,
                                  "num_blocks": 1, "static_chunk_size": 0})},
    ),
    "Hunyuan3D 2": Family(
        "Hunyuan3Dv2",
        {"image_model": "hunyuan3d2", "in_channels": 64, "context_in_dim": 32, "hidden_size": 64, "mlp_ratio": 4.0,
         "num_heads": 16, "depth": 1, "depth_single_blocks": 1, "qkv_bias": True, "guidance_embed": False},
        32,
    ),
    "Hunyuan3D 2.1": Family(
        "Hunyuan3Dv2_1",
        {"image_model": "hunyuan3d2_1", "in_channels": 64, "context_dim": 1024, "hidden_size": 64, "mlp_ratio": 4.0,
         "num_heads": 16, "depth": 2, "qkv_bias": False, "guidance_cond_proj_dim": None},
        1024,
    ),
}  # fmt: skip
