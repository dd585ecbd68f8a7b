"""The shell scripts that an administrator's login runs: to install, and to only look."""

from __future__ import annotations

import base64
import shlex

from actions.host.layout import HOME, PROGRAM, SUDOERS, Installation
from actions.host.managed import Maker, Managed

_HEAD = r"""set -eu
umask 077
LC_ALL=C; export LC_ALL
PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH
say() { printf '%s %s\n' "$1" "$2"; }
die() { say FAILED "$1"; exit 1; }

# What a path was before the first change to it is kept, so that all of it can be taken back.
BEFORE=/var/lib/chom-before
LEFT=/var/lib/chom-left
remember() { # path
    name=$(printf '%s' "$1" | sha256sum | cut -c1-32)
    [ ! -e "$BEFORE/$name" ] || return 0
    mkdir -p -m 700 "$BEFORE"
    if [ -L "$1" ]; then what="link $(readlink "$1")"
    elif [ ! -e "$1" ]; then what=missing
    elif [ -d "$1" ]; then what=$(stat -c 'directory %a %U %G' "$1")
    else what=$(stat -c 'file %a %U %G' "$1"); cp -p "$1" "$BEFORE/$name.content"; fi
    printf '%s\n%s\n' "$1" "$what" > "$BEFORE/$name.new"
    mv "$BEFORE/$name.new" "$BEFORE/$name"
    printf '%s\n' "$name" >> "$BEFORE/order"
}

# Every change is said as a line "changed PATH", what was right already as "kept PATH".
settle() { # path mode owner group word
    word=$5
    if [ "$(stat -c '%a %U %G' "$1")" != "$2 $3 $4" ]; then
        remember "$1"
        chown -h "$3:$4" "$1"; chmod "$2" "$1"; word=changed
    fi
    say "$word" "$1"
}

directory() { # path mode owner group
    if [ -L "$1" ] || { [ -e "$1" ] && [ ! -d "$1" ]; }; then die "$1 is in the way: it is not a directory"; fi
    word=kept
    if [ ! -d "$1" ]; then remember "$1"; mkdir -p "$1"; word=changed; fi
    settle "$1" "$2" "$3" "$4" "$word"
}

own_directory() { # path mode owner: made by the login itself, since the parent is its own
    if [ ! -d "$1" ]; then
        remember "$1"
        runuser -u "$3" -- mkdir -m "$2" "$1" || die "$3 cannot make $1"
        say changed "$1"
    elif [ "$ADOPTING" ] && [ ! -L "$1" ] && ! runuser -u "$3" -- test -w "$1"; then
        remember "$1"
        case $2 in
            *7?) chgrp -h "$(id -gn "$3")" "$1"; chmod g+ws "$1";;  # who writes there now goes on writing
            *) chown -h "$3" "$1";;
        esac
        say changed "$1"
    else
        runuser -u "$3" -- test -w "$1" || die "$3 cannot write to $1: it is $(stat -c '%U:%G, mode %a' "$1")"
        say kept "$1"
    fi
}

file() { # path mode owner group; the content comes in base64
    fresh=$1.chom-new
    rm -f "$fresh"
    base64 -d > "$fresh"
    chown "$3:$4" "$fresh"; chmod "$2" "$fresh"
    case $1 in */sudoers.d/*)
        said=$(visudo -cf "$fresh" 2>&1) || { rm -f "$fresh"; die "visudo refuses $1: $said"; };;
    esac
    if [ -f "$1" ] && [ ! -L "$1" ] && cmp -s "$1" "$fresh"; then
        rm -f "$fresh"; settle "$1" "$2" "$3" "$4" kept
    else
        if [ -d "$1" ]; then rm -f "$fresh"; die "$1 is in the way: it is a directory"; fi
        remember "$1"
        mv -f "$fresh" "$1"; say changed "$1"
    fi
}

secret() { # path mode owner group; the content comes in base64, and what is there already stays
    if [ -f "$1" ] && [ ! -L "$1" ]; then cat >/dev/null; settle "$1" "$2" "$3" "$4" kept; return 0; fi
    if [ -d "$1" ]; then die "$1 is in the way: it is a directory"; fi
    remember "$1"
    digits=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    fresh=$1.chom-new
    rm -f "$fresh"
    base64 -d | sed "s/@SECRET@/$digits/g" > "$fresh"
    chown "$3:$4" "$fresh"; chmod "$2" "$fresh"
    mv -f "$fresh" "$1"; say changed "$1"
}

give_back() { # user: what an earlier installation left is its own again
    [ -e "$LEFT" ] || return 0
    while IFS= read -r path; do
        [ ! -d "$path" ] || [ -L "$path" ] || chown -hR --from=root "$1" "$path"
    done < "$LEFT"
    rm -f "$LEFT"
}

checks() { # group
    [ "$(id -u)" = 0 ] || die "this login is not root: name one that is, or that may run sudo without a password"
    /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null ||
        die "chom-host needs /usr/bin/python3, 3.9 or newer: apt-get install python3"
    getent group "$1" >/dev/null || die "there is no group $1: install PHP-FPM first, or name its group"
}

remember_login() { # user what
    [ ! -e "$BEFORE/user" ] || return 0
    mkdir -p -m 700 "$BEFORE"
    printf '%s %s\n' "$1" "$2" > "$BEFORE/user"
}

login() { # user group home
    if found=$(getent passwd "$1"); then
        home=$(printf '%s' "$found" | cut -d: -f6); shell=$(printf '%s' "$found" | cut -d: -f7)
        [ "$home" = "$3" ] || die "the user $1 exists already, with the home $home and perhaps keys of people in it: \
give the bot a login of its own, by another name"
        if [ "$(id -gn "$1")" = "$2" ] && [ "$shell" = /bin/sh ]; then word=kept; else
            remember_login "$1" "$(id -gn "$1") $shell"
            usermod -g "$2" -s /bin/sh "$1"; word=changed
        fi
    else
        remember_login "$1" missing
        useradd --system --no-create-home --home-dir "$3" --shell /bin/sh --gid "$2" "$1"; word=changed
    fi
    # "*": no password fits. "!" would be a locked account, which sshd refuses where UsePAM is off.
    if [ "$(getent shadow "$1" | cut -d: -f2)" != '*' ]; then usermod -p '*' "$1"; word=changed; fi
    say "$word" "user $1"
}

sees_keys() { # user home
    set +e; conf=$(sshd -T -C "user=$1,host=localhost,addr=127.0.0.1" 2>/dev/null); set -e
    [ -n "$conf" ] || { say NOTE "sshd -T says nothing, so it is not known whether sshd reads $2/.ssh/authorized_keys"
        return 0; }
    files=" $(printf '%s\n' "$conf" | sed -n 's/^authorizedkeysfile //p') "
    case $files in
        *" .ssh/authorized_keys "*|*" %h/.ssh/authorized_keys "*|*" $2/.ssh/authorized_keys "*) ;;
        *) die "sshd does not read .ssh/authorized_keys (AuthorizedKeysFile is$files): the bot could not log in";;
    esac
    limits=$(printf '%s\n' "$conf" | sed -n '/^\(allow\|deny\)\(users\|groups\) /p' | tr '\n' ';')
    [ -z "$limits" ] || say NOTE "sshd_config limits who may log in ($limits): see that $1 may"
}

proof() { # user program: chom-host starts as that user, and refuses what it does not know
    set +e
    said=$(runuser -u "$1" -- env -i SSH_ORIGINAL_COMMAND="installed by host install" "$2" 2>&1); status=$?
    set -e
    [ "$status" = 77 ] || die "chom-host does not start as $1 (exit status $status): $said"
}

nginx_note() {
    command -v nginx >/dev/null || return 0
    conf=$(nginx -T 2>/dev/null | grep -E '^[^#]*(SCRIPT_FILENAME|DOCUMENT_ROOT)' || true)
    case $conf in
        *realpath_root*|'') ;;
        *) say NOTE "nginx passes \$document_root to PHP-FPM: with opcache a switch would not be seen. Set \
SCRIPT_FILENAME and DOCUMENT_ROOT from \$realpath_root, as PROTOCOL.md says";;
    esac
}
"""

_LOOK = r"""set -eu
LC_ALL=C; export LC_ALL
PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH
look() {
    if [ -L "$1" ]; then printf 'link||||\n'; elif [ ! -e "$1" ]; then printf 'missing||||\n'
    elif [ -d "$1" ]; then stat -c 'directory|%a|%U|%G|' "$1"
    else printf '%s|%s\n' "$(stat -c 'file|%a|%U|%G' "$1")" "$(sha256sum < "$1" | cut -d' ' -f1)"; fi
}
person() {
    if found=$(getent passwd "$1"); then
        password=$(getent shadow "$1" | cut -d: -f2)
        [ "$password" = '*' ] || password=other
        printf 'user|%s|%s|%s|%s\n' "$(printf '%s' "$found" | cut -d: -f6)" "$(printf '%s' "$found" | cut -d: -f7)" \
            "$(id -gn "$1")" "$password"
    else printf 'missing||||\n'; fi
}
"""


def install_script(wanted: Installation, *, adopting: bool = False) -> str:
    """POSIX sh, to be run as root with nothing on its stdin: makes it so, and says line by line what it changed.

    Where a server is adopted, directories that were there before are made writable for the login.

    Run again it changes nothing. It ends with status 1 and a line "FAILED sentence" where it cannot go on; what it
    had written by then is whole, and the key that lets the bot in is written last.
    """
    user, group = shlex.quote(wanted.user), shlex.quote(wanted.group)
    steps = [f"checks {group}", f"login {user} {group} {HOME}", f"give_back {user}", f"sees_keys {user} {HOME}"]
    if any(entry.path == SUDOERS for entry in wanted.entries):
        steps.append('command -v visudo >/dev/null || die "sudo is missing: apt-get install sudo"')
    steps += [_step(entry) for entry in wanted.entries]
    if wanted.canary:
        steps.append("systemctl daemon-reload")
    steps += [f"proof {user} {PROGRAM}", "nginx_note"]
    return f"{_HEAD}\nADOPTING={'yes' if adopting else ''}\nmain() {{\n{chr(10).join(steps)}\n}}\nmain </dev/null\n"


def _step(entry: Managed) -> str:
    words = f"{shlex.quote(entry.path)} {entry.mode:o} {shlex.quote(entry.owner)} {shlex.quote(entry.group)}"
    if entry.content is not None:
        encoded = base64.encodebytes(entry.content).decode()
        return f"{'secret' if entry.secret else 'file'} {words} <<'CHOM'\n{encoded}CHOM"
    return f"{'own_directory' if entry.maker is Maker.LOGIN else 'directory'} {words}"


def status_script(wanted: Installation) -> str:
    """POSIX sh that changes nothing and says one line an entry: kind|mode|owner|group|sha256; first the user's."""
    looks = [f"look {shlex.quote(entry.path)}" for entry in wanted.entries]
    return "\n".join([_LOOK, f"person {shlex.quote(wanted.user)}", *looks, ""])
