# shellcheck shell=bash
# What the steps of the image build share: settings, messages, the Debian archive, the cache. Sourced, not run.
set -euo pipefail
# The same on every machine: order of sort, messages of tools, rights of new files.
export LC_ALL=C.UTF-8
umask 022

HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
TOP=$(dirname "$HERE")

SUITE=${SUITE:-trixie}
BOARD=${BOARD:-rpi4}
KERNEL=${KERNEL:-debian}
TEST=${TEST:-0}
# Who chooses the slot: U-Boot, or the Pi's own firmware (`tryboot`).
BOOTLOADER=${BOOTLOADER:-uboot}
ARCH=arm64
TRIPLET=aarch64-unknown-linux-gnu
LIBDIR=usr/lib/aarch64-linux-gnu
DISK_SIGNATURE=b007ca57
# Sizes of the partitions, MiB. What an update brings must fit for years.
FIRMWARE_MIB=64 BOOT_SLOT_MIB=32 ROOT_SLOT_MIB=160 DATA_MIB=64
DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
CACHE=${BOOTHCAST_CACHE:-$HOME/.cache/boothcast}/image
OUT=${OUT:-$TOP/target/image}
# Where this build puts the trees that it makes; one after the other, or beside each other for `repro`.
STAGE=${STAGE:-$CACHE/stage}
VERSION=${VERSION:-$(sed -n 's/^version = "\(.*\)"$/\1/p' "$TOP/Cargo.toml" | head -1)}
# Every date in the image: that of the last commit, unless told.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$TOP" log -1 --format=%ct 2>/dev/null || stat -c %Y "$TOP/Cargo.toml")}
export SOURCE_DATE_EPOCH

say() { echo "image: $*"; }
# die WHAT [MEND]
die() { echo "image: $1${2:+. $2}" >&2; exit 1; }

# need PROGRAM PACKAGE ...: in pairs
need() {
  while [ $# -ge 2 ]; do
    command -v "$1" >/dev/null || die "the program '$1' is missing (Debian package $2)" "Run: make setup-image"
    shift 2
  done
}

need_root() {
  [ "$(id -u)" = 0 ] || die "this needs root, as it makes trees whose files belong to many users" "Run: sudo make image"
}

check_settings() {
  case $BOARD in rpi3 | rpi4 | zero2w | virt) ;; *) die "unknown BOARD '$BOARD'" "Known: rpi3 rpi4 zero2w virt" ;; esac
  case $KERNEL in debian | raspberrypi) ;; *) die "unknown KERNEL '$KERNEL'" "Known: debian raspberrypi" ;; esac
  case $BOOTLOADER in uboot) ;; tryboot)
    [ "$KERNEL" = raspberrypi ] && [ "$BOARD" = rpi4 ] || die "BOOTLOADER=tryboot is for BOARD=rpi4 with KERNEL=raspberrypi" \
      "Debian's kernel cannot ask the firmware for a try, and older boards have no such firmware" ;;
    *) die "unknown BOOTLOADER '$BOOTLOADER'" "Known: uboot tryboot" ;;
  esac
  case $TEST in 0 | 1) ;; *) die "TEST must be 0 or 1, not '$TEST'" ;; esac
  [[ $VERSION =~ ^[0-9]+\.[0-9]+\.[0-9]+([-+.~][0-9A-Za-z.+~-]+)?$ ]] || die "VERSION '$VERSION' is not of the form 1.2.3 or 1.2.3-rc1"
}

# list FILE: the words of a list, without comments
list() { sed 's/#.*//' "$1" | tr -s ' \t\n' '\n' | sed '/^$/d'; }

# ---- the Debian archive ---------------------------------------------------------------------------------------------
# MIRROR and MIRROR_SECURITY, or what this machine's own apt uses.
site_of() { # site_of LABEL
  apt-get indextargets --format '$(SITE)|$(LABEL)' 'Created-By: Packages' 2>/dev/null | awk -F'|' -v l="$1" '$2 == l { print $1; exit }'
}

# The lines of sources.list; printed, so that every user of them uses the same.
apt_lines() {
  local main security keyring="[signed-by=$DEBIAN_KEYRING]" parts="main non-free-firmware"
  main=${MIRROR:-$(site_of Debian)}
  [ -n "$main" ] || die "apt knows no Debian mirror on this machine" "Run apt-get update once, or give MIRROR="
  security=${MIRROR_SECURITY:-$(site_of Debian-Security)}
  echo "deb $keyring $main $SUITE $parts"
  echo "deb $keyring $main $SUITE-updates $parts"
  if [ -n "$security" ]; then echo "deb $keyring $security $SUITE-security $parts"; fi
  if [ -n "${EXTRA_APT_LINE:-}" ]; then echo "$EXTRA_APT_LINE"; fi
}

# apt_private ARCHS COMMAND...: apt-get with a state of its own, for packages of $SUITE; ARCHS is like amd64,arm64
apt_private() {
  local archs=$1 d; shift
  d=$CACHE/apt/${archs//,/-}-$SUITE${EXTRA_APT_LINE:+-extra}
  mkdir -p "$d/lists/partial" "$d/cache/archives/partial"
  : >"$d/status"
  apt_lines >"$d/sources.list.new"
  if ! cmp -s "$d/sources.list.new" "$d/sources.list" 2>/dev/null; then rm -f "$d/updated"; fi
  mv "$d/sources.list.new" "$d/sources.list"
  local o=(-qq -o "Dir::Etc::sourcelist=$d/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::Lists=$d/lists"
    -o "Dir::Cache=$d/cache" -o "Dir::State::status=$d/status" -o Dir::Etc::parts=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o "APT::Architecture=${archs%%,*}" -o "APT::Architectures=$archs" -o APT::Sandbox::User=root -o Acquire::Languages=none
    -o APT::Install-Recommends=false -o Acquire::Retries=3)
  # Package lists older than a day are fetched anew; without a network the old ones do.
  if [ -z "$(find "$d/updated" -mmin -1440 2>/dev/null)" ]; then
    if apt-get "${o[@]}" update; then touch "$d/updated"
    elif [ -e "$d/updated" ]; then say "no fresh package lists: the old ones do"
    else die "cannot get the package lists of $SUITE" "Is the mirror reachable? Another one: MIRROR="
    fi
  fi
  # The archive's own apt settings (proxies) still hold: only lists and state are private.
  apt-get "${o[@]}" "$@"
}

# resolve ARCHS PACKAGE...: every package that an installation would hold, "name:arch version", sorted
resolve() {
  local archs=$1; shift
  apt_private "$archs" -s install "?and(?essential,?architecture(${archs%%,*}))" "$@" |
    sed -nE 's/^Inst ([^ ]+) \(([^ ]+) .*\[([^]]+)\]\).*/\1 \2 \3/p' | awk '{ sub(/:.*/, "", $1); print $1 ":" $3, $2 }' | sort
}

# debootstrap_tree DIR VARIANT ARCHS PACKAGE...: a Debian tree; fetched packages are kept for the next time
debootstrap_tree() {
  local dir=$1 variant=$2 archs=$3 include debs=$CACHE/debs; shift 3
  include=$(IFS=,; echo "$*")
  mkdir -p "$debs"
  rm -rf --one-file-system "$dir"
  apt_lines | mmdebstrap --quiet --mode=root --variant="$variant" --architectures="$archs" --format=directory \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt="path-exclude=/usr/share/locale/*" --dpkgopt="path-exclude=/usr/share/bash-completion/*" \
    --dpkgopt="path-exclude=/usr/lib/udev/hwdb.d/*" \
    --skip=download/empty,essential/unlink \
    --setup-hook='mkdir -p "$1/var/cache/apt/archives"' --setup-hook="sync-in $debs /var/cache/apt/archives" \
    --customize-hook="sync-out /var/cache/apt/archives $debs" --customize-hook='rm -f "$1"/var/cache/apt/archives/*.deb' \
    --include="$include" "$SUITE" "$dir" -
}

# ---- the cache ------------------------------------------------------------------------------------------------------
# cached NAME KEY: prints the folder for this thing; true when it is complete already. Older ones of the same name are
# dropped when a new one is complete, so that the cache doesn't grow.
cached() {
  local key
  # How a thing is made belongs to what it is.
  key=$({ echo "$2"; declare -f debootstrap_tree; cat "$0"; } | sha256sum | cut -c1-16)
  echo "$CACHE/$1-$key"
  [ -e "$CACHE/$1-$key/.done" ]
}
cache_done() { # cache_done NAME DIR
  local old
  touch "$2/.done"
  ln -sfn "$(basename "$2")" "$CACHE/$1"
  for old in "$CACHE/$1"-????????????????; do
    if [ "$old" != "$2" ] && [ -d "$old" ]; then rm -rf --one-file-system "$old"; fi
  done
}

# read_keys: SIGN_CERT, SIGN_KEY, KEYRING and DEVELOPMENT_KEYS of keys.sh
read_keys() {
  local text
  text=$("$HERE/keys.sh") || exit 1
  eval "$text"
}

# Programs of the image's processor run on this machine by qemu-user: needed where packages run scripts of their own.
need_binfmt() {
  local m=/proc/sys/fs/binfmt_misc
  [ "$(dpkg --print-architecture)" != "$ARCH" ] || return 0
  if [ ! -e "$m/status" ]; then mount -t binfmt_misc binfmt_misc "$m" || die "cannot mount binfmt_misc" "Load the kernel module binfmt_misc"; fi
  if [ ! -e "$m/qemu-aarch64" ]; then update-binfmts --enable qemu-aarch64; fi
  arch-test "$ARCH" >/dev/null || die "programs for $ARCH do not run on this machine" "Run: make setup-image"
}

# pi_files FOLDER: what the Pi's firmware needs beside a kernel or a boot loader: itself, and the device trees.
pi_files() {
  local kernel fw dtb d
  kernel=$(readlink -f "$CACHE/kernel-$KERNEL")
  fw=$kernel/raspi-firmware/usr/lib/raspi-firmware
  cp "$fw"/{bootcode.bin,start.elf,fixup.dat,start4.elf,fixup4.dat} "$1/"
  dtb=$(echo "$kernel"/linux/usr/lib/linux-image-*/broadcom)
  for d in bcm2837-rpi-{3-b,3-b-plus,3-a-plus,zero-2-w,cm3-io3} bcm2710-rpi-{3-b,3-b-plus,zero-2-w} bcm2711-rpi-{4-b,400,cm4-io}; do
    if [ -e "$dtb/$d.dtb" ]; then cp "$dtb/$d.dtb" "$1/"; fi
  done
  if [ -d "${dtb%/*}/overlays" ]; then cp -r "${dtb%/*}/overlays" "$1/overlays"; fi
}

# copy_in IMAGE FOLDER: the folder's files into a FAT image, in order and with one date, so that the bytes are the same each time.
copy_in() {
  local f
  find "$2" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
  (cd "$2" && find . -mindepth 1 -printf '%P\n' | sort) | while read -r f; do
    if [ -d "$2/$f" ]; then TZ=UTC mmd -i "$1" "::$f"; else TZ=UTC mcopy -m -i "$1" "$2/$f" "::$f"; fi
  done
}
