#!/usr/bin/env bash
# The update bundle of RAUC, signed, in its verity format: $OUT/boothcast-arm64-VERSION.raucb
. "$(dirname "$0")/lib.sh"
need rauc rauc mksquashfs squashfs-tools

read_keys
b=$STAGE/bundle
rm -rf "$b"
mkdir -p "$b" "$OUT"
ln "$STAGE/root.img" "$b/root.img" 2>/dev/null || cp "$STAGE/root.img" "$b/root.img"
ln "$STAGE/boot.img" "$b/boot.img" 2>/dev/null || cp "$STAGE/boot.img" "$b/boot.img"
cat >"$b/manifest.raucm" <<MANIFEST
[update]
compatible=${COMPATIBLE:-boothcast-arm64}
version=$VERSION
build=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S)

[bundle]
format=verity

[image.rootfs]
filename=root.img

[image.boot]
filename=boot.img
MANIFEST
bundle=$OUT/boothcast-arm64-$VERSION${SUFFIX:-}.raucb
rm -f "$bundle"
rauc bundle --cert="$SIGN_CERT" --key="$SIGN_KEY" --keyring="$KEYRING" "$b" "$bundle" >"$STAGE/rauc.log" 2>&1 || die "rauc bundle failed: $(tail -3 "$STAGE/rauc.log")"
rm -rf "$b"
if [ "$DEVELOPMENT_KEYS" = 1 ]; then say "bundle: signed with the DEVELOPMENT key: boxes in the field refuse it"; fi
say "bundle: $bundle, $(stat -c %s "$bundle") bytes"
