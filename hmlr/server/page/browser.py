"""What a browser may do with the page: nothing but what this server gave it."""

from __future__ import annotations

import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SCRIPT = re.compile(rb"<script(?=[\s>])")
_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}'{more}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def new_nonce() -> str:
    """What the page's own scripts are known by; another for each answer."""
    return secrets.token_urlsafe(18)


def policy(nonce: str, *, builds_code: bool = False) -> str:
    """The Content-Security-Policy of an answer whose scripts carry the nonce.

    `builds_code` for the framework of the page, which makes functions of its own templates. Scripts in
    attributes, in `javascript:` addresses or put in later stay forbidden.
    """
    return _POLICY.format(nonce=nonce, more=" 'unsafe-eval'" if builds_code else "")


class OwnScripts:
    """ASGI middleware of the framework's app: gives its HTML a policy, and its scripts the nonce.

    All content of the framework's HTML has its `<` escaped, so each `<script` is one of the framework's.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = new_nonce()
        held: list[Message] = []  # the beginning of an HTML answer, until its body is whole
        body = bytearray()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = policy(nonce, builds_code=True)
                if headers.get("content-type", "").startswith("text/html"):
                    held.append(message)
                    return
            elif held and message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                start = held.pop()
                whole = _SCRIPT.sub(b'<script nonce="' + nonce.encode() + b'"', bytes(body))
                MutableHeaders(scope=start)["Content-Length"] = str(len(whole))
                await send(start)
                message = {"type": "http.response.body", "body": whole}
            await send(message)

        await self._app(scope, receive, answer)
