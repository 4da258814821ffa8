#!/usr/bin/env bash
# Makes the command `bun-musl` in a folder: Bun's build for musl (Alpine), on Linux on x64. It needs `npm`, and from Debian `musl` and `gcc`.
#
# Bun brings all but the C library, which is musl's own, and the C++ library, which Debian has only for glibc: that one is used with a
# shim. What the tests ask is musl's: opening, locking and syncing files, and koffi's build for it.
set -euo pipefail
folder=$1
libraries=$folder/musl-libraries
mkdir -p "$libraries"
npm install --prefix "$libraries" --no-audit --no-fund --force @oven/bun-linux-x64-musl@1
for library in libstdc++.so.6 libgcc_s.so.1; do cp -L "$(gcc -print-file-name=$library)" "$libraries"; done
gcc -nostdlib -shared -fPIC -w -o "$libraries/ld-linux-x86-64.so.2" "$(dirname "$0")/musl-shim.c"
cat >"$folder/bun-musl" <<END
#!/bin/sh
LD_LIBRARY_PATH="$libraries" exec "$libraries/node_modules/@oven/bun-linux-x64-musl/bin/bun" "\$@"
END
chmod +x "$folder/bun-musl"
