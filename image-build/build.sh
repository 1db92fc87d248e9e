#!/usr/bin/env bash
# build.sh image | bundle | size: runs the steps in their order. Settings are variables: BOARD VERSION KERNEL TEST BINARY
# MIRROR SIGN_CERT SIGN_KEY KEYRING DEV_KEYS ... (docs/image.md).
. "$(dirname "$0")/lib.sh"

step() { # step SCRIPT: with the time it took
  local start=$SECONDS
  "$HERE/$1"
  say "[${1%%.*}: $((SECONDS - start)) s]"
}

# One build at a time in a cache; the second waits.
lock() {
  mkdir -p "$CACHE" "$STAGE" "$OUT"
  exec 9>"$STAGE/.lock"
  flock -n 9 || { say "another build is at work: waiting"; flock 9; }
}

# The root with its boot slot, for an image or a bundle.
root() {
  step 10-builder.sh
  step 20-binary.sh
  step 30-kernel.sh
  step 31-base.sh
  step 32-pool.sh
  step 33-modules.sh
  step 40-root.sh
  step check.sh
  step 50-slots.sh
}

finish_image() {
  local name=boothcast-$BOARD-$VERSION${SUFFIX:-} f
  say "writing $OUT/$name.img.zst"
  # Nobody is sent a test image.
  zstd -q -f $([ "$TEST" = 1 ] && echo -3 || echo -19) -T"$(nproc)" "$STAGE/sdcard.img" -o "$OUT/$name.img.zst"
  if [ "$TEST" = 1 ]; then
    # What the emulator takes.
    cp --sparse=always "$STAGE/sdcard.img" "$OUT/boothcast-test.img"
    cp "$(readlink -f "$CACHE/kernel-$KERNEL")/u-boot-qemu/usr/lib/u-boot/qemu_arm64/u-boot.bin" "$OUT/u-boot-virt.bin"
  fi
  # The map is of the image as flashed. Its text has the time of its making: taken out.
  bmaptool create "$STAGE/sdcard.img" -o "$OUT/$name.img.bmap" 2>/dev/null
  "$HERE/70-sbom.py" "$STAGE" "$TOP" "$VERSION" "$OUT/$name"
  "$HERE/71-size.py" "$STAGE" "$OUT/$name"
  (cd "$OUT" && sha256sum "$name.img.zst" "$name.img.bmap" >"$name.sha256")
  if [ -e "$STAGE/boothcast.debug" ]; then cp "$STAGE/boothcast.debug" "$OUT/$name.debug"; fi
  say "done: $OUT/$name.img.zst, $(stat -c %s "$OUT/$name.img.zst") bytes; $SECONDS s in all"
}

case ${1:-} in
  image)
    check_settings
    [ "$TEST" = 0 ] || SUFFIX=-test
    read_keys
    if [ "$DEVELOPMENT_KEYS" = 1 ] && [ "$TEST" = 0 ] && [ "${DEV_KEYS:-0}" != 1 ]; then
      die "a shipped image needs its own signing keys, as whoever has the development key could update every box" \
        "Give SIGN_CERT=, SIGN_KEY= and KEYRING=, or DEV_KEYS=1 for an image of your own desk"
    fi
    need bmaptool bmap-tools zstd zstd
    lock
    root
    step 60-image.sh
    finish_image
    ;;
  bundle)
    check_settings
    [ "$TEST" = 0 ] || export SUFFIX=-test
    lock
    root
    step 80-bundle.sh
    ;;
  size)
    [ -e "$STAGE/root.img" ] || die "there is no image yet" "Run: make image"
    "$HERE/71-size.py" "$STAGE" ""
    ;;
  *) die "usage: build.sh image | bundle | size" ;;
esac
