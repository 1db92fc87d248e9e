#!/usr/bin/env bash
# Kernel, boot firmware, boot loaders, firmware of the radio, busybox: unpacked, never installed, so that no kernel hook and
# no initramfs generator runs. Output: $CACHE/kernel-debian or $CACHE/kernel-raspberrypi, one folder for each package,
# `linux` being a link to the kernel's.
. "$(dirname "$0")/lib.sh"
need dpkg-deb dpkg depmod kmod

# Raspberry Pi's own archive is no part of Debian: its line of sources.list comes from who builds.
if [ "$KERNEL" = raspberrypi ]; then
  [ -n "${RPI_APT:-}" ] || die "KERNEL=raspberrypi needs the line of sources.list of Raspberry Pi's archive" \
    "Give it as RPI_APT='deb [signed-by=KEYRING] URL $SUITE main' (docs/image.md)"
  export EXTRA_APT_LINE=$RPI_APT
  meta=linux-image-rpi-v8
else
  meta=linux-image-arm64
fi

# The meta package's kernel: the one package of that name with a version in it.
kernel_package() {
  apt_private "$ARCH" -s install "$meta" | sed -nE 's/^Inst (linux-image-[0-9][^ ]*) .*/\1/p' | head -1
}

versions() { # versions PACKAGE...: what would be downloaded, with its checksum
  apt_private "$ARCH" --print-uris download "$@" | awk '{ print $2, $4 }' | sort
}

mapfile -t packages < <(list "$HERE/kernel.list")
kernel=$(kernel_package)
[ -n "$kernel" ] || die "no kernel behind $meta in the archive"
packages+=("$kernel")
key=$(versions "${packages[@]}")
if dir=$(cached "kernel-$KERNEL" "$key"); then say "kernel: as before ($kernel)"; exit 0; fi
say "kernel: $kernel, with firmware and boot loader"
rm -rf "$dir"
mkdir -p "$dir/.debs"
(cd "$dir/.debs" && apt_private "$ARCH" download "${packages[@]}")
for deb in "$dir"/.debs/*.deb; do
  name=$(dpkg-deb -f "$deb" Package)
  dpkg-deb -x "$deb" "$dir/$name"
  dpkg-deb -f "$deb" Package Version Architecture Source Installed-Size >"$dir/$name/.control"
  echo "$name:$(dpkg-deb -f "$deb" Architecture) $(dpkg-deb -f "$deb" Version)" >>"$dir/packages.txt"
done
rm -rf "$dir/.debs"
ln -sfn "$kernel" "$dir/linux"
release=$(ls "$dir/linux/usr/lib/modules")
depmod -b "$dir/linux/usr" "$release"
cache_done "kernel-$KERNEL" "$dir"
