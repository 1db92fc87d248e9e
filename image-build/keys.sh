#!/usr/bin/env bash
# keys.sh: prints SIGN_CERT, SIGN_KEY and KEYRING for the shell. Those given are taken; else a key for development is made in
# the cache, once. It never lies in the checkout, and a shipped image does not take it silently (docs/image.md).
. "$(dirname "$0")/lib.sh"
need openssl openssl

dir=$CACHE/keys-development
if [ -n "${SIGN_CERT:-}${SIGN_KEY:-}${KEYRING:-}" ]; then
  for name in SIGN_CERT SIGN_KEY KEYRING; do
    file=${!name:-}
    [ -n "$file" ] || die "$name is missing: SIGN_CERT, SIGN_KEY and KEYRING belong together"
    [[ $file == pkcs11:* || -r $file ]] || die "$name=$file cannot be read"
  done
  development=0
else
  development=1
  if [ ! -e "$dir/cert.pem" ]; then
    (umask 077; mkdir -p "$dir"
      openssl req -x509 -newkey rsa:3072 -nodes -days 7300 -subj "/O=Boothcast/CN=development, not for boxes in the field" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,digitalSignature,keyCertSign \
        -addext extendedKeyUsage=emailProtection \
        -keyout "$dir/key.pem" -out "$dir/cert.new" 2>/dev/null
      mv "$dir/cert.new" "$dir/cert.pem")
  fi
  SIGN_CERT=$dir/cert.pem SIGN_KEY=$dir/key.pem KEYRING=$dir/cert.pem
fi
printf 'SIGN_CERT=%q\nSIGN_KEY=%q\nKEYRING=%q\nDEVELOPMENT_KEYS=%q\n' "$SIGN_CERT" "$SIGN_KEY" "$KEYRING" "$development"
