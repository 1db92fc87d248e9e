#!/usr/bin/env bash
# The build root: a Debian tree of this machine's processor with a cross compiler and the box's libraries.
# Output: $CACHE/builder
. "$(dirname "$0")/lib.sh"
need_root
need mmdebstrap mmdebstrap arch-test arch-test

host=$(dpkg --print-architecture)
mapfile -t packages < <(list "$HERE/builder.list")
key=$(resolve "$host,$ARCH" "${packages[@]}")
[ -n "$key" ] || die "cannot resolve the packages of builder.list in $SUITE"
if dir=$(cached builder "$key"); then say "build root: as before"; exit 0; fi
say "build root: $(wc -l <<<"$key") packages (some minutes, once)"
debootstrap_tree "$dir" apt "$host,$ARCH" "${packages[@]}"
echo "$key" >"$dir/packages.txt"
cache_done builder "$dir"
