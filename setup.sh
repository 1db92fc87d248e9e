#!/usr/bin/env bash
# Installs what is missing, Debian packages by name. Does nothing, quickly, when all is there.
# usage: setup.sh [run] [test] [rig] [image]
set -euo pipefail

run=(
  build-essential pkg-config clang libclang-dev
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgstrtspserver-1.0-dev libasound2-dev
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
  gstreamer1.0-plugins-ugly gstreamer1.0-libav gstreamer1.0-alsa gstreamer1.0-x
  mosquitto glib-networking fonts-dejavu-core fonts-wqy-microhei fonts-noto-core fonts-noto-color-emoji ca-certificates
)
rig=(
  flex bison bc xz-utils kmod iproute2 v4l-utils alsa-utils gpiod
  network-manager wpasupplicant hostapd dnsmasq-base iw dbus curl
)
image=(
  mmdebstrap arch-test qemu-user-static binfmt-support binutils python3 kmod cpio xz-utils zstd
  squashfs-tools cryptsetup-bin dosfstools mtools e2fsprogs fdisk u-boot-tools bmap-tools rauc openssl systemd qemu-system-arm
)
test=(ffmpeg nginx libnginx-mod-rtmp openssl procps mosquitto mosquitto-clients rauc dbus-daemon squashfs-tools chromium chromium-driver)

wanted=()
for set in "${@:-run}"; do
  case $set in
    run) wanted+=("${run[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    rig) wanted+=("${rig[@]}") ;;
    image) wanted+=("${image[@]}") ;;
    *) echo "setup.sh: unknown set '$set'; known: run test rig image" >&2; exit 2 ;;
  esac
done

command -v dpkg-query >/dev/null || { echo "This needs Debian 12 or 13 (or Raspberry Pi OS)." >&2; exit 1; }
missing=()
for p in "${wanted[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || true)" = installed ] || missing+=("$p")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "Installing: ${missing[*]}"
  as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "Please install as root: apt-get install ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
  fi
  # Tests run a NetworkManager of their own, in namespaces; this machine's network stays with whoever has it now.
  if [[ " ${missing[*]} " == *" network-manager "* ]] && [ -d /run/systemd/system ]; then
    echo "NetworkManager is masked on this machine; to use it: systemctl unmask --now NetworkManager"
    "${as_root[@]}" systemctl mask NetworkManager NetworkManager-wait-online >/dev/null 2>&1 || true
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  # Tests and `make run` start their own; the packages must not leave one running on the usual port.
  for service in nginx mosquitto; do
    if [[ " ${missing[*]} " == *" $service "* ]] && [ -d /run/systemd/system ]; then
      "${as_root[@]}" systemctl disable --now "$service" >/dev/null 2>&1 || true
    fi
  done
fi

command -v cargo >/dev/null || { echo "The Rust toolchain is missing: see rustup in Rust's own documentation." >&2; exit 1; }
if [[ " $* " == *" test "* ]] && ! cargo nextest --version >/dev/null 2>&1; then
  echo "Installing cargo-nextest (once)"
  cargo install --locked cargo-nextest
fi
