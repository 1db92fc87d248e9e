#!/usr/bin/env bash
# The initramfs: busybox, dmsetup, a few modules, and the hash of the root that it opens.
# In: $STAGE/root.verity. Output: $STAGE/initramfs.img
. "$(dirname "$0")/lib.sh"
need cpio cpio zstd zstd depmod kmod readelf binutils

kernel=$(readlink -f "$CACHE/kernel-$KERNEL")
pool=$(readlink -f "$CACHE/pool-$KERNEL")/root
release=$(ls "$kernel/linux/usr/lib/modules")
t=$STAGE/initramfs
rm -rf "$t"
mkdir -p "$t"/{bin,dev,proc,sys,run,newroot,etc,usr/lib/modules/"$release"}
ln -s usr/lib "$t/lib"

install -m 755 "$kernel/busybox-static/usr/bin/busybox" "$t/bin/busybox"
for a in sh mount umount modprobe switch_root sleep mkdir cat cut grep chmod chown chroot dd hexdump ln readlink reboot wc tr; do ln -s busybox "$t/bin/$a"; done

# dmsetup and its libraries. The loader has a fixed place.
"$HERE/elf.py" "$pool" /usr/sbin/dmsetup /usr/lib/ld-linux-aarch64.so.1 | while read -r f; do
  mkdir -p "$t${f%/*}"
  cp -a "$pool$f" "$t$f"
done

# Modules, unpacked: the whole is compressed at the end.
from=$STAGE/modules-initramfs/usr/lib/modules/$release
(cd "$from" && find . -name '*.ko*' -printf '%P\n') | sort | while read -r m; do
  mkdir -p "$t/usr/lib/modules/$release/${m%/*}"
  case $m in
    *.xz) xz -dc "$from/$m" >"$t/usr/lib/modules/$release/${m%.xz}" ;;
    *.zst) zstd -qdc "$from/$m" >"$t/usr/lib/modules/$release/${m%.zst}" ;;
    *) cp "$from/$m" "$t/usr/lib/modules/$release/$m" ;;
  esac
done
cp "$from"/modules.builtin "$from"/modules.builtin.modinfo "$from"/modules.order "$t/usr/lib/modules/$release/"
depmod -b "$t/usr" "$release"
rm -f "$t/usr/lib/modules/$release"/modules.{symbols,symbols.bin,builtin.modinfo,order,devname,softdep,weakdep}

{
  echo "SIGNATURE=$DISK_SIGNATURE"
  echo "MODULES='$(list "$HERE/modules-initramfs.list" | sed 's/^?//' | tr '\n' ' ')'"
  cat "$STAGE/root.verity"
} >"$t/etc/image"
install -m 755 "$HERE/boot/init" "$t/init"

find "$t" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
(cd "$t" && find . -print0 | sort -z | cpio -0 --quiet --reproducible -R 0:0 -o -H newc) | zstd -19 -q -T1 >"$STAGE/initramfs.img"
say "initramfs: $(stat -c %s "$STAGE/initramfs.img") bytes"
