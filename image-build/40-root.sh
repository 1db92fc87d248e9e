#!/usr/bin/env bash
# The root file system as a tree: base, less what no box needs, plus plug-ins, modules, firmware and our own files.
# Output: $STAGE/root
. "$(dirname "$0")/lib.sh"
need_root
need readelf binutils systemd-sysusers systemd
need_binfmt

r=$STAGE/root
base=$(readlink -f "$CACHE/base") pool=$(readlink -f "$CACHE/pool-$KERNEL") kernel=$(readlink -f "$CACHE/kernel-$KERNEL")
read_keys

put() { # put MODE SOURCE PLACE: a file of ours, noted for the list of parts
  install -D -m "$1" "$2" "$r$3"
  echo "$3 boothcast $VERSION" >>"$STAGE/ours.txt"
}
text() { # text PLACE: a file of ours from the standard input
  mkdir -p "$r${1%/*}"
  cat >"$r$1"
  echo "$1 boothcast $VERSION" >>"$STAGE/ours.txt"
}
link() { # link TARGET PLACE
  mkdir -p "$r${2%/*}"
  ln -sfn "$1" "$r$2"
  echo "$2 boothcast $VERSION" >>"$STAGE/ours.txt"
}

copy_base() {
  rm -rf --one-file-system "$r"
  mkdir -p "$r"
  tar -C "$base" --one-file-system --exclude=./.done --exclude=./packages.txt -c . | tar -C "$r" -x --numeric-owner
  : >"$STAGE/ours.txt"
}

# Licences first, as the folder that they lie in goes; then what prune.list names.
licences() {
  rm -rf "$STAGE/licences"
  "$HERE/licences.py" "$STAGE/licences" "$base" "$pool/root" "$kernel"/*/
  if [ -d "$base/usr/share/common-licenses" ]; then cp -rL "$base/usr/share/common-licenses" "$STAGE/licences/common-licenses"; fi
}

prune() {
  local pattern
  while read -r pattern; do
    [ "${pattern#/}" != "$pattern" ] || die "prune.list: '$pattern' is no path"
    # Meant to be expanded, inside the root and not on this machine.
    # shellcheck disable=SC2086
    rm -rf --one-file-system "$r"$pattern
  done < <(list "$HERE/prune.list")
}

# take: those files of the pool, named one a line, that the root has not yet.
take() {
  local f
  while read -r f; do
    if [ ! -e "$r$f" ] && [ ! -L "$r$f" ]; then echo ".$f"; fi
  done | tar -C "$pool/root" --no-recursion -T - -c | tar -C "$r" -x --numeric-owner --keep-directory-symlink
}

plugins() {
  local names=() p lib=/$LIBDIR
  for p in $(list "$HERE/gst-plugins.list"); do names+=("$lib/gstreamer-1.0/libgst$p.so"); done
  names+=("$lib/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner" "$lib/libgstrtspserver-1.0.so.0")
  if [ "$KERNEL" = raspberrypi ]; then
    for p in $(list "$HERE/gst-plugins-raspberrypi.list"); do names+=("$lib/gstreamer-1.0/libgst$p.so"); done
    # libcamera opens its parts by name: the image processing of the Pi's cameras.
    for p in "$pool/root$lib"/libcamera/*rpi* "$pool/root$lib"/libcamera/ipa/*rpi*; do if [ -f "$p" ]; then names+=("${p#"$pool/root"}"); fi; done
  fi
  if [ "$TEST" = 1 ]; then for p in $(list "$HERE/test.list"); do names+=("$p"); done; fi
  "$HERE/elf.py" "$pool/root" "@$STAGE/boothcast" "${names[@]}" >"$STAGE/closure.txt"
  take <"$STAGE/closure.txt"
  # Data without which those libraries do not work.
  (cd "$pool/root" && find usr/share/alsa etc/fonts usr/share/fontconfig usr/share/libcamera -not -type d -printf '/%p\n' 2>/dev/null || true) | sort | take
  say "plug-ins: $(wc -l <"$STAGE/closure.txt") files"
}

kernel_files() {
  local from=$kernel/firmware-brcm80211/usr/lib/firmware to=$r/usr/lib/firmware f
  cp -a "$STAGE/modules/usr/lib/modules" "$r/usr/lib/"
  # The radio of the Pi 3, 4 and Zero 2 W, and no other of the package's many.
  (cd "$from" && find brcm cypress \( -name '*4343[06]*' -o -name '*4345[56]*' -o -name 'BCM4345*' -o -name 'BCM4343*' \) \
    \( -name '*raspberrypi*' -o -name 'cyfmac*' -o -name 'brcmfmac434*-sdio.bin' -o -name '*.clm_blob' \)) | sort | while read -r f; do
    mkdir -p "$to/${f%/*}"
    cp -a "$from/$f" "$to/$f"
  done
}

# systemd/INSTALL has a line for each file of systemd/: SOURCE PLACE MODE.
service_files() {
  local source place mode from=$TOP/systemd/INSTALL
  [ -e "$from" ] || from=$HERE/files/systemd.install
  while read -r source place mode; do
    case $source in '' | '#'*) continue ;; esac
    put "${mode:-0644}" "$TOP/systemd/$source" "$place"
  done <"$from"
}

# rauc/: system.conf, and the programs that RAUC and the trial unit call.
rauc_files() {
  local f conf=$STAGE/system.conf
  cp "$HERE/rauc/system.conf" "$conf"
  if [ "$BOOTLOADER" = tryboot ]; then
    # The firmware of the Pi chooses the slot: RAUC asks our program instead of U-Boot's variables.
    sed -i -e 's/^bootloader=uboot$/bootloader=custom/' -e '/^boot-attempts/d' -e 's/^#tryboot //' "$conf"
    put 0755 "$HERE/rauc/tryboot-shutdown" /usr/lib/systemd/system-shutdown/boothcast-tryboot
  fi
  put 0644 "$conf" /etc/rauc/system.conf
  for f in "$HERE"/rauc/*; do
    case ${f##*/} in *.conf | *.md | tryboot-shutdown) ;; *) put 0755 "$f" "/usr/lib/boothcast/${f##*/}" ;; esac
  done
}

our_files() {
  local f
  put 0755 "$STAGE/boothcast" /usr/bin/boothcast
  service_files
  put 0644 "$HERE/files/persist.list" /usr/lib/boothcast/persist.list
  put 0644 "$HERE/files/90-boothcast-slots.rules" /usr/lib/udev/rules.d/90-boothcast-slots.rules
  put 0644 "$KEYRING" /etc/rauc/keyring.pem
  rauc_files
  text /etc/boothcast-release <<RELEASE
VERSION=$VERSION
BOARD=$BOARD
BUILD=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
KERNEL=$KERNEL
RELEASE
  put 0644 "$HERE/files/boothcast.toml" /etc/boothcast/boothcast.toml
  for f in "$HERE"/files/etc/*; do cp -a "$f" "$r/etc/"; done
  (cd "$HERE/files/etc" && find . -type f -printf "/etc/%P boothcast $VERSION\n") >>"$STAGE/ours.txt"
  chown -R 0:0 "$r/etc/systemd" "$r/etc/NetworkManager"
}

# The certificate authorities, as the one file that every TLS library reads.
authorities() {
  mkdir -p "$r/etc/ssl/certs"
  find "$r/etc/ssl/certs" -mindepth 1 -delete
  find "$pool/root/usr/share/ca-certificates" -name '*.crt' -print0 | sort -z | xargs -0 sed '$a\' >"$r/etc/ssl/certs/ca-certificates.crt"
}

# Users of ours have fixed numbers, as files of the data partition belong to them over many updates.
users() {
  text /usr/lib/sysusers.d/00-boothcast-ids.conf <<'USERS'
u boothcast 900 "Boothcast camera box" /var/lib/boothcast
g gpio 901
USERS
  systemd-sysusers --root="$r" >"$STAGE/sysusers.log" 2>&1 || die "systemd-sysusers failed: $(tail -3 "$STAGE/sysusers.log")"
  # Dates in shadow would differ from day to day; and nobody has a password.
  sed -i -E 's/^([^:]+):[^:]*:[^:]*:/\1:!*:20000:/' "$r/etc/shadow"
  # No program runs with more rights than who starts it.
  find "$r" -xdev -type f -perm /6000 -exec chmod ug-s {} +
  rm -f "$r"/etc/{passwd-,group-,shadow-,gshadow-,.pwd.lock,subuid-,subgid-}
}

enable() { # enable UNIT TARGET
  [ -e "$r/usr/lib/systemd/system/$1" ] || die "the unit $1 is not in the root"
  link "/usr/lib/systemd/system/$1" "/etc/systemd/system/$2/$1"
}

# What an [Install] section says, for our units and those named; nothing else is started.
units() {
  local unit line
  rm -rf "$r"/etc/systemd/system/*.wants "$r"/etc/systemd/system/*.requires
  for unit in $( (awk '{ print $1 }' "$STAGE/ours.txt" | sed -n 's#^/usr/lib/systemd/system/\([^/]*\)$#\1#p'; list "$HERE/units.list") | sort -u); do
    [ -e "$r/usr/lib/systemd/system/$unit" ] || die "the unit $unit is not in the root"
    for line in $(sed -n 's/^WantedBy=//p' "$r/usr/lib/systemd/system/$unit"); do enable "$unit" "$line.wants"; done
    for line in $(sed -n 's/^RequiredBy=//p' "$r/usr/lib/systemd/system/$unit"); do enable "$unit" "$line.requires"; done
    for line in $(sed -n 's/^Alias=//p' "$r/usr/lib/systemd/system/$unit"); do link "/usr/lib/systemd/system/$unit" "/etc/systemd/system/$line"; done
  done
  for unit in $(list "$HERE/masked.list"); do link /dev/null "/etc/systemd/system/$unit"; done
}

fixed_files() {
  printf 'uninitialized\n' | text /etc/machine-id
  rm -f "$r/etc/hostname" "$r/etc/resolv.conf" "$r/var/lib/dbus/machine-id" "$r/var/lib/systemd/random-seed" "$r"/etc/*.old "$r/etc/mtab"
  echo boothcast | text /etc/hostname
  printf '127.0.0.1 localhost\n127.0.1.1 boothcast\n::1 localhost ip6-localhost\n' | text /etc/hosts
  link ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
  link /proc/self/mounts /etc/mtab
  text /etc/fstab </dev/null
  # The places of mounts, as the root cannot be written to.
  mkdir -p "$r"/{data,boot/firmware,mnt,srv,opt,home,root,tmp,run,proc,sys,dev,etc/NetworkManager/system-connections,etc/dropbear}
  mkdir -p "$r"/var/{log,cache,tmp,lib/boothcast,lib/NetworkManager,lib/rauc,lib/systemd/timesync,spool}
  chmod 1777 "$r/var/tmp" "$r/tmp"
  rm -rf "$r"/{run,tmp,dev,proc,sys}/* "$r"/var/tmp/* "$r"/boot/[!f]* "$r"/usr/share/boothcast/licences*
  find "$r" \( -name '*.pyc' -o -name '*.dpkg-*' -o -name '*~' -o -name .gitkeep \) -delete
  # By the root's own ldconfig, as this machine's knows nothing of the box's libraries; it isn't needed any more then.
  chroot "$r" /sbin/ldconfig -X
  rm -rf "$r/var/cache/ldconfig" "$r/usr/sbin/ldconfig"
}

# Libraries that only what was taken out has needed.
sweep() {
  local f n=0
  for f in $("$HERE/links.py" unused "$r"); do rm "$r$f"; n=$((n + 1)); done
  # Links to what was taken out: of libraries, and of units that wanted them.
  "$HERE/links.py" dangling "$r" | sed 's/ -> .*//' | while read -r f; do
    case $f in "/$LIBDIR"/* | /usr/lib/systemd/* | /usr/bin/* | /usr/sbin/* | /etc/default/* | /etc/alternatives/* | /usr/share/*) rm "$r$f" ;; esac
  done
  say "root: $n unused libraries taken out"
}

# What the box can tell about itself: its packages and their licences.
own_parts() {
  mkdir -p "$r/usr/share/boothcast"
  : >"$r/usr/share/boothcast/packages.txt"
  : >"$r/usr/share/boothcast/licences.tar.zst"
  "$HERE/parts.py" "$STAGE" "$base" "$pool" "$kernel"
  cp "$STAGE/packages.txt" "$r/usr/share/boothcast/packages.txt"
  tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$STAGE" -c licences | zstd -q -19 -c >"$r/usr/share/boothcast/licences.tar.zst"
}

# Dates: one for all, so that when a tree was made doesn't matter; and "nothing has changed since" for systemd, which else
# makes its caches anew at each start.
dates() {
  printf '# Made with the image.\nTIMESTAMP_NSEC=%s000000000\n' "$SOURCE_DATE_EPOCH" | tee "$r/etc/.updated" >"$r/var/.updated"
  # All of them, for those of packages are kept by some tools and not by others, and a base system that was made earlier has other dates.
  find "$r" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

test_overlay() {
  [ "$TEST" = 1 ] || return 0
  say "root: with the TEST overlay: a root shell on the serial line. Never give this image away"
  tar -C "$HERE/test-overlay" --owner=0 --group=0 -c . | tar -C "$r" -x
  (cd "$HERE/test-overlay" && find . -not -type d -printf "/%P boothcast-test $VERSION\n") >>"$STAGE/ours.txt"
}

say "root: putting it together"
mkdir -p "$STAGE"
copy_base
licences
prune
plugins
kernel_files
authorities
our_files
users
units
test_overlay
sweep
fixed_files
own_parts
dates
say "root: $(du -sm --apparent-size "$r" | cut -f1) MB unpacked"
