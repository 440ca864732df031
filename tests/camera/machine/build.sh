#!/usr/bin/env bash
# build.sh [FOLDER]: build the kernel in which the camera tests run, from the sources that Debian unstable has.
#
# It is Linux as an ordinary program (user mode), with a webcam that shows a test pattern (vivid) and v4l2loopback.
# About 170 MB are downloaded and 2 GB written while it builds; it takes 5 to 20 minutes. What remains in FOLDER
# (~/.cache/livefill/camera-kernel) are `linux`, `modules/` and `modules/order`. Nothing is installed and no right of
# root is wanted. Elsewhere than on Debian: unpack both sources and name them, LINUX=... V4L2LOOPBACK=... build.sh
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
target=$(readlink -m "${1:-${XDG_CACHE_HOME:-$HOME/.cache}/livefill/camera-kernel}")
modules=(mc videodev videobuf2-common videobuf2-memops videobuf2-v4l2 videobuf2-vmalloc videobuf2-dma-contig
    font v4l2-tpg v4l2-dv-timings vivid v4l2loopback) # each after those that it needs
work=$(mktemp -d "${TMPDIR:-/tmp}/camera-kernel.XXXXXX")
trap 'rm -rf "$work"' EXIT

missing=()
for tool in gcc make flex bison bc xz; do command -v "$tool" >/dev/null || missing+=("$tool"); done
[ -e /usr/include/libelf.h ] || missing+=(libelf-dev)
if [ ${#missing[@]} -gt 0 ]; then
    echo "To build a kernel, this is missing: ${missing[*]}" >&2
    echo "  sudo apt install build-essential flex bison bc xz-utils libelf-dev" >&2
    exit 1
fi

# Debian unstable's packages, beside what this machine has installed and configured.
fetch() {
    local mirror options newest
    command -v apt-get >/dev/null || { echo "There is no apt-get: name LINUX and V4L2LOOPBACK." >&2; exit 1; }
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
    mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial" "$work/linux" "$work/loopback"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror unstable main" >"$work/apt/sources.list"
    options=(-qq -o "Dir::State::lists=$work/apt/lists" -o "Dir::Cache=$work/apt" -o "Dir::Etc::sourceparts=-"
        -o "Dir::Etc::sourcelist=$work/apt/sources.list" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update
    newest=$(apt-cache "${options[@]}" depends linux-source | sed -n 's/.*Depends: \(linux-source-[0-9.]*\)$/\1/p' | tail -n 1)
    echo "Downloading $newest and v4l2loopback" >&2
    (cd "$work/apt" && apt-get "${options[@]}" download "$newest/unstable" v4l2loopback-dkms/unstable)
    dpkg-deb --fsys-tarfile "$work/apt/$newest"_*.deb | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
        tar -xJ -C "$work/linux" --strip-components=1
    dpkg-deb -x "$work/apt"/v4l2loopback-dkms_*.deb "$work/loopback"
    LINUX=$work/linux V4L2LOOPBACK=$(echo "$work"/loopback/usr/src/v4l2loopback-*)
}
[ -n "${LINUX:-}" ] && [ -n "${V4L2LOOPBACK:-}" ] || fetch

echo "Building $(make -s -C "$LINUX" kernelversion) with $(nproc) processors" >&2
build() { make -s -C "$LINUX" ARCH=um -j"$(nproc)" "$@" >>"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; exit 1; }; }
build allnoconfig "KCONFIG_ALLCONFIG=$here/kernel.config"
build linux modules
build "M=$(readlink -f "$V4L2LOOPBACK")" modules

rm -rf "$target"
mkdir -p "$target/modules"
strip -o "$target/linux" "$LINUX/linux"
for name in "${modules[@]}"; do # a newer kernel may have some of them built in
    found=$(find "$LINUX" "$V4L2LOOPBACK" -name "$name.ko" | head -n 1)
    [ -z "$found" ] || { cp "$found" "$target/modules/" && echo "$name" >>"$target/modules/order"; }
done
echo "$target is ready: make test-camera" >&2
