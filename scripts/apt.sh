#!/bin/sh
# apt.sh WHAT PACKAGE…: install the Debian packages that are missing, where we may; otherwise say what to type. Never
# fails: only WHAT needs them, and whatever does then says so.
set -u
what=$1
shift

missing=""
for package in "$@"; do
    dpkg-query --show --showformat '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

by_hand() {
    echo "$what need$missing, which $1. Without them that part does not work; type:"
    echo "    sudo apt-get install --yes$missing"
    exit 0
}

command -v apt-get >/dev/null || {
    echo "$what need$missing (Debian's names): install them with your system's package manager."
    exit 0
}
if [ "$(id -u)" -eq 0 ]; then
    as_root="env"
elif sudo --non-interactive true 2>/dev/null; then
    as_root="sudo --non-interactive env"
else
    by_hand "only root may install"
fi

echo "Installing the Debian packages$missing …"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install="$as_root DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -qq"
# The package lists of a new machine may be missing or old: fetch them, then install.
# shellcheck disable=SC2086 - lists of words
{ $install update && $install install --yes --no-install-recommends $missing; } >"$log" 2>&1 || {
    tail -n 5 "$log"
    by_hand "apt-get could not install"
}
