"""Models that people run with Ollama, and the machine each asks for: a table to choose from.

Sizes are those of the default download (four-bit weights, mostly), in 10^9 bytes. `memory_gb` is
what a machine (or its GPU) should have for it, with a window of some thousand tokens and room for
the rest of the desk. Sources: the model library of Ollama and its README, as of 2026.

What is installed is judged by its own figures instead (fit.py).
"""

from __future__ import annotations

from rag.types import KnownModel

_ANSWERS = "written answers from documents"
_CODE = "code"

KNOWN_MODELS = (
    KnownModel("llama3.1:8b", 4.7, 8, "8B", 131_072, f"{_ANSWERS}; the default"),
    KnownModel("llama3.1:70b", 40, 48, "70B", 131_072, "the best answers, on a large GPU"),
    KnownModel("mistral:7b", 4.1, 8, "7B", 32_768, "quick general answers"),
    KnownModel("codellama:13b", 7.4, 16, "13B", 16_384, _CODE),
    KnownModel("phi3:mini", 2.3, 4, "3.8B", 131_072, "small machines; reasoning in English"),
    KnownModel("deepseek-coder:6.7b", 3.8, 8, "6.7B", 16_384, _CODE),
    KnownModel("mixtral:8x7b", 26, 32, "47B", 32_768, "several languages, on a large machine"),
    KnownModel("llama3.2:1b", 1.3, 3, "1.2B", 131_072, "very small machines; short answers"),
    KnownModel("llama3.2:3b", 2.0, 4, "3.2B", 131_072, f"{_ANSWERS} on a small machine"),
    KnownModel("qwen3:0.6b", 0.5, 2, "0.6B", 40_960, "very small machines; many languages"),
    KnownModel("qwen3:1.7b", 1.4, 3, "1.7B", 40_960, "small machines; many languages"),
    KnownModel("qwen3:4b", 2.5, 6, "4B", 40_960, "many languages; thinks before it answers"),
    KnownModel("qwen3:8b", 5.2, 8, "8.2B", 40_960, "many languages; thinks before it answers"),
    KnownModel("gemma3:1b", 0.8, 2, "1B", 32_768, "very small machines; short answers"),
    KnownModel("gemma3:4b", 3.3, 6, "4.3B", 131_072, "many languages, long documents"),
    KnownModel("gemma3:12b", 8.1, 16, "12B", 131_072, "many languages, careful answers"),
    KnownModel("nomic-embed-text", 0.3, 1, "137M", 2_048, "search; the default", "embedding"),
    KnownModel("all-minilm", 0.05, 1, "23M", 256, "search in English, very quick", "embedding"),
    KnownModel("mxbai-embed-large", 0.7, 2, "334M", 512, "search in English", "embedding"),
    KnownModel("bge-m3", 1.2, 2, "567M", 8_192, "search in many languages", "embedding"),
    KnownModel(
        "snowflake-arctic-embed2", 1.2, 2, "568M", 8_192, "search in many languages", "embedding"
    ),
    KnownModel(
        "qwen3-embedding:0.6b", 0.6, 2, "595M", 32_768, "search in many languages", "embedding"
    ),
)
