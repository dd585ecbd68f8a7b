"""What is served here, and how it is taken over.

`look` changes nothing. `take` makes releases of the names that chom-host knows, without a moment in which the served
one is not there, and has nginx follow the link at every request. It can be run again: what was done is found done.
"""

from __future__ import annotations

import ctypes
import grp
import json
import os
import pwd
import re
import shutil
import time
from pathlib import Path
from typing import Optional

from .site import Cannot, Json, change, configuration

_ID = re.compile(r"[0-9]{8}_[0-9]{6}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PARAMS = (
    "fastcgi_param SCRIPT_FILENAME $realpath_root$fastcgi_script_name;",
    "fastcgi_param DOCUMENT_ROOT $realpath_root;",
)
_EXCHANGE, _HERE = 2, -100
"""RENAME_EXCHANGE and AT_FDCWD of renameat2(2)."""
_MARK = ".chom-release.json"
_KEPT = Path("/var/lib/chom-adopted")
"""Where the files of nginx lie as they were: beside themselves nginx might read them too."""


# ---- looking ----------------------------------------------------------------------------------------------------


def served_roots(files: dict[str, str]) -> list[tuple[str, Path]]:
    """(the file, the root that it serves through PHP), each once."""
    found: dict[tuple[str, Path], None] = {}
    for name, text in files.items():
        if re.search(r"^[^#\n]*\bfastcgi_pass\b", text, re.M):
            for root in re.findall(r"^\s*root\s+([^;]+);", text, re.M):
                found[name, Path(root.strip("\"' "))] = None
    return list(found)


def layout_of(root: Path) -> Optional[tuple[Path, str, str]]:
    """(base, the link that the root goes through, the link into releases/), None where it goes through none."""
    path, first = root, ""
    while path != path.parent:
        if not path.is_symlink():
            path = path.parent
            continue
        first = first or path.name
        target = Path(os.path.normpath(path.parent / path.readlink()))
        if target.parent.name == "releases":
            base = target.parent.parent
            return (base, first, path.name) if path.parent == base else None
        path = target
    return None


def releases_of(base: Path) -> list[Json]:
    """The releases, the oldest first, each with a name that chom-host knows and what tells its version."""
    found: list[Json] = []
    for path in sorted((base / "releases").iterdir()):
        if not path.is_symlink() and (path / "artisan").is_file():
            id_ = path.name if _ID.fullmatch(path.name) else ""
            made = int(path.stat().st_mtime)
            found.append({"name": path.name, "id": id_, "made": made, "revision": _revision(path)})
    found.sort(key=lambda one: (one["made"], one["name"]))
    taken = {one["id"] for one in found}
    for one in found:
        at = one["made"]
        while not one["id"]:
            id_ = time.strftime("%Y%m%d_%H%M%S", time.gmtime(at))
            at += 1
            if id_ not in taken:
                one["id"] = id_
                taken.add(id_)
    return found


def _revision(path: Path) -> str:
    """The commit that Capistrano and Deployer write down, "" for none."""
    try:
        said = (path / "REVISION").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return said if _COMMIT.fullmatch(said) else ""


def look() -> Json:
    """What is served here."""
    files = configuration()
    return {"sites": [_site(name, root, files[name]) for name, root in served_roots(files)]}


def _site(name: str, root: Path, text: str) -> Json:
    found = layout_of(root)
    if found is None:
        return {"file": name, "root": str(root), "layout": None}
    base, link, current = found
    return {
        "file": name,
        "root": str(root),
        "layout": {"www": str(base), "link": link, "current": current},
        "served": Path(os.path.realpath(base / current)).name,  # through an old name that is a link by now, too
        "releases": releases_of(base),
        "shared": [shared for shared in (".env", "storage") if (base / "shared" / shared).exists()],
        "follows": follows(text),
    }


def follows(text: str) -> bool:
    """Whether every block that passes to PHP says both parameters from $realpath_root."""
    blocks = re.findall(r"\{[^{}]*\bfastcgi_pass\b[^{}]*\}", text)
    return bool(blocks) and all(re.search(_loose(param), block) for param in _PARAMS for block in blocks)


def _loose(param: str) -> str:
    return r"\s+".join(re.escape(word) for word in param.split())


# ---- taking over ------------------------------------------------------------------------------------------------


def take(site: Json, versions: dict[str, str], user: str, group: str, state: str) -> Json:
    """Take over the site that `look` told of. Raises Cannot."""
    base, owner = Path(site["layout"]["www"]), (user, group)
    done: list[str] = []
    _own(base, user, group)
    for one in site["releases"]:
        done += _rename(base / "releases", one["name"], one["id"])
        done += _mark(base / "releases" / one["id"], one, versions, owner)
    served = next(one["id"] for one in site["releases"] if one["name"] == site["served"])
    done += _point(base / site["layout"]["current"], served)
    done += _history(site["releases"], served, Path(state, "activations.jsonl"), owner)
    done += _follow(Path(site["file"]))
    return {"done": done}


def _own(base: Path, user: str, group: str) -> None:
    """The login may write where releases lie, and into shared/storage as PHP-FPM does; nobody loses a right."""
    uid, gid = pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid
    shared = base / "shared"
    for path in [base / "releases", *(base / "releases").rglob("*")]:
        os.chown(path, uid, -1, follow_symlinks=False)
    for path in (base, base / "releases", shared):
        os.chown(path, uid, gid)
    for path in [shared / "storage", *(shared / "storage").rglob("*")]:
        if path.exists() and not path.is_symlink():
            os.chown(path, -1, gid)
            path.chmod((path.stat().st_mode & 0o7777) | (0o2070 if path.is_dir() else 0o060))
    if (shared / "storage").is_dir():
        os.chown(shared / "storage", uid, gid)  # PHP-FPM writes there by its group
    env = shared / ".env"
    if env.is_file() and not env.is_symlink():
        os.chown(env, -1, gid)
        env.chmod((env.stat().st_mode & 0o700) | 0o040)


def _rename(releases: Path, name: str, id_: str) -> list[str]:
    """NAME becomes ID in one step, and NAME a link to it: no request in between finds nothing.

    A link to itself is put under the new name, and the two are exchanged (renameat2).
    """
    old, new = releases / name, releases / id_
    if name == id_ or old.is_symlink():
        return []
    if not new.is_symlink():
        new.symlink_to(id_)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_HERE, os.fsencode(old), _HERE, os.fsencode(new), _EXCHANGE):
        fault = ctypes.get_errno()
        new.unlink()
        raise Cannot(f"{old} cannot be renamed to {id_}: {os.strerror(fault)}")
    return [f"releases/{name} is releases/{id_} now, and a link to it stays"]


def _mark(path: Path, one: Json, versions: dict[str, str], owner: tuple[str, str]) -> list[str]:
    """What chom-host reads a release's version from. A commit that nobody wrote down is zeros."""
    if (path / _MARK).exists():
        return []
    version = versions.get(one["revision"]) or f"adopted-{one['name']}"
    version = re.sub(r"[^A-Za-z0-9._+-]", "-", version)[:64]
    told = {"id": one["id"], "version": version, "commit": one["revision"] or "0" * 40, "sha256": ""}
    _write(path / _MARK, json.dumps(told, sort_keys=True) + "\n", owner)
    return [f"releases/{one['id']} is called {version}"]


def _write(path: Path, text: str, owner: tuple[str, str]) -> None:
    fresh = path.with_name(f"{path.name}.chom-new")
    fresh.unlink(missing_ok=True)
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    shutil.chown(fresh, *owner)
    fresh.replace(path)


def _point(link: Path, id_: str) -> list[str]:
    if str(link.readlink()) == f"releases/{id_}":
        return []
    fresh = link.with_name(f".{link.name}.next")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(f"releases/{id_}")
    fresh.replace(link)
    return [f"{link} points to releases/{id_}, the same directory as before"]


def _history(releases: list[Json], served: str, path: Path, owner: tuple[str, str]) -> list[str]:
    """In which order they were served: the older ones as they were made, the served one last."""
    if path.exists() and path.stat().st_size:
        return []
    order = [*(one["id"] for one in releases if one["id"] != served), served]
    at = int(time.time()) - len(order)
    lines = [json.dumps({"release": id_, "at": at + number}, sort_keys=True) for number, id_ in enumerate(order)]
    _write(path, "".join(f"{line}\n" for line in lines), owner)
    return [f"{len(order)} releases are known, and {served} is the served one"]


def following(text: str) -> str:
    """The configuration with both parameters before each fastcgi_pass: PHP takes the last one that it is given."""
    bare = re.sub(rf"^[ \t]*(?:{'|'.join(map(_loose, _PARAMS))})[ \t]*\n", "", text, flags=re.M)

    def with_them(found: re.Match[str]) -> str:
        return "".join(f"{found[1]}{param}\n" for param in _PARAMS) + found[0]

    return re.sub(r"^([ \t]*)fastcgi_pass\b", with_them, bare, flags=re.M)


def _follow(path: Path) -> list[str]:
    """nginx passes the real path behind the link to PHP, so that a switch is seen at once. Tested before it counts."""
    text = path.read_text(encoding="utf-8")
    if follows(text):
        return []
    _KEPT.mkdir(mode=0o700, exist_ok=True)
    kept = _KEPT / str(path).strip("/").replace("/", "~")
    shutil.copy2(path, kept)
    change(path, text, following(text), "$realpath_root")
    return [f"{path} passes $realpath_root to PHP; as it was it lies in {kept}"]
