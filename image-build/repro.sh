#!/usr/bin/env bash
# Builds the image twice, in two folders that have other names, and compares every product. DEEP=1 makes the base system anew
# for the second, too; DEEP=2 also the program. Differences are named by file.
. "$(dirname "$0")/lib.sh"
need_root

a=$CACHE/repro/first b=$CACHE/repro/the-second
rm -rf --one-file-system "$CACHE/repro"
mkdir -p "$a" "$b"
DEEP=${DEEP:-0}

say "repro: first build"
DEV_KEYS=1 STAGE=$a/stage OUT=$a/out "$HERE/build.sh" image
if [ "$DEEP" -ge 1 ]; then
  say "repro: forgetting the base system and the unpacked packages"
  rm -rf --one-file-system "$CACHE"/base-???????????????? "$CACHE"/pool-*-???????????????? "$CACHE"/kernel-*-????????????????
fi
if [ "$DEEP" -ge 2 ]; then export IMAGE_TARGET_DIR=$b/target; fi
# Another hour, another umask, other order of the environment: none may matter.
sleep 2
say "repro: second build"
(umask 027; TZ=Asia/Tokyo DEV_KEYS=1 STAGE=$b/stage OUT=$b/out "$HERE/build.sh" image)

differ=0
for f in boothcast root.img boot.img initramfs.img firmware.img data.img sdcard.img; do
  if cmp -s "$a/stage/$f" "$b/stage/$f"; then
    say "repro: same      $(sha256sum <"$a/stage/$f" | cut -c1-16)  $f"
  else
    say "repro: DIFFERENT                   $f"
    differ=1
  fi
done
for f in "$a"/out/*; do
  n=${f##*/}
  if ! cmp -s "$f" "$b/out/$n"; then say "repro: DIFFERENT                   $n"; differ=1; fi
done
if [ "$differ" = 1 ]; then
  # Which files of the root: by content, rights, owner and date.
  for x in "$a" "$b"; do (cd "$x/stage/root" && find . -printf '%p %M %U:%G %l\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum) >"$x/list.txt"; done
  diff "$a/list.txt" "$b/list.txt" | head -40 || true
  die "the two images differ" "The trees are in $CACHE/repro"
fi
say "repro: byte for byte the same, $(du -m "$a"/out/*.img.zst | cut -f1) MB"
rm -rf --one-file-system "$CACHE/repro"
