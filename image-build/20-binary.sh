#!/usr/bin/env bash
# The program for the box, built in the build root with this machine's Rust. Output: $STAGE/boothcast (BINARY= skips this)
# CARGO_PROFILE=quick builds in half the time, with a slower program (docs/image.md).
. "$(dirname "$0")/lib.sh"
need_root

out=$STAGE/boothcast
mkdir -p "$STAGE"
if [ -n "${BINARY:-}" ]; then
  [ -f "$BINARY" ] || die "BINARY=$BINARY is not a file"
  readelf -h "$BINARY" 2>/dev/null | grep -q 'Machine:.*AArch64' || die "BINARY=$BINARY is not a program for $ARCH"
  say "program: $BINARY, as given"
  install -m 755 "$BINARY" "$out"
  exit 0
fi

need cargo rustup rustup rustup readelf binutils unshare util-linux
root=$(readlink -f "$CACHE/builder")
[ -e "$root/.done" ] || die "the build root is not there" "Run: make image"
toolchain=$(cd "$TOP" && rustup show active-toolchain | cut -d' ' -f1)
if ! rustup target list --toolchain "$toolchain" --installed | grep -qx "$TRIPLET"; then
  say "program: adding Rust's target $TRIPLET"
  rustup target add --toolchain "$toolchain" "$TRIPLET"
fi

export root toolchain RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} CARGO_HOME=${CARGO_HOME:-$HOME/.cargo}
export profile=${CARGO_PROFILE:-release} target=${IMAGE_TARGET_DIR:-$CACHE/target} TOP TRIPLET
mkdir -p "$target" "$CARGO_HOME"
say "program: cross build, profile $profile (about ten minutes at first)"

# Mounts in a mount namespace of their own: they go when this ends, however it ends. The checkout and the build folder are
# mounted at fixed places, so that their paths, which go into the program, are the same on every machine.
unshare --mount --propagation private bash -euo pipefail <<'INSIDE'
bind() { mkdir -p "$root$2"; mount --rbind "$1" "$root$2"; }
bind "$TOP" /src; bind "$target" /target; bind "$RUSTUP_HOME" /rustup; bind "$CARGO_HOME" /cargo
mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"; mount --rbind /sys "$root/sys"
# Names and certificates as on this machine, as cargo may fetch crates.
for f in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
  if [ -e "$f" ]; then mkdir -p "$root${f%/*}"; : >>"$root$f"; mount --bind "$(readlink -f "$f")" "$root$f"; fi
done
under=${TRIPLET//-/_}
exec chroot "$root" /usr/bin/env -i PATH="/rustup/toolchains/$toolchain/bin:/usr/sbin:/usr/bin:/sbin:/bin" HOME=/root LC_ALL=C.UTF-8 \
  RUSTUP_HOME=/rustup CARGO_HOME=/cargo CARGO_TARGET_DIR=/target CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0 \
  CARGO_NET_OFFLINE="${CARGO_NET_OFFLINE:-false}" SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
  PKG_CONFIG_ALLOW_CROSS=1 PKG_CONFIG=aarch64-linux-gnu-pkg-config \
  "CARGO_TARGET_${under^^}_LINKER=aarch64-linux-gnu-gcc" "CC_$under=aarch64-linux-gnu-gcc" "AR_$under=aarch64-linux-gnu-ar" \
  "CFLAGS_$under=-ffile-prefix-map=/cargo=cargo -ffile-prefix-map=/target=target" \
  "BINDGEN_EXTRA_CLANG_ARGS_$under=--target=aarch64-linux-gnu" \
  RUSTFLAGS="--remap-path-prefix=/src=boothcast --remap-path-prefix=/cargo/registry/src=crates --remap-path-prefix=/target=target" \
  cargo build --manifest-path /src/Cargo.toml --locked --bin boothcast --profile "$profile" --target "$TRIPLET"
INSIDE

built=$target/$TRIPLET/$profile/boothcast
# Symbols stay beside the image, for crash reports; the box needs none.
install -m 755 "$built" "$root/tmp/boothcast.full"
chroot "$root" aarch64-linux-gnu-objcopy --only-keep-debug --compress-debug-sections /tmp/boothcast.full /tmp/boothcast.debug
chroot "$root" aarch64-linux-gnu-objcopy --strip-all /tmp/boothcast.full /tmp/boothcast.small
install -m 755 "$root/tmp/boothcast.small" "$out"
install -m 644 "$root/tmp/boothcast.debug" "$STAGE/boothcast.debug"
rm -f "$root"/tmp/boothcast.*
say "program: $(stat -c %s "$out") bytes"
