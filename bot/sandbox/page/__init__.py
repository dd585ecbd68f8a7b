"""The sandbox's page: plain files without a build step, which fetch nothing but each other."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
FILES = {file.name: file for file in Path(__file__).parent.iterdir() if file.suffix in TYPES}


async def show(request: web.Request) -> web.Response:
    """One file of the page, index.html by default."""
    file = FILES.get(request.match_info.get("name", "index.html"))
    if file is None:
        raise web.HTTPNotFound(text="There is no such page.")
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    text = file.read_text(encoding="utf-8")
    return web.Response(text=text, content_type=TYPES[file.suffix], charset="utf-8", headers=headers)


def routes() -> list[web.RouteDef]:
    """Where the page is."""
    return [web.get("/", show), web.get("/page/{name}", show)]
