"""The families of diffusion models that came after ComfyUI 0.3.75, up to 0.33.0, with few and random weights.

The keys are those that core's `model_detection` finds in the real checkpoints, or of the network's own constructor.
"""

from __future__ import annotations

import json

import torch

from .families import cosmos, flux, lumina
from .family import TOKENS, Family

LTX_AV = {
    "num_layers": 1, "num_attention_heads": 4, "attention_head_dim": 8, "cross_attention_dim": 32, "caption_channels": 32,
    "audio_num_attention_heads": 4, "audio_attention_head_dim": 8, "audio_cross_attention_dim": 32,
    "connector_num_attention_heads": 2, "connector_attention_head_dim": 16, "connector_num_layers": 1,
}  # fmt: skip
# Tokens of Qwen's vocabulary; the last is the one whose place HiDream-O1 gives to the time.
IDS = [151644, 872, 198, 64, 151673]
# Of networks on pixels.
PIXELS = {"num_groups": 2, "hidden_size": 32, "pixel_attn_hidden_size": 32, "pixel_num_groups": 2, "patch_depth": 1,
          "pixel_depth": 1, "txt_embed_dim": 32, "txt_max_length": 8}  # fmt: skip

NEWER = {
    "LTX-2": Family(
        "LTXAV",
        {"image_model": "ltxav", **LTX_AV},
        64,  # as its text encoder gives it: of the picture and of the sound
        {"attention_mask": torch.ones(1, TOKENS, dtype=torch.long), "frame_rate": 25},
        metadata={"config": json.dumps({"transformer": LTX_AV})},
    ),
    "MiniMax H3": Family(
        "MiniMaxH3",
        {"image_model": "minimax_h3", "hidden_size": 64, "num_layers": 1, "token_refiner_num_layers": 1,
         "num_attention_heads": 2, "attention_head_dim": 32, "ffn_hidden_size": 64, "text_dim": 48,
         "timestep_input_dim": 32, "time_embed_hidden_size": 32, "time_embed_dim": 32, "rope_inv_freq_len": 4},
        48,
    ),
    "TripoSplat": Family(
        "TripoSplat",
        {"image_model": "triposplat", "q_token_length": 9, "model_channels": 128, "cond_channels": 32, "num_blocks": 1,
         "num_refiner_blocks": 1},
        32,
    ),
    "ACE-Step 1.5": Family(
        "ACEStep15",
        {"audio_model": "ace1.5", "hidden_size": 64, "text_hidden_dim": 32, "num_dit_layers": 1, "num_lyric_layers": 1,
         "num_timbre_layers": 1, "num_tokenizer_layers": 1, "num_heads": 2, "num_kv_heads": 1, "head_dim": 32,
         "intermediate_size": 64, "encoder_hidden_size": 64, "encoder_intermediate_size": 64, "encoder_num_heads": 2,
         "fsq_dim": 64},
        32,
        {"conditioning_lyrics": (1, 5, 32)},
    ),
    "CogVideoX": Family(
        "CogVideoX_T2V",
        {"image_model": "cogvideox", "num_attention_heads": 1, "attention_head_dim": 64, "time_embed_dim": 32,
         "num_layers": 1, "text_embed_dim": 32, "in_channels": 16, "patch_size": 2,
         "use_rotary_positional_embeddings": True},
        32,
    ),
    "Kandinsky 5": Family(
        "Kandinsky5",
        {"image_model": "kandinsky5", "model_dim": 64, "ff_dim": 64, "time_dim": 32, "in_text_dim": 32, "in_text_dim2": 32,
         "visual_embed_dim": 132, "num_text_blocks": 1, "num_visual_blocks": 1, "axes_dims": (8, 12, 12)},
        32,
        {"pooled_output": (1, 32)},
    ),
    "Kandinsky 5 image": Family(
        "Kandinsky5Image",
        {"image_model": "kandinsky5", "model_dim": 64, "ff_dim": 64, "time_dim": 32, "in_text_dim": 32, "in_text_dim2": 32,
         "visual_embed_dim": 64, "num_text_blocks": 1, "num_visual_blocks": 1, "axes_dims": (8, 12, 12)},
        32,
        {"pooled_output": (1, 32)},
    ),
    "Ernie": Family(
        "ErnieImage",
        {"image_model": "ernie", "hidden_size": 64, "num_attention_heads": 2, "num_layers": 1, "ffn_hidden_size": 64,
         "text_in_dim": 32, "rope_axes_dim": (8, 12, 12)},
        32,
    ),
    "HiDream-O1": Family(
        "HiDreamO1",
        {"image_model": "hidream_o1",
         "text_config_overrides": {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
                                   "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
                                   "rope_dims": [4, 2, 2]},
         "vision_config_overrides": {"hidden_size": 32, "num_heads": 2, "intermediate_size": 32, "depth": 1,
                                     "num_position_embeddings": 16, "deepstack_visual_indexes": ()}},
        32,
        {"text_input_ids": torch.tensor([IDS])},
    ),
    "LongCat": Family(
        "LongCatImage",
        flux(image_model="flux", vec_in_dim=None, guidance_embed=False, txt_ids_dims=[1, 2]),
        32,
    ),
    "Anima": Family(
        "Anima",
        cosmos(image_model="anima", pos_emb_learnable=True, min_fps=1, max_fps=30, extra_per_block_abs_pos_emb=False,
                rope_enable_fps_modulation=False),
        32,
        {"t5xxl_ids": torch.tensor([3, 1, 4, 1, 5]), "t5xxl_weights": torch.ones(5)},
        # 1024 wide, 100 million parameters.
        small={"llm_adapter": ("comfy.ldm.anima.model.LLMAdapter",
                               {"source_dim": 32, "target_dim": 32, "model_dim": 32, "num_layers": 1, "num_heads": 2})},
    ),
    "Krea 2": Family(
        "Krea2",
        {"image_model": "krea2", "features": 128, "heads": 1, "kvheads": 1, "layers": 1, "txtdim": 80, "txtlayers": 2},
        160,  # of all layers
    ),
    "Lens": Family(
        "Lens",
        {"image_model": "lens", "in_channels": 128, "out_channels": 32, "num_layers": 1, "attention_head_dim": 32,
         "num_attention_heads": 2, "enc_hidden_dim": 16, "axes_dims_rope": (8, 12, 12), "selected_layer_index": (0, 1)},
        32,
        {"attention_mask": torch.ones(1, TOKENS, dtype=torch.bool)},
    ),
    "Boogu": Family(
        "Boogu",
        {"image_model": "boogu", "hidden_size": 64, "num_layers": 1, "num_double_stream_layers": 1, "num_refiner_layers": 1,
         "num_attention_heads": 2, "num_kv_heads": 1, "multiple_of": 32, "axes_dim_rope": (8, 12, 12),
         "axes_lens": (64, 64, 64), "instruction_feat_dim": 32},
        32,
        {"attention_mask": torch.ones(1, TOKENS, dtype=torch.long)},
    ),
    "Ideogram 4": Family(
        "Ideogram4",
        {"image_model": "ideogram4", "num_layers": 1},
        32,
        fixed={"num_attention_heads": 2, "attention_head_dim": 32, "intermediate_size": 64, "adaln_dim": 32,
               "llm_features_dim": 32, "mrope_section": (6, 5, 5)},
    ),
    "Mage-Flow": Family(
        "MageFlow",
        {"image_model": "mage_flow", "num_layers": 1, "attention_head_dim": 32, "num_attention_heads": 2,
         "joint_attention_dim": 32, "axes_dims_rope": (8, 12, 12)},
        32,
    ),
    "JoyImage": Family(
        "JoyImage",
        {"image_model": "joyimage", "hidden_size": 128, "num_attention_heads": 1, "text_dim": 32, "mlp_width_ratio": 2.0,
         "num_layers": 1},
        32,
    ),
    "Z-Image, pixels": Family(
        "ZImagePixelSpace",
        lumina(image_model="zimage_pixel", patch_size=16, in_channels=3, dim=256, n_heads=8, n_kv_heads=8, rope_theta=256.0,
               z_image_modulation=True, time_scale=1000.0, pad_tokens_multiple=32, decoder_hidden_size=32,
               decoder_num_res_blocks=1, decoder_max_freqs=4),
        32,
    ),
    "PixelDiT": Family("PixelDiTT2I", {"image_model": "pixeldit_t2i", **PIXELS}, 32),
    "PiD": Family(
        "PiD",
        {"image_model": "pid", **PIXELS, "lq_hidden_dim": 16, "lq_num_res_blocks": 1},
        32,
        {"lq_latent": (1, 16, 2, 2), "degrade_sigma": torch.tensor([0.0])},
    ),
    "Stable Audio 3": Family(
        "StableAudio3",
        {"audio_model": "dit1.0", "io_channels": 256, "embed_dim": 64, "depth": 1, "num_heads": 2, "global_cond_dim": 768,
         "project_cond_tokens": True, "input_concat_dim": 0, "local_add_cond_dim": 257, "timestep_features_type": "expo",
         "global_cond_shared_embed": True, "global_cond_type": "adaLN"},
        768,
        {"seconds_total": 2},
        weights={"conditioner.conditioners.seconds_total.embedder.embedding.1.weight": (768, 256),
                 "conditioner.conditioners.seconds_total.embedder.embedding.1.bias": (768,)},
    ),
}  # fmt: skip
