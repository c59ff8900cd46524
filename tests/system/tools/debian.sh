# shellcheck shell=bash
# What the tests of the unit and the package need: sourced by tests/run.

# Boots what get_rootfs has.
get_nspawn() {
    command -v systemd-nspawn && command -v nsenter || debian systemd-container util-linux
}

# A small system of the same release as this machine's, from the same sources of packages, so that what is built here runs
# there: Debian's or Ubuntu's. 200 MB, a minute.
get_rootfs() {
    local packages=systemd,systemd-sysv,dbus,curl,procps,ca-certificates folder=$tools/rootfs release file
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    [[ -f $folder/rootfs.tar && $(<"$folder/made-of") == "$release $packages" ]] && return
    command -v mmdebstrap || debian mmdebstrap || return
    local -a sources=()
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/{debian,ubuntu}.sources; do
        if [[ -s $file ]] && grep -q '^[^#]' "$file"; then sources+=("$file"); fi
    done
    rm -rf -- "$folder" && mkdir -p -- "$folder" || return
    mmdebstrap --format=tar --variant=minbase --include="$packages" "$release" "$folder/rootfs.new" "${sources[@]}" || return
    mv -- "$folder/rootfs.new" "$folder/rootfs.tar" && echo "$release $packages" >"$folder/made-of"
}

# Builds the package.
get_cargo_deb() {
    .ci/tool cargo-deb && { command -v strip || debian binutils; }
}

# Judges the package.
get_lintian() {
    command -v lintian || debian lintian
}
