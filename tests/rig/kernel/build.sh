#!/usr/bin/env bash
# Builds the rig's kernel (User-Mode Linux) once, from Debian's kernel source package, and prints the folder it is in:
# `linux` (the program), `modules/<release>`, `config`. The folder's name is the hash of all that goes in, so a change
# of the configuration, of this script or of the source package builds anew, and nothing else does.
# usage: build.sh [--where]     --where: only print the folder, build nothing
#   BOOTHCAST_CACHE   where builds are kept; else ~/.cache/boothcast; else target/ in the checkout
#   RIG_JOBS          compilers at once; else all cores
set -euo pipefail
here=$(dirname "$(realpath "$0")")
package=linux-source-6.12

cache=${BOOTHCAST_CACHE:-${HOME:-/nonexistent}/.cache/boothcast}
mkdir -p "$cache" 2>/dev/null || cache=$(realpath "$here/../../..")/target
inputs=$( { cat "$here"/{build.sh,rig.config,dummy_iso.h}; gcc -dumpfullversion; uname -m; } | sha256sum)
out=$cache/rig/${inputs:0:16}
if [ "${1:-}" = --where ]; then echo "$out"; exit 0; fi

say() { echo "rig kernel: $*" >&2; }
mkdir -p "$cache/rig"
exec 9>"$cache/rig/lock"
flock -n 9 || { say "waiting for another build"; flock 9; }
if [ -e "$out/done" ]; then echo "$out"; exit 0; fi

work=$cache/rig/work
rm -rf "$work" "$out"
mkdir -p "$work" "$out"
trap 'rm -rf "$work"' EXIT
cd "$work"
say "fetching $package"
# A fresh machine may have no package lists, or old ones.
apt-get download -qq "$package" >/dev/null 2>&1 || { apt-get update -qq && apt-get download -qq "$package" >/dev/null; } ||
  { say "the package $package cannot be had: check the network and apt's sources"; exit 1; }
dpkg-deb --fsys-tarfile "$package"_*.deb | tar -xO --wildcards './usr/src/*.tar.xz' | tar -xJ
rm -f ./*.deb
tree=$work/$package

# Frames are paced by jiffies in vivid and snd-aloop: 100 Hz, the default, makes 30 frames a second uneven.
sed -i '/^config HZ$/,/^$/s/default [0-9]*/default 1000/' "$tree/arch/um/Kconfig"

# Isochronous transfers for the USB emulation: see dummy_iso.h. Each edit must hit exactly once.
udc=$tree/drivers/usb/gadget/udc
cp "$here/dummy_iso.h" "$udc/"
edit() { # file, line that must be there once (fixed string), replacement of that line
  [ "$(grep -cxF -- "$2" "$1")" = 1 ] || { say "$(basename "$1") is not as expected: $2"; exit 1; }
  OLD=$2 NEW=$3 awk '$0 == ENVIRON["OLD"] { print ENVIRON["NEW"]; next } { print }' "$1" >"$1.new"
  mv "$1.new" "$1"
}
tab=$'\t' nl=$'\n'
edit "$udc/dummy_hcd.c" "${tab}u32${tab}${tab}${tab}miter_started;" "${tab}u32${tab}${tab}${tab}miter_started;${nl}${tab}int iso_done;"
edit "$udc/dummy_hcd.c" "${tab}urbp->miter_started = 0;" "${tab}urbp->miter_started = 0;${nl}${tab}urbp->iso_done = 0;"
edit "$udc/dummy_hcd.c" "${tab}unsigned long${tab}${tab}${tab}last_io;${tab}/* jiffies timestamp */" "${tab}unsigned long last_io;${nl}${tab}u64 iso_next;"
# The driver has isochronous endpoints (ep3in-iso and five more) between comment marks: out with the marks. What is
# queued there must wait for its turn, so it does not go through the emulated FIFO.
[ "$(sed -n '/^} ep_info/,/^#undef EP_INFO/p' "$udc/dummy_hcd.c" | grep -cx '/\*\|\*/')" = 6 ] || { say "the endpoints of dummy_hcd.c are not as expected"; exit 1; }
sed -i '/^} ep_info/,/^#undef EP_INFO/{/^\/\*$/d;/^\*\/$/d}' "$udc/dummy_hcd.c"
edit "$udc/dummy_hcd.c" "${tab}${tab}${tab}!dum->fifo_req_busy &&" "${tab}${tab}${tab}!dum->fifo_req_busy && !usb_endpoint_xfer_isoc(ep->desc) &&"
edit "$udc/dummy_hcd.c" "${tab}ep->halted = ep->wedged = 0;" "${tab}ep->halted = ep->wedged = 0;${nl}${tab}ep->iso_next = 0;"
edit "$udc/dummy_hcd.c" "static int periodic_bytes(struct dummy *dum, struct dummy_ep *ep)" "#include \"dummy_iso.h\"${nl}static int periodic_bytes(struct dummy *dum, struct dummy_ep *ep)"
edit "$udc/dummy_hcd.c" "${tab}${tab}${tab}status = -EINVAL;${tab}/* fail all xfers */" "${tab}${tab}${tab}dummy_iso(dum_hcd, urbp, ep, &status);"
# 8000 timer interrupts a second would cost most of an emulated processor; dummy_iso() catches up by itself.
sed -i 's/^#define DUMMY_TIMER_INT_NSECS.*/#define DUMMY_TIMER_INT_NSECS 1000000/' "$udc/dummy_hcd.c"

k() { make -s -C "$tree" ARCH=um O="$work/build" "$@"; }
mkdir -p "$work/build"
say "configuring"
k KCONFIG_ALLCONFIG="$here/rig.config" allnoconfig >/dev/null
while IFS='=' read -r name value; do
  case $name in CONFIG_*) ;; *) continue ;; esac
  if [ "$value" = n ]; then ! grep -q "^$name=" "$work/build/.config"; else grep -qxF "$name=$value" "$work/build/.config"; fi ||
    { say "$name=$value was not taken"; exit 1; }
done <"$here/rig.config"

say "compiling (a few minutes)"
k -j"${RIG_JOBS:-$(nproc)}" linux modules >"$out/build.log" 2>&1 || { tail -30 "$out/build.log" >&2; exit 1; }
k INSTALL_MOD_PATH="$work/stage" INSTALL_MOD_STRIP=1 modules_install >>"$out/build.log" 2>&1
mv "$work/stage/lib/modules" "$out/modules"
rm -f "$out"/modules/*/{build,source}
strip -o "$out/linux" "$work/build/linux"
cp "$work/build/.config" "$out/config"
touch "$out/done"
# Older builds are of no use to this checkout, and the cache of a machine is not endless: three are kept.
find "$cache/rig" -mindepth 2 -maxdepth 2 -name done -printf '%T@ %h\n' | sort -rn | tail -n +4 | cut -d' ' -f2- |
  while read -r old; do rm -rf "$old"; done
say "built in $SECONDS s"
echo "$out"
