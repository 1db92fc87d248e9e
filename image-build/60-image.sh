#!/usr/bin/env bash
# The card: partition table, firmware partition, slot A, the data partition; all written to files, nothing is mounted.
# Slot B stays empty until the first update. Output: $STAGE/sdcard.img
. "$(dirname "$0")/lib.sh"
need sfdisk fdisk mkfs.vfat dosfstools mcopy mtools mke2fs e2fsprogs mkimage u-boot-tools mkenvimage u-boot-tools

kernel=$(readlink -f "$CACHE/kernel-$KERNEL")
img=$STAGE/sdcard.img

# ---- partition 1: boot firmware, U-Boot, device trees, and boothcast.toml for people
firmware_files() {
  local f
  rm -rf "$STAGE/firmware"
  mkdir -p "$STAGE/firmware"
  if [ "$BOOTLOADER" = tryboot ]; then
    # Which boot partition: the rest lies there.
    printf '[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n' >"$STAGE/firmware/autoboot.txt"
  else
    pi_files "$STAGE/firmware"
    uboot_files
  fi
  for f in "$HERE"/firmware/* "$STAGE"/root/usr/share/boothcast/boot/*; do
    [ -f "$f" ] || continue
    # Windows' Notepad, too, shall show lines.
    sed 's/$/\r/' "$f" >"$STAGE/firmware/${f##*/}"
  done
}

uboot_files() {
  cp "$kernel/u-boot-rpi/usr/lib/u-boot/rpi_arm64/u-boot.bin" "$STAGE/firmware/"
  cp "$HERE/boot/config-$KERNEL.txt" "$STAGE/firmware/config.txt"
  boot_script >"$STAGE/boot.cmd"
  mkimage -A arm64 -T script -C none -n boothcast -d "$STAGE/boot.cmd" "$STAGE/firmware/boot.scr" >/dev/null
}

# The serial console has another name in each kernel.
boot_script() {
  local console=ttyS1,115200
  if [ "$KERNEL" = raspberrypi ]; then console=ttyS0,115200; fi
  sed "s/@CONSOLE@/$console/" "$HERE/boot/boot.cmd"
}

fat() { # fat FILE MIB LABEL ID FOLDER
  rm -f "$1"
  truncate -s "$2M" "$1"
  mkfs.vfat --invariant -F 32 -S 512 -s 1 -n "$3" -i "$4" "$1" >/dev/null
  copy_in "$1" "$5"
}

# ---- partition 7: what outlives an update. Its names come from the root's list; the machine fills it.
data() {
  rm -f "$STAGE/data.img"
  truncate -s "${DATA_MIB}M" "$STAGE/data.img"
  # The clock of both tools; a folder given to mke2fs would bring the time at which its inodes were changed last. Room is kept to
  # grow to 1 TiB.
  local -x E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH
  mke2fs -q -t ext4 -b 4096 -m 1 -L data -U b007ca57-0000-4000-8000-000000000007 \
    -E hash_seed=b007ca57-0000-4000-8000-000000000008,root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0,resize=268435456 \
    -O ^metadata_csum_seed,^orphan_file "$STAGE/data.img"
  debugfs -w -R 'mkdir persist' "$STAGE/data.img" 2>/dev/null
  # debugfs says nothing by its exit status.
  debugfs -R 'stat persist' "$STAGE/data.img" 2>/dev/null | grep -q 'Type: directory' || die "the data partition has no folder persist" "Run debugfs on $STAGE/data.img by hand"
}

put() { # put FILE MIB: into the image at this offset, leaving holes
  dd if="$1" of="$img" bs=1M seek="$2" conv=notrunc,sparse status=none
}

say "card: firmware partition and data partition"
firmware_files
fat "$STAGE/firmware.img" "$FIRMWARE_MIB" FIRMWARE b007b001 "$STAGE/firmware"
data
printf 'BOOT_ORDER=A B\nBOOT_A_LEFT=3\nBOOT_B_LEFT=0\n' | mkenvimage -s 0x4000 -o "$STAGE/state.img" -

# Each logical partition has a record of its own in front: 1 MiB for it.
p1=4
p2=$((p1 + FIRMWARE_MIB))
p3=$((p2 + BOOT_SLOT_MIB))
p4=$((p3 + BOOT_SLOT_MIB))
p5=$((p4 + 1))
p6=$((p5 + ROOT_SLOT_MIB + 1))
p7=$((p6 + ROOT_SLOT_MIB + 1))
end=$((p7 + DATA_MIB))
rm -f "$img"
truncate -s "${end}M" "$img"
sfdisk --quiet --no-reread --no-tell-kernel "$img" <<TABLE
label: dos
label-id: 0x$DISK_SIGNATURE
unit: sectors
1: start=${p1}MiB, size=${FIRMWARE_MIB}MiB, type=c, bootable
2: start=${p2}MiB, size=${BOOT_SLOT_MIB}MiB, type=e
3: start=${p3}MiB, size=${BOOT_SLOT_MIB}MiB, type=e
4: start=${p4}MiB, size=$((end - p4))MiB, type=f
5: start=${p5}MiB, size=${ROOT_SLOT_MIB}MiB, type=83
6: start=${p6}MiB, size=${ROOT_SLOT_MIB}MiB, type=83
7: start=${p7}MiB, size=${DATA_MIB}MiB, type=83
TABLE
dd if="$STAGE/state.img" of="$img" bs=512K seek=1 conv=notrunc status=none
put "$STAGE/firmware.img" "$p1"
put "$STAGE/boot.img" "$p2"
put "$STAGE/root.img" "$p5"
put "$STAGE/data.img" "$p7"
say "card: $((end)) MiB, $(du -m "$img" | cut -f1) MiB of them written"
