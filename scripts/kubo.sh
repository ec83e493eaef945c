#!/usr/bin/env bash
# Prints the path of Kubo's `ipfs`, which the tests and measurements of the IPFS backend run as a private, offline daemon.
# An `ipfs` named in WEFT_KUBO is used as it is. Otherwise this version is built with Go into the cache, once (some minutes).
# Exit status 3 and a sentence: there is no Go here to build it with.
set -euo pipefail

version=${KUBO_VERSION:-v0.42.0}
module=github.com/ipfs/kubo

if [ -n "${WEFT_KUBO:-}" ]; then
    [ -x "$WEFT_KUBO" ] || { echo "kubo: WEFT_KUBO=$WEFT_KUBO is no program: set it to an ipfs binary, or unset it" >&2; exit 1; }
    echo "$WEFT_KUBO"
    exit
fi
dir=${WEFT_CACHE:-$HOME/.cache/weft}/kubo/$version
if ! [ -x "$dir/ipfs" ]; then
    if ! command -v go >/dev/null; then
        echo "kubo: Go is missing (https://go.dev/dl, or apt-get install golang): install it, or set WEFT_KUBO to an ipfs binary" >&2
        exit 3
    fi
    mkdir -p "$dir"
    # Tests that run at once wait for one build.
    exec 9>"$dir/lock"
    flock 9
    if ! [ -x "$dir/ipfs" ]; then
        echo "kubo: building $version with $(go version | cut -d' ' -f3) (some minutes, once)" >&2
        # `go install module@version` refuses a go.mod with exclude or replace, which Kubo has since v0.40, and the versions
        # before that do not compile with Go 1.26. So what the module proxy serves is built as a main module is.
        source=$(cd "$dir" && GOFLAGS=-mod=mod go mod download -json "$module@$version" | awk -F'"' '$2 == "Dir" { print $4 }')
        (cd "$source" && GOFLAGS="-mod=readonly -buildvcs=false" go build -trimpath -o "$dir/ipfs.part" ./cmd/ipfs) >&2
        # Under its name only once it is whole.
        mv "$dir/ipfs.part" "$dir/ipfs"
    fi
fi
echo "$dir/ipfs"
