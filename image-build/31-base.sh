#!/usr/bin/env bash
# The base system, installed by dpkg: the packages' own scripts run by qemu-user. Output: $CACHE/base
. "$(dirname "$0")/lib.sh"
need_root
need mmdebstrap mmdebstrap arch-test arch-test qemu-aarch64-static qemu-user-static update-binfmts binfmt-support

mapfile -t packages < <(list "$HERE/base.list")

key=$(resolve "$ARCH" "${packages[@]}")
[ -n "$key" ] || die "cannot resolve the packages of base.list in $SUITE"
if dir=$(cached base "$key"); then say "base: as before"; exit 0; fi
need_binfmt
say "base: $(wc -l <<<"$key") packages (about ten minutes, once)"
debootstrap_tree "$dir" essential "$ARCH" "${packages[@]}"
echo "$key" >"$dir/packages.txt"
cache_done base "$dir"
