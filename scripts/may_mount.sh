#!/usr/bin/env bash
# Whether tests may mount a small disk, to see what happens when it is full: as root, or in a user namespace of their own.
# Where they may not, it says why.
set -euo pipefail

at=$(mktemp -d)
trap 'rmdir "$at"' EXIT
why=()
for way in '--mount' '--user --map-root-user --mount'; do
    # Two words are two arguments.
    # shellcheck disable=SC2086
    if said=$(unshare $way mount -t tmpfs -o size=1m tmpfs "$at" 2>&1); then exit 0; fi
    why+=("unshare $way: $said")
done
printf 'The tests of a full disk will skip, as this machine lets nobody mount one:\n' >&2
printf '    %s\n' "${why[@]}" >&2
exit 1
