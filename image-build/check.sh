#!/usr/bin/env bash
# What must hold of every root that is made. Each finding is told; any of them ends the build.
. "$(dirname "$0")/lib.sh"
need readelf binutils

r=$STAGE/root
bad=0
finding() { echo "image: check: $*" >&2; bad=$((bad + 1)); }

# Who may become root: the list of setuid and setgid programs is empty.
while read -r f; do finding "setuid or setgid: $f"; done < <(find "$r" -xdev -type f -perm /6000 -printf '/%P\n')
while read -r f; do finding "anybody may write: $f"; done < <(find "$r" -xdev ! -type l -perm -o=w ! \( -type d -perm -1000 \) -printf '/%P\n')
# Files that belong to no user of the root.
while read -r f; do finding "belongs to an unknown user or group: $f"; done < <(
  find "$r" -xdev -printf '%U %G /%P\n' | awk -v p="$r/etc/passwd" -v g="$r/etc/group" '
    BEGIN { FS = ":"; while ((getline < p) > 0) u[$3]; while ((getline < g) > 0) k[$3]; FS = " " }
    !($1 in u) || !($2 in k) { print $3 }')
# No password, no prompt.
while read -r f; do finding "has a password or none is needed: $f"; done < <(awk -F: '$2 !~ /^[!*]/ { print $1 }' "$r/etc/shadow")
for f in usr/sbin/agetty usr/bin/login usr/bin/su usr/bin/sudo usr/bin/passwd; do if [ -e "$r/$f" ]; then finding "must not be there: /$f"; fi; done
if [ "$TEST" = 0 ]; then
  for f in etc/systemd/system/boothcast-test-shell.service etc/modules-load.d/boothcast-test.conf usr/bin/strace; do
    if [ -e "$r/$f" ]; then finding "belongs to test images only: /$f"; fi
  done
fi
# No key may be the same in two boxes.
while read -r f; do finding "a secret key in the image: $f"; done < <(
  find "$r" -xdev -type f \( -name '*host_key*' -o -name '*.key' -o -name '*.nmconnection' \) -printf '/%P\n'
  grep -rlE -m1 --include='*.pem' --include='*.crt' 'PRIVATE KEY' "$r/etc" | sed "s#^$r##")

# Every file is of a package, ours, or known to be generated.
while read -r f; do finding "of no package and not in generated.list: $f"; done < <(awk '$(NF-1) == "unknown" { print $1 }' "$STAGE/parts.txt")
# Each package has its licence text beside the image.
while read -r package _; do
  [ -s "$STAGE/licences/$package.txt" ] || finding "no licence text of $package"
done <"$STAGE/packages.txt"

# Every program finds its libraries.
while read -r f; do finding "$f"; done < <("$HERE/links.py" missing "$r")
# Links lead somewhere.
while read -r f; do finding "leads nowhere: $f"; done < <("$HERE/links.py" dangling "$r")
# Units are sound: names, paths of programs.
if command -v systemd-analyze >/dev/null; then
  while read -r f; do finding "systemd-analyze: $f"; done < <(
    cd "$r/usr/lib/systemd/system" && systemd-analyze --root="$r" --man=no verify $(awk '$2 == "boothcast" { print $1 }' "$STAGE/parts.txt" | sed -n 's#^/usr/lib/systemd/system/##p') 2>&1 |
      grep -E '^(/?usr/lib/systemd/system/)?boothcast' | head -20 || true)
fi
[ "$bad" = 0 ] || die "the root has $bad faults, see above"
say "check: no setuid, no password, no prompt, every file and library accounted for"
