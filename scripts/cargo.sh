#!/usr/bin/env bash
# Runs cargo. With a terminal its own progress bar is shown; without one, a line for every fiftieth crate instead of one
# for each, so that a log stays readable. The exit status is cargo's.
set -euo pipefail

[ -t 2 ] && exec cargo "$@"
# Only stderr goes through the filter; stdout passes by on descriptor 3.
{
    cargo "$@" 2>&1 >&3 3>&- | awk '
        /^ *(Compiling|Checking|Downloaded|Adding) / {
            if (++n % 50 == 0) { print "   ... " n " crates"; fflush() }
            next
        }
        { print; fflush() }
    ' >&2
} 3>&1
