#!/usr/bin/env bash
# Prints the path of Kubo's `ipfs`, which the tests and measurements of the IPFS backend run as a private, offline daemon.
# An `ipfs` named in WEFT_KUBO is used as it is. Otherwise this version is built with Go into the cache, once (some minutes).
# Any Go will do: one that is older than Kubo asks for fetches its successor from the Go module proxy first.
# Exit status 3 and what to do: it cannot be built here (no Go, or no module proxy).
set -euo pipefail

version=${KUBO_VERSION:-v0.42.0}
# What the go.mod of that version asks for.
go_version=${KUBO_GO_VERSION:-1.26.4}
module=github.com/ipfs/kubo

cannot() {
    printf 'kubo: %s\n' "$@" \
        'Or put the `ipfs` of any recent Kubo on this machine and set WEFT_KUBO to its path.' >&2
    exit 3
}
unreachable() {
    cannot "$1 could not be fetched from the Go module proxy (GOPROXY=$("$go" env GOPROXY))." \
        'Set GOPROXY to one that this machine reaches, such as your mirror, and try again.'
}
# The folder of a module's version, as the module proxy gives it, checked against the checksum database.
fetched() {
    (cd "$dir" && GOFLAGS=-mod=mod "$go" mod download -json "$1") |
        awk -F'"' '$2 == "Dir" { print $4 } $2 == "Error" { print "kubo: " $0 | "cat >&2" }'
}

if [ -n "${WEFT_KUBO:-}" ]; then
    [ -x "$WEFT_KUBO" ] || { echo "kubo: WEFT_KUBO=$WEFT_KUBO is no program: set it to an ipfs binary, or unset it" >&2; exit 1; }
    echo "$WEFT_KUBO"
    exit
fi
dir=${WEFT_CACHE:-$HOME/.cache/weft}/kubo/$version
if ! [ -x "$dir/ipfs" ]; then
    go=$(command -v go) || cannot 'Go is missing: `make setup` installs it on Debian, https://go.dev/dl has it for others.'
    mkdir -p "$dir"
    # Tests that run at once wait for one build.
    exec 9>"$dir/lock"
    flock 9
    if ! [ -x "$dir/ipfs" ]; then
        have=$("$go" version | cut -d' ' -f3)
        if [ "$(printf '%s\n' "go$go_version" "$have" | sort -V | head -n1)" != "go$go_version" ]; then
            echo "kubo: $have is older than go$go_version: fetching that (70 MB)" >&2
            # What Go since 1.21 does by itself, for those that are older (Debian 12 has 1.19) and for GOTOOLCHAIN=local.
            platform=$("$go" env GOHOSTOS)-$("$go" env GOHOSTARCH)
            root=$(fetched "golang.org/toolchain@v0.0.1-go$go_version.$platform") || unreachable "Go $go_version"
            # A module's archive knows no programs, and no module within a module.
            chmod +x "$root"/bin/* "$root"/pkg/tool/*/*
            [ -e "$root/src/go.mod" ] || { chmod +w "$root/src" && cp "$root/src/_go.mod" "$root/src/go.mod" && chmod -w "$root/src"; }
            unset GOROOT
            go=$root/bin/go
            export GOTOOLCHAIN=local
        fi
        echo "kubo: building $version with $("$go" version | cut -d' ' -f3) (some minutes, once)" >&2
        # `go install module@version` refuses a go.mod with exclude or replace, which Kubo has since v0.40, and the versions
        # before that do not compile with Go 1.26. So what the module proxy serves is built as a main module is.
        source=$(fetched "$module@$version") || unreachable "Kubo $version"
        (cd "$source" && GOFLAGS=-mod=readonly "$go" list -deps ./cmd/ipfs >/dev/null) >&2 || unreachable "What Kubo $version needs"
        (cd "$source" && GOFLAGS="-mod=readonly -buildvcs=false" "$go" build -trimpath -o "$dir/ipfs.part" ./cmd/ipfs) >&2
        # Under its name only once it is whole.
        mv "$dir/ipfs.part" "$dir/ipfs"
    fi
fi
echo "$dir/ipfs"
