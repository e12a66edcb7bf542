"""What differs between LiteLLM's providers and matters here, as tables. Imports no LiteLLM.

Keys and addresses are looked up by whoever reads the environment; here stand the variables' names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "anthropic": ("ANTHROPIC_API_KEY",),
    "cerebras": ("CEREBRAS_API_KEY",),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "cohere_chat": ("COHERE_API_KEY", "CO_API_KEY"),
    "deepinfra": ("DEEPINFRA_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "fireworks_ai": ("FIREWORKS_AI_API_KEY", "FIREWORKS_API_KEY", "FIREWORKSAI_API_KEY"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "nvidia_nim": ("NVIDIA_NIM_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY", "OR_API_KEY"),
    "perplexity": ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    "sambanova": ("SAMBANOVA_API_KEY",),
    "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY", "TOGETHER_AI_API_KEY"),
    "xai": ("XAI_API_KEY",),
}
"""Providers that answer nobody without a key, and the variables that may hold it, the usual one
first. Others have several ways to say who one is, or none."""

OPENAI_CLIENT: Final = frozenset(
    ("openai", "perplexity", "cerebras", "deepinfra", "nvidia_nim", "sambanova")
)
"""Providers that LiteLLM asks through OpenAI's own client."""

HTTP_CLIENT: Final = frozenset(
    (
        "anthropic",
        "azure_ai",
        "databricks",
        "deepseek",
        "fireworks_ai",
        "gemini",
        "groq",
        "hosted_vllm",
        "huggingface",
        "mistral",
        "ollama",
        "ollama_chat",
        "openrouter",
        "together_ai",
        "xai",
    )
)
"""Providers that LiteLLM asks through an HTTP client of its own, and that take one of ours."""

_BASES: Final[Mapping[str, str]] = {
    "anthropic": "https://api.anthropic.com",
    "openai": "https://api.openai.com/v1",
}


def key_variables(provider: str) -> tuple[str, ...]:
    """Where a provider's key may be, the usual variable first; a guess where it is not known."""
    return KEYS.get(provider) or (f"{provider.upper()}_API_KEY",)


def base_variables(provider: str) -> tuple[str, ...]:
    """Where the address of a provider may be, if not its own."""
    return f"{provider.upper()}_BASE_URL", f"{provider.upper()}_API_BASE"


def is_own_base(provider: str, base: str) -> bool:
    """Whether an address is the provider's own one, as far as that is known."""
    return base.rstrip("/") == _BASES.get(provider)


def keeps_its_key(provider: str) -> bool:
    """Whether its requests, with the key in them, are held back from where a redirect leads."""
    return provider in OPENAI_CLIENT or provider in HTTP_CLIENT
