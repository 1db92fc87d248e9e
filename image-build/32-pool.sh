#!/usr/bin/env bash
# Packages of which single files are taken: unpacked, never installed, none of their programs is run.
# Output: $CACHE/pool-KERNEL/root, and $CACHE/pool-KERNEL/files.txt: which file is of which package
. "$(dirname "$0")/lib.sh"
need dpkg-deb dpkg

mapfile -t packages < <(list "$HERE/pool.list")
if [ "$KERNEL" = raspberrypi ]; then
  mapfile -t -O "${#packages[@]}" packages < <(list "$HERE/pool-raspberrypi.list")
  export EXTRA_APT_LINE=${RPI_APT:-}
fi
key=$(resolve "$ARCH" "${packages[@]}")
[ -n "$key" ] || die "cannot resolve the packages of pool.list in $SUITE"
if dir=$(cached "pool-$KERNEL" "$key"); then say "pool of plug-ins: as before"; exit 0; fi
say "pool of plug-ins: $(wc -l <<<"$key") packages, unpacked (some minutes, once)"
rm -rf "$dir"
mkdir -p "$dir/root" "$CACHE/debs/partial"

# Without dependencies known to be there already, so that every one is fetched; those fetched before are not again.
apt_private "$ARCH" -o "Dir::Cache::archives=$CACHE/debs" --download-only -y install "${packages[@]}"
apt_private "$ARCH" -s install "${packages[@]}" | sed -nE 's/^Inst ([^ ]+) \(([^ ]+) .*\[([^]]+)\]\).*/\1 \2 \3/p' | sort |
  while read -r name version arch; do
    deb=$CACHE/debs/${name%:*}_${version//:/%3a}_$arch.deb
    [ -e "$deb" ] || die "apt did not fetch $deb"
    dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$dir/root"
    dpkg-deb --fsys-tarfile "$deb" | tar -t | sed -nE "s#^\./(.*[^/])\$#/\1 ${name%:*} $version#p" >>"$dir/files.txt"
  done
echo "$key" >"$dir/packages.txt"
cache_done "pool-$KERNEL" "$dir"
