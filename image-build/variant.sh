#!/usr/bin/env bash
# Another bundle of the last build, quickly, for tests: variant.sh VERSION FILE. Nothing is built; the root of $STAGE is copied.
#   OVERLAY=FOLDER     put over the root (a program that fails, another configuration)
#   COMPATIBLE=NAME    instead of boothcast-arm64
#   SIGN_CERT, SIGN_KEY, KEYRING: sign with these
#   SQUASH_ARGS        default: -Xcompression-level 3 (larger, in a fraction of the time)
. "$(dirname "$0")/lib.sh"
need_root

[ $# = 2 ] || die "usage: variant.sh VERSION FILE"
[ -e "$STAGE/root/usr/bin/boothcast" ] || die "there is no root in $STAGE" "Run: make image TEST=1"
from=$STAGE file=$(readlink -f "$2")
VERSION=$1 STAGE=$STAGE/variant OUT=$STAGE/out
check_settings
export VERSION STAGE OUT SUFFIX='' SQUASH_ARGS=${SQUASH_ARGS:--Xcompression-level 3}
rm -rf --one-file-system "$STAGE"
mkdir -p "$STAGE" "$OUT"
cp -a "$from/root" "$STAGE/root"
ln -s "$from/modules-initramfs" "$STAGE/modules-initramfs"
if [ -n "${OVERLAY:-}" ]; then tar -C "$OVERLAY" --owner=0 --group=0 -c . | tar -C "$STAGE/root" -x; fi
sed -i "s/^VERSION=.*/VERSION=$VERSION/" "$STAGE/root/etc/boothcast-release"
"$HERE/50-slots.sh"
"$HERE/80-bundle.sh"
mv "$OUT/boothcast-arm64-$VERSION.raucb" "$file"
rm -rf --one-file-system "$STAGE"
say "variant: $file"
