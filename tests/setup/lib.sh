# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154
# Shared by ./demo, ./check and .ci/run: packages, building, and what is printed. Sourced with $top set.

if [ -t 1 ]; then
    bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
else
    bold='' dim='' plain=''
fi

step() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s   %s%s\n' "$dim" "$*" "$plain"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

package_list() { # NEED...: the package names
    local need
    for need; do sed -n "s/^$need  *//p" "$top/tests/setup/packages"; done | tr ' ' '\n' | sort -u
}

need_packages() { # NEED...: installs what is missing when allowed to, else says how
    local missing=() package
    command -v dpkg-query >/dev/null || die "this script knows Debian's packages only; see README.md"
    for package in $(package_list "$@"); do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    if [ ${#missing[@]} = 0 ]; then
        note "all packages are there"
        return
    fi
    local command="apt-get install --no-install-recommends ${missing[*]}"
    [ "$(id -u)" = 0 ] || die "packages are missing; let root run: $command"
    note "$command"
    quietly "installing ${#missing[@]} packages" env DEBIAN_FRONTEND=noninteractive bash -c "
        apt-get -q -o DPkg::Lock::Timeout=300 update &&
        apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends ${missing[*]}"
}

quietly() { # WHAT COMMAND...: output only when it fails
    local what=$1 log
    shift
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        rm -f "$log"
        die "$what failed"
    fi
    rm -f "$log"
}

compile() { # FOLDER [MESON OPTION...]: configure once, then build
    local folder=$1
    shift
    if [ -e "$folder/build.ninja" ]; then
        quietly "configuring" meson setup --reconfigure "$folder" "$top" "$@"
    else
        quietly "configuring" meson setup "$folder" "$top" "$@"
    fi
    if [ -t 1 ]; then
        # Ninja's own progress line is kept on one line of the terminal.
        ninja -C "$folder" || die "the build failed"
    else
        quietly "the build" ninja -C "$folder"
    fi
}
