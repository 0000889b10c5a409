"""Adapters as files: PEFT (safetensors) and GGUF."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter
from safetensors.numpy import save_file

from septet_tuning.training.llama import Shape, Tree

_PEFT_NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def write_peft(folder: Path, shape: Shape, adapter: Tree, alpha: float, base: str) -> None:
    """Write ``adapter_model.safetensors`` and ``adapter_config.json``."""
    tensors: dict[str, np.ndarray] = {}
    for name, part in adapter.items():
        for layer in range(shape.layers):
            prefix = f"base_model.model.model.layers.{layer}.{_PEFT_NAMES[name]}"
            tensors[f"{prefix}.lora_A.weight"] = np.ascontiguousarray(part["a"][layer], np.float32)
            b = unpermute(shape, name, np.asarray(part["b"][layer], np.float32))
            tensors[f"{prefix}.lora_B.weight"] = np.ascontiguousarray(b)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": _rank(adapter),
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "target_modules": sorted(_PEFT_NAMES[name].split(".")[1] for name in adapter),
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def write_gguf(file: Path, shape: Shape, adapter: Tree, alpha: float, name: str) -> None:
    """Write the adapter for llama.cpp."""
    writer = GGUFWriter(file, "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("general.name", name)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for target, part in adapter.items():
        for layer in range(shape.layers):
            for side in ("a", "b"):
                values = np.ascontiguousarray(part[side][layer], np.float32)
                writer.add_tensor(
                    f"blk.{layer}.{target}.weight.lora_{side}", values, raw_dtype=GGMLQuantizationType.F32
                )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def unpermute(shape: Shape, name: str, rows: np.ndarray) -> np.ndarray:
    """Rows of a projection in the order of Hugging Face's Llama, which rotates halves and not adjacent pairs."""
    if name not in ("attn_q", "attn_k"):
        return rows
    heads = shape.heads if name == "attn_q" else shape.kv_heads
    pairs = rows.reshape(heads, shape.head_width // 2, 2, *rows.shape[1:])
    return pairs.swapaxes(1, 2).reshape(rows.shape)


def _rank(adapter: Tree) -> int:
    return int(next(iter(adapter.values()))["a"].shape[1])
