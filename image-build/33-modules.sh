#!/usr/bin/env bash
# The kernel's modules for the image, $STAGE/modules, and those for the initramfs, $STAGE/modules-initramfs.
. "$(dirname "$0")/lib.sh"
need depmod kmod

kernel=$(readlink -f "$CACHE/kernel-$KERNEL")/linux/usr
release=$(ls "$kernel/lib/modules")

# pick FOLDER LIST...: the modules of the lists, with their index
pick() {
  local to=$1/usr/lib/modules/$release; shift
  mkdir -p "$to"
  "$HERE/modules.py" "$kernel/lib/modules/$release" "$@" >"$STAGE/modules.txt"
  (cd "$kernel/lib/modules/$release" && xargs -a "$STAGE/modules.txt" cp --parents -t "$to" && cp modules.builtin modules.builtin.modinfo modules.order "$to")
  depmod -b "${to%/lib/modules/*}" "$release"
}

rm -rf "$STAGE/modules" "$STAGE/modules-initramfs"
lists=("$HERE/modules.list"); [ "$TEST" = 0 ] || lists+=("$HERE/modules-test.list")
pick "$STAGE/modules" "${lists[@]}"
say "modules: $(wc -l <"$STAGE/modules.txt") of kernel $release"
pick "$STAGE/modules-initramfs" "$HERE/modules-initramfs.list"
