"""The ten steps of a deploy as shell lines: every peer runs these, over its own way to the server."""

from __future__ import annotations

from pathlib import Path

WWW = "/srv/peer"
"""Where the peers' site lies; the bot's lies in /var/www on the same server."""
PORT = 8080
"""Where nginx serves the peers' site."""
PARAMS = (
    "SCRIPT_FILENAME=$R/public/index.php DOCUMENT_ROOT=$R/public SCRIPT_NAME=/index.php REQUEST_URI=/health "
    "QUERY_STRING= REQUEST_METHOD=GET SERVER_NAME=localhost SERVER_PORT=80 SERVER_PROTOCOL=HTTP/1.1 "
    "REMOTE_ADDR=127.0.0.1"
)
STEPS = {
    "release": "mkdir -p $R",
    "upload": "tar -xzf - -C $R",
    "link": "ln -s ../../shared/.env $R/.env && ln -s ../../shared/storage $R/storage",
    "cache": "cd $R && php artisan config:cache && php artisan route:cache && php artisan view:cache",
    "migrate": "cd $R && php artisan migrate --force",
    "health": f"env -i {PARAMS} /usr/bin/cgi-fcgi -bind -connect /run/php/php8.2-fpm.sock"
    ' | grep -q "\\"status\\":\\"ok\\".*\\"directory\\":\\"$REL\\""',
    "switch": "ln -s releases/$REL $W/.next-$REL && mv -T $W/.next-$REL $W/current",
    "queue": "cd $R && php artisan queue:restart",
    "verify": f'curl -fsS -m 5 http://127.0.0.1:{PORT}/health | grep -q "\\"directory\\":\\"$REL\\""',
    "prune": "cd $W/releases && ls -1 | sort | head -n -5 | xargs -r rm -rf --",
}
BEFORE = f"W={WWW}; REL=%s; R=$W/releases/$REL; "
"""What each line needs before it, with the release's name."""


def whole(release: str) -> str:
    """All steps as one script with the artifact on its stdin."""
    quiet = [f"( {line} ){'' if name == 'upload' else ' </dev/null'}" for name, line in STEPS.items()]
    return f"set -e; {BEFORE % release}exec >&2; " + "; ".join(quiet)


def write(directory: Path) -> None:
    """One file a step, for the tools that read files; numbered, since they go by name."""
    directory.mkdir()
    for number, (name, line) in enumerate(STEPS.items()):
        (directory / f"{number}-{name}").write_text(line)
