"""Puts the canary into nginx's site, and takes it out.

A line that is replaced stays above its successor as a comment, so that taking it out gives the file back to the byte,
whatever else was changed in it meanwhile.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from .site import Cannot, Json, change, configuration

_HAD = "# chom had:"
_OURS = re.compile(rf"^[ \t]*{_HAD}(.*)\n.*\n", re.M)


def routed(text: str, root: str, socket: str, told: Json) -> str:
    """The site with its root and its fastcgi_pass replaced. Raises ValueError, with why, where they are not there once.

    `told` has "include" and "pass", which are ours, and "log": the access_log that the site has inherited, since a
    log of our own would end the inheritance; "" where it has one itself.
    """
    include = f"include {told['include']};" + (f" {told['log']}" if told["log"] else "")
    text, roots = _replaced(text, rf"root[ \t]+[\"']?{re.escape(root)}/?[\"']?;", include)
    if roots != 1:
        raise ValueError(f"it has “root {root};” {roots} times, not once")
    passes = len(re.findall(r"^[^#\n]*\bfastcgi_pass\b", text, re.M))
    text, passed = _replaced(text, rf"fastcgi_pass[ \t]+{re.escape(socket)};", f"fastcgi_pass {told['pass']};")
    if not passed or passed != passes:
        raise ValueError(f"{passed} of its {passes} fastcgi_pass go to {socket}")
    return text


def _replaced(text: str, pattern: str, line: str) -> tuple[str, int]:
    def instead(found: re.Match[str]) -> str:
        return f"{found[1]}{_HAD}{found[0]}\n{found[1]}{line}"

    return re.subn(rf"^([ \t]*){pattern}[ \t]*(?:#.*)?$", instead, text, flags=re.M)


def unrouted(text: str) -> str:
    """The site as it was before `routed`, with whatever else was changed since."""
    return _OURS.sub(r"\1\n", text)


def locate(root: str, include: str, pass_: str) -> Json:
    """`site`: the file that serves that root, None where there is none; `routed`: whether the canary is in it."""
    files = configuration()
    passed = any(re.search(rf"^[^#\n]*\bfastcgi_pass[ \t]+{re.escape(pass_)};", text, re.M) for text in files.values())
    for name, text in files.items():
        if re.search(rf"^[^#\n]*\binclude[ \t]+{re.escape(include)};", text, re.M):
            return {"site": name, "routed": passed}
    serving = [
        name for name, text in files.items() if re.search(rf"^\s*root\s+[\"']?{re.escape(root)}/?[\"']?;", text, re.M)
    ]
    return {"site": serving[0] if len(serving) == 1 else None, "routed": False}


def route(root: str, socket: str, include: str, pass_: str) -> Json:
    """The canary is in nginx's site. Raises Cannot."""
    found = locate(root, include, pass_)
    if found["routed"]:
        return {"done": ""}
    if found["site"] is None:
        raise Cannot(f"not one file of nginx serves {root}")
    path = Path(os.path.realpath(found["site"]))
    text = path.read_text(encoding="utf-8")
    log = "" if re.search(r"^\s*access_log\b", text, re.M) else _inherited()
    try:
        fresh = routed(text, root, socket, {"include": include, "pass": pass_, "log": log})
    except ValueError as fault:
        raise Cannot(f"{path} cannot be changed by itself: {fault}") from None
    change(path, text, fresh, "it")
    return {"done": f"{path} sends each client to its pool; the lines that it had stay in it as comments"}


def _inherited() -> str:
    """The access_log of nginx's http block, "" for none."""
    text = configuration().get("/etc/nginx/nginx.conf", "")
    found = re.search(r"^\s*(access_log[ \t][^;\n]*;)", text, re.M)
    return found[1] if found else ""


def unroute(include: str) -> Json:
    """The canary is in no site of nginx. Raises Cannot."""
    try:
        files = configuration()
    except Cannot:
        if not Path(include).exists():
            return {"done": ""}
        raise
    done: list[str] = []
    for name in (name for name, text in files.items() if _HAD in text):
        path = Path(os.path.realpath(name))
        text = path.read_text(encoding="utf-8")
        if unrouted(text) != text:
            change(path, text, unrouted(text), "it")
            done.append(f"{path} is as it was")
    return {"done": "; ".join(done)}
