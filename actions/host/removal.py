"""The shell script that an administrator's login runs to take back all that was installed."""

from __future__ import annotations

import shlex

from actions.host.layout import PROGRAM, Installation

_BACK = r"""set -eu
LC_ALL=C; export LC_ALL
PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH
BEFORE=/var/lib/chom-before
LEFT=/var/lib/chom-left
say() { printf '%s %s\n' "$1" "$2"; }
die() { say FAILED "$1"; exit 1; }

put_back() { # name
    { IFS= read -r path; read -r kind mode owner group; } < "$BEFORE/$1"
    case $kind in
        missing) forget "$path";;
        directory) [ -d "$path" ] || mkdir -p "$path"
            chown "$owner:$group" "$path"; chmod "$mode" "$path"; say changed "$path";;
        link) ln -sfn "$mode${owner:+ $owner}${group:+ $group}" "$path"; say changed "$path";;
        file) cp -p "$BEFORE/$1.content" "$path.chom-old"; mv -f "$path.chom-old" "$path"; say changed "$path";;
    esac
}

forget() { # path
    if [ -L "$1" ] || [ -f "$1" ]; then rm -f "$1"; say removed "$1"
    elif [ -d "$1" ]; then
        for mine in $OWN; do if [ "$1" = "$mine" ]; then rm -rf "$1"; say removed "$1"; return 0; fi; done
        if rmdir "$1" 2>/dev/null; then say removed "$1"
        else chown -hR --from="$USER_NAME" root "$1"; printf '%s\n' "$1" >> "$LEFT"; say left "$1"; fi
    fi
}

end_canaries() { # pools that nginx does not send anybody to any more
    ! grep -rqs "include /etc/chom/canary-nginx.conf" /etc/nginx/ ||
        die "nginx still includes /etc/chom/canary-nginx.conf: give the site its own root and fastcgi_pass back first"
    for unit in /etc/systemd/system/php*-fpm-canary.service; do
        if [ -f "$unit" ]; then systemctl stop "${unit##*/}" || true; CANARIES=yes; fi
    done
}

forget_canaries() {
    [ -n "${CANARIES:-}" ] || return 0
    systemctl daemon-reload
    if nginx -t >/dev/null 2>&1; then systemctl reload nginx || true; fi
}

logout() { # what the login was before
    if [ "$1" = missing ]; then
        pkill -KILL -u "$USER_NAME" || true
        for _ in 1 2 3 4 5 6 7 8 9 10; do pgrep -u "$USER_NAME" >/dev/null || break; sleep 0.2; done
        userdel "$USER_NAME"; say removed "user $USER_NAME"
    else usermod -g "$1" -s "$2" "$USER_NAME"; say changed "user $USER_NAME"; fi
}
"""


def removal_script(wanted: Installation) -> str:
    """POSIX sh, to be run as root: everything is as it was before the first install, in the reverse order.

    What CHOM serves, its shared files, logs and backups stay where they are not empty, as root's: lines "left PATH".
    A later install gives them back to the login.
    It ends with status 1 and a line "FAILED sentence" where a job of the bot runs, or where nothing is installed.
    """
    own = " ".join(shlex.quote(path) for path in wanted.own)
    return f"""{_BACK}
main() {{
USER_NAME={shlex.quote(wanted.user)}
OWN="{own}"
[ "$(id -u)" = 0 ] || die "this login is not root: name one that is, or that may run sudo without a password"
[ -e "$BEFORE/order" ] || die "nothing that host install wrote is recorded here, so there is nothing to take back"
if pgrep -u "$USER_NAME" -f {shlex.quote(PROGRAM)} >/dev/null; then
    die "the bot is connected, or a job of it runs: stop the bot, and try again when the job has ended"
fi
end_canaries
for name in $(tac "$BEFORE/order"); do put_back "$name"; done
forget_canaries
if [ -e "$BEFORE/user" ]; then read -r _ was shell < "$BEFORE/user"; logout "$was" "${{shell:-}}"; fi
rm -rf "$BEFORE"
}}
main </dev/null
"""
