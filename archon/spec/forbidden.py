"""Keeps secrets, and ways around the settings, out of job and pipeline files.

Such files are shared, stored and shown. A key belongs in the environment; ``key_env`` names the
variable. Nothing here repeats the value it found.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from archon.core.errors import Problem
from archon.spec.yaml_source import Document, key_path

_KEY_ENV = "Put the key into an environment variable and write key_env: ITS_NAME."
_NO_HEADERS = "A model takes url, model and key_env, and nothing that is sent as it stands."
_FORBIDDEN_KEYS: dict[str, str] = {
    **dict.fromkeys(
        ("api_key", "apikey", "api_token", "access_token", "auth_token", "bearer_token"),
        _KEY_ENV,
    ),
    **dict.fromkeys(("secret", "password", "authorization", "credentials"), _KEY_ENV),
    **dict.fromkeys(("api_base", "base_url", "endpoint"), "Write url: for the endpoint."),
    **dict.fromkeys(("headers", "extra_headers", "default_headers", "extra_body"), _NO_HEADERS),
    **dict.fromkeys(
        ("custom_llm_provider", "mock_response", "callbacks", "fallbacks", "proxy"), _NO_HEADERS
    ),
}
_SECRET = re.compile(
    r"\b(sk|pk|rk|gsk|xai|r8|hf|glpat|ghp|gho|ghu|ghs|ghr|github_pat)[-_][A-Za-z0-9_-]{16,}"
    r"|\bAIza[\w-]{30,}|\bAKIA[0-9A-Z]{16}\b|\bxox[abprs]-[\w-]{10,}|\beyJ[\w-]{8,}\.eyJ[\w-]+"
    r"|\bBearer\s+\S{12,}|-----BEGIN [A-Z ]*PRIVATE KEY"
)
_OPAQUE = re.compile(r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{32,}")
_REFERENCE = re.compile(r"\bos\.environ\b|\$\{?[A-Z][A-Z0-9_]{2,}\}?")


def looks_secret(text: str) -> bool:
    """Whether a text looks like an API key, a token or a URL with a password."""
    return bool(_SECRET.search(text) or _OPAQUE.search(text) or _has_password(text))


def forbidden_content(document: Document) -> list[Problem]:
    """Every forbidden key, secret-looking value and reference to the environment in a file.

    An alias may have any name. Outside ``models`` long opaque words are allowed: digests stand
    in pipeline files.
    """
    found = []
    aliases = document.data.get("models")
    aliases = {key_path("models", alias) for alias in aliases} if isinstance(aliases, dict) else ()
    for path, key, value in _entries(document.data, ""):
        within_models = path.startswith("models")
        name = key.lower().replace("-", "_")
        if name in _FORBIDDEN_KEYS and path not in aliases:
            message = f"{key!r} does not belong in this file."
            found.append(document.problem(path, message, _FORBIDDEN_KEYS[name]))
        elif isinstance(value, str):
            if _SECRET.search(value) or (within_models and looks_secret(value)):
                found.append(document.problem(path, "this looks like a secret.", _KEY_ENV))
            elif _REFERENCE.search(value) and (within_models or "os.environ" in value):
                message = "references to the environment are not read here."
                found.append(document.problem(path, message, _KEY_ENV))
    return found


def wrong_url(url: str) -> str:
    """Why a model's URL is refused ("" if it is not): only plain http and https addresses.

    Link-local addresses (cloud metadata services live there) and disguised numeric hosts are
    refused; local and private ones are where people run their engines, and are allowed.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return "this is not a URL."
    if parts.scheme not in ("http", "https") or not host or re.search(r"\s", url):
        return "expected a URL that starts with http:// or https://."
    if "@" in parts.netloc:
        return "a URL holds no user and password."
    if parts.query or parts.fragment:
        return "a URL of an endpoint has no '?' or '#'."
    return _wrong_host(host)


def _wrong_host(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        last = host.rstrip(".").rsplit(".", 1)[-1]
        numeric = re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last)
        return "write the host as a name or as four decimal numbers." if numeric else ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_link_local or address.is_multicast:
        return "link-local addresses are not allowed."
    return ""


def _has_password(text: str) -> bool:
    return bool(re.search(r"://[^/\s:@]+:[^/\s@]+@", text))


def _entries(value: object, path: str) -> Iterator[tuple[str, str, object]]:
    """(path, key, value) of every entry below ``value``; an item has its list's key."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key_path(path, key), key, item
            yield from _entries(item, key_path(path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield f"{path}[{i}]", "", item
            yield from _entries(item, f"{path}[{i}]")
