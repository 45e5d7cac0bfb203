"""Sign in and out: the token becomes a cookie that only this server gets to see."""

from __future__ import annotations

from html import escape
from importlib import resources
from string import Template
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from hmlr.server.guard import LOGIN_PATH, SESSION_COOKIE, address_of
from hmlr.server.page.browser import new_nonce, policy

PAGE_PATH = "/page"
MAX_TOKEN_CHARS = 200
KEPT_S = 30 * 24 * 3600

router = APIRouter(include_in_schema=False)


def asset(name: str) -> str:
    """A text file of this package."""
    return resources.files("hmlr.server.page").joinpath(name).read_text(encoding="utf-8")


def _form(said: str = "", status: int = 200) -> Response:
    nonce = new_nonce()
    page = Template(asset("login.html")).substitute(style=asset("style.css"), said=escape(said), nonce=nonce)
    # Under "no-referrer" a browser sends the form with the Origin "null", which the guard refuses.
    headers = {"Content-Security-Policy": policy(nonce), "Referrer-Policy": "same-origin"}
    return HTMLResponse(page, status, headers)


async def _given(request: Request) -> str:
    """The token in the form's body; the guard has seen to its kind and size."""
    body = await request.body()
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    return fields.get("token", [""])[0].strip()


@router.get(LOGIN_PATH)
def ask() -> Response:
    """The form. `/login#token=…` fills it in; what stands behind # never leaves the browser by itself."""
    return _form()


@router.post(LOGIN_PATH)
async def sign_in(request: Request, secret: Annotated[str, Depends(_given)]) -> Response:
    """Check the token and leave it as a cookie that scripts and other sites can't use."""
    holder = None
    if 0 < len(secret) <= MAX_TOKEN_CHARS:
        holder = await request.app.state.people.host.access.holder(secret)
    if holder is None:
        wait = request.app.state.failures.take(address_of(request.scope))
        if wait:
            answer = _form(f"Too many attempts. Try again in {max(1, round(wait))} s.", 429)
            answer.headers["Retry-After"] = str(max(1, round(wait)))
            return answer
        return _form("No such token, or it was revoked. `python main.py token list` shows which stand.", 401)
    answer = RedirectResponse(PAGE_PATH + "/", 303)
    answer.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=KEPT_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.get("/logout")
def sign_out(request: Request) -> Response:
    """Take the cookie away; the token itself stays valid until it is revoked."""
    answer = RedirectResponse(LOGIN_PATH + "#out", 303)
    answer.delete_cookie(
        SESSION_COOKIE, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return answer
