"""What is found on a server that somebody else laid out, and how its releases get our names without a gap."""

from __future__ import annotations

import getpass
import grp
import json
import os
import threading
from pathlib import Path

import pytest

from actions.host.nginx import adopting

COMMIT = "c" * 40
NGINX = r"""server {
    root /srv/shop/current/public;
    location ~ \.php$ {
        include fastcgi_params;
        fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
        fastcgi_pass unix:/run/php/php8.2-fpm.sock;
    }
}
"""
OWNER = (getpass.getuser(), grp.getgrgid(os.getgid()).gr_name)


def release(base: Path, name: str, made: int) -> Path:
    path = base / "releases" / name
    (path / "public").mkdir(parents=True)
    (path / "artisan").touch()
    os.utime(path, (made, made))
    return path


@pytest.fixture
def deployer(tmp_path: Path) -> Path:
    """Releases by number, an absolute link, and what is no release beside them."""
    release(tmp_path, "41", 1_790_000_000)
    (release(tmp_path, "42", 1_790_000_000) / "REVISION").write_text(COMMIT + "\n")
    os.utime(tmp_path / "releases/42", (1_790_000_000, 1_790_000_000))
    (tmp_path / "releases/tmp").mkdir()
    (tmp_path / "current").symlink_to(tmp_path / "releases/42")
    return tmp_path


@pytest.mark.parametrize(
    ("links", "root", "found"),
    [
        ({"current": "releases/42"}, "current/public", ("current", "current")),
        ({"chom": "chom_current", "chom_current": "releases/42"}, "chom/public", ("chom", "chom_current")),
        ({"shop": "releases/42/public"}, "shop", None),
        ({}, "releases/42/public", None),
    ],
    ids=["Deployer and Capistrano", "the seed", "a link into a release", "no link"],
)
def test_the_layout_behind_a_root(tmp_path: Path, links: dict[str, str], root: str, found: object) -> None:
    release(tmp_path, "42", 1_790_000_000)
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    assert adopting.layout_of(tmp_path / root) == ((tmp_path, *found) if found else None)  # type: ignore[misc]


def test_releases_get_names_that_are_times_and_no_two_the_same(deployer: Path) -> None:
    found = adopting.releases_of(deployer)
    assert [(one["name"], one["id"], one["revision"]) for one in found] == [
        ("41", "20260921_141320", ""),
        ("42", "20260921_141321", COMMIT),
    ]


def test_a_release_is_renamed_without_a_moment_in_which_it_is_not_there(tmp_path: Path) -> None:
    releases, stop, watched, gaps, looks = tmp_path / "releases", threading.Event(), list[Path](), list[Path](), [0]

    def visitor() -> None:
        while not stop.is_set():
            for path in watched[-1:]:
                looks[0] += 1
                gaps.extend([] if (path / "artisan").exists() else [path])

    asking = threading.Thread(target=visitor)
    asking.start()
    try:
        for number in range(300):
            watched.append(release(tmp_path, str(number), 1_790_000_000))
            id_ = f"20260921_{number:06d}"
            assert adopting._rename(releases, str(number), id_)
            assert (releases / id_ / "artisan").is_file() and not (releases / id_).is_symlink()
            assert not adopting._rename(releases, str(number), id_), "what is done is found done"
    finally:
        stop.set()
        asking.join()
    assert gaps == [] and looks[0] > 300


def test_killed_after_a_rename_it_is_found_again_and_finished(deployer: Path) -> None:
    adopting._rename(deployer / "releases", "42", "20260921_141321")
    site = adopting._site("site", deployer / "current/public", NGINX)
    assert site["served"] == "20260921_141321" in [one["name"] for one in site["releases"]]
    assert adopting._point(deployer / "current", site["served"])
    assert not adopting._point(deployer / "current", site["served"]), "what is done is found done"
    assert str((deployer / "current").readlink()) == "releases/20260921_141321"


def test_versions_are_those_of_known_commits_and_the_served_one_is_the_newest(deployer: Path) -> None:
    found, state = adopting.releases_of(deployer), deployer / "activations.jsonl"
    for one in found:
        adopting._rename(deployer / "releases", one["name"], one["id"])
        adopting._mark(deployer / "releases" / one["id"], one, {COMMIT: "v1.0"}, OWNER)
    marks = [json.loads((deployer / "releases" / one["id"] / ".chom-release.json").read_text()) for one in found]
    assert [(mark["version"], mark["commit"]) for mark in marks] == [("adopted-41", "0" * 40), ("v1.0", COMMIT)]
    adopting._history(found, found[0]["id"], state, OWNER)
    assert [json.loads(line)["release"] for line in state.read_text().splitlines()] == [found[1]["id"], found[0]["id"]]


def test_nginx_is_told_the_real_path_once_in_each_block() -> None:
    assert not adopting.follows(NGINX)
    made = adopting.following(NGINX)
    assert adopting.follows(made) and made.count("$realpath_root") == 2
    assert made.index("$document_root") < made.index("$realpath_root"), "PHP takes the last one that it is given"
    assert adopting.following(made) == made
    assert not adopting.follows("server { root /srv; }")
