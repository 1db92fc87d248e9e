#!/usr/bin/env bash
# What the two partitions of a slot hold: $STAGE/root.img (squashfs, then the hash tree of dm-verity) and, with the kernel
# and the initramfs that knows its hash, $STAGE/boot.img (FAT).
. "$(dirname "$0")/lib.sh"
need mksquashfs squashfs-tools veritysetup cryptsetup-bin mkfs.vfat dosfstools mcopy mtools gzip gzip

ROOT_SLOT=$((ROOT_SLOT_MIB << 20)) BOOT_SLOT_KIB=$((BOOT_SLOT_MIB << 10))
kernel=$(readlink -f "$CACHE/kernel-$KERNEL")
img=$STAGE/root.img

say "root: packing (a minute or two)"
rm -f "$img" "$STAGE/root.verity"
mksquashfs "$STAGE/root" "$img" -noappend -no-progress -quiet -comp "${SQUASH:-zstd}" ${SQUASH_ARGS:--Xcompression-level 19} -b 256K >"$STAGE/mksquashfs.log" 2>&1 ||
  die "mksquashfs failed: $(tail -3 "$STAGE/mksquashfs.log")"
# Padded to the 4096 that dm-verity counts in.
truncate -s %4096 "$img"
size=$(stat -c %s "$img")
# Salt from the content: the same root has the same hash.
salt=$(sha256sum "$img" | cut -c1-64)
veritysetup format --hash-offset="$size" --no-superblock --hash=sha256 --data-block-size=4096 --hash-block-size=4096 \
  --data-blocks=$((size / 4096)) --salt="$salt" "$img" "$img" >"$STAGE/verity.log"
hash=$(sed -n 's/^Root hash:[[:space:]]*//p' "$STAGE/verity.log")
[ ${#hash} = 64 ] || die "veritysetup gave no root hash"
{
  echo "VERITY_HASH=$hash"
  echo "VERITY_SALT=$salt"
  echo "VERITY_DATA_BLOCKS=$((size / 4096))"
  echo "VERITY_HASH_START=$((size / 4096))"
} >"$STAGE/root.verity"
total=$(stat -c %s "$img")
[ "$total" -le "$ROOT_SLOT" ] || die "the root is $total bytes and its slot holds $ROOT_SLOT"
say "root: $size bytes, with the hash tree $total"

"$HERE/41-initramfs.sh"

gzip -9nc "$kernel"/linux/boot/vmlinuz-* >"$STAGE/Image.gz"
rm -f "$STAGE/boot.img"
truncate -s "${BOOT_SLOT_KIB}K" "$STAGE/boot.img"
mkfs.vfat --invariant -F 16 -S 512 -s 4 -n BOOT -i "b007b007" "$STAGE/boot.img" >/dev/null
rm -rf "$STAGE/boot"
mkdir -p "$STAGE/boot"
cp "$STAGE/Image.gz" "$STAGE/initramfs.img" "$STAGE/boot/"
if [ "$BOOTLOADER" = tryboot ]; then
  # No U-Boot: the Pi's firmware starts the kernel from here. One and the same slot image tells A from B by the partition.
  pi_files "$STAGE/boot"
  {
    grep -v '^kernel=' "$HERE/boot/config-raspberrypi.txt"
    printf 'kernel=Image.gz\ninitramfs initramfs.img followkernel\n[boot_partition=2]\ncmdline=cmdline-a.txt\n[boot_partition=3]\ncmdline=cmdline-b.txt\n[all]\n'
  } >"$STAGE/boot/config.txt"
  for s in a b; do
    echo "console=ttyS0,115200 rauc.slot=${s^} panic=10 oops=panic quiet logo.nologo vt.global_cursor_default=0" >"$STAGE/boot/cmdline-$s.txt"
  done
fi
copy_in "$STAGE/boot.img" "$STAGE/boot"
say "boot slot: kernel $(stat -c %s "$STAGE/Image.gz") bytes"
