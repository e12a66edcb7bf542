"""What an endpoint's error status means, as one of Archon's error types.

The status alone does not say it: an empty account and a rate limit are both 429, a content filter
and a prompt that is too long both 400. The code in the body decides, and where a provider sends
none, its words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from archon.core.errors import (
    AuthFailed,
    BadRequest,
    CallError,
    ContextOverflow,
    ModelGone,
    QuotaExhausted,
    RateLimited,
    Refused,
    TimedOut,
    Unreachable,
)
from archon.models.retry_after import retry_after_s
from archon.models.secret import Secret

MAX_QUOTED_CHARS = 200

_CONTEXT_CODES = frozenset({"context_length_exceeded", "context_window_exceeded"})
_FILTER_CODES = frozenset(
    {"content_filter", "content_policy_violation", "responsibleaipolicyviolation"}
)
_QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "insufficient_balance",
        "billing_error",
        "billing_hard_limit_reached",
        "payment_required",
    }
)
_CONTEXT_WORDS = re.compile(
    r"context (length|window|size)|prompt is too long|input is too long|maximum model length"
    r"|max_model_len|too many (input )?tokens|reduce the length",
    re.IGNORECASE,
)
_FILTER_WORDS = re.compile(
    r"content (management )?policy|content filter|safety (system|filter)", re.IGNORECASE
)
_QUOTA_WORDS = re.compile(
    r"credit balance is too low|insufficient (balance|credits?|funds)", re.IGNORECASE
)
_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")
_KEY_LIKE = re.compile(r"\b(sk|pk|key|gsk|xai|Bearer)[-_ ][\w*.-]{4,}")


class NotConnected(Unreachable):
    """No connection came about: the request was never sent and cannot have been charged."""

    is_maybe_billed = False


def http_failure(
    status: int,
    headers: Iterable[tuple[str, str]],
    body: bytes | str,
    *,
    where: str,
    secret: Secret | None = None,
) -> CallError:
    """The error that an HTTP reply other than 200 stands for.

    Args:
        status: HTTP status; with a 200 that holds an error, the code that it names.
        headers: Names and values; a name may come several times.
        body: The reply's body, of which a short, scrubbed piece is quoted.
        where: The model and its endpoint, for the message.
        secret: The key that was sent, which must not come back in a message.
    """
    codes, message = _said(body)
    quoted = f"{where} answered {status}: {scrubbed(message, secret)}".rstrip(": ")
    if status == 429 and not codes & _QUOTA_CODES:
        return RateLimited(quoted, retry_after_s(headers, datetime.now(UTC)))
    if 300 <= status < 400:
        return BadRequest(f"{where} redirects ({status}), which is not followed. Name its new url.")
    if 400 <= status < 500 and status != 408:
        return _refusal(status, codes, message, quoted, where)
    if status in (408, 504):
        return TimedOut(quoted)
    # The times of rate limits, which some vendors send along with anything, say nothing here.
    asked = [(name, text) for name, text in headers if name.lower().startswith("retry-after")]
    return Unreachable(quoted, retry_after_s(asked, datetime.now(UTC)))


def _refusal(
    status: int, codes: frozenset[str], message: str, quoted: str, where: str
) -> CallError:
    if status == 402 or codes & _QUOTA_CODES or _QUOTA_WORDS.search(message):
        return QuotaExhausted(f"{quoted.rstrip('.')}. Its account has no credit left.")
    if status in (401, 403):
        # Providers echo pieces of the key in these messages, so nothing of them is quoted.
        return AuthFailed(
            f"{where} refuses the key ({status}). Check the variable that `key_env` names."
        )
    if status == 404:
        return ModelGone(f"{quoted.rstrip('.')}. `archon models` lists what it serves.")
    if codes & _CONTEXT_CODES or _CONTEXT_WORDS.search(message):
        return ContextOverflow(quoted)
    if codes & _FILTER_CODES or _FILTER_WORDS.search(message):
        return Refused(quoted)
    return BadRequest(quoted)


def status_inside(error: object) -> int:
    """The status that an error in a 200 stands for: its code where that is one, else 502."""
    code = error.get("code") if isinstance(error, Mapping) else None
    text = str(code)
    return int(text) if re.fullmatch(r"[45]\d\d", text) else 502


def scrubbed(text: str, secret: Secret | None = None) -> str:
    """The beginning of a provider's text on one line, without anything that looks like a key.

    What no terminal and no database takes (U+0000, lone surrogates) is written out by its code.
    """
    if secret is not None and secret.reveal():
        text = text.replace(secret.reveal(), "(hidden)")
    text = " ".join(_KEY_LIKE.sub("(hidden)", text[: 4 * MAX_QUOTED_CHARS]).split())
    text = text if len(text) <= MAX_QUOTED_CHARS else text[:MAX_QUOTED_CHARS] + "..."
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _said(body: bytes | str) -> tuple[frozenset[str], str]:
    """The codes (lower case) and the message of an error body in any of the usual shapes."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return frozenset(), text
    error = data.get("error", data) if isinstance(data, dict) else data
    if not isinstance(error, dict):
        return frozenset(), str(error)
    inner = error.get("innererror")
    named = [error.get("code"), error.get("type")]
    named += [inner.get("code")] if isinstance(inner, dict) else []
    codes = frozenset(str(name).lower() for name in named if name)
    return codes, str(error.get("message", ""))
