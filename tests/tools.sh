# shellcheck shell=bash
# What the tests need and a Debian machine with Rust does not have: sourced by tests/run, which sets $tools.
#
# Each get_TOOL does nothing where the tool is there, and keeps what it gets in $tools (target/tools); only what is large
# and has a package of Debian's is installed. Versions and sums stand here.

# debian PACKAGE...: installs Debian packages where that is allowed.
debian() {
    local sudo=()
    if [[ $(id -u) -ne 0 ]]; then
        sudo -n true 2>/dev/null || return 1
        sudo=(sudo -n)
    fi
    command -v apt-get >/dev/null || return 1
    local install=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install --yes --quiet --no-install-recommends)
    "${install[@]}" "$@" || { "${sudo[@]}" apt-get update --quiet && "${install[@]}" "$@"; }
}

# unpack PACKAGE: a Debian package into target/tools/PACKAGE; no service is started, no root is needed.
unpack() {
    rm -rf -- "${tools:?}/$1"
    mkdir -p -- "$tools/$1/lists/partial" || return
    cd -- "$tools/$1" || return
    local apt=(apt-get --quiet -o "APT::Sandbox::User=$(id -un)")
    # Where the machine's lists of packages are missing or old: lists of our own, which anybody may fetch.
    local own=(-o "Dir::State::lists=$PWD/lists" -o "Dir::Cache=$PWD/lists")
    "${apt[@]}" download "$1" ||
        { "${apt[@]}" "${own[@]}" update && "${apt[@]}" "${own[@]}" download "$1"; } || return
    dpkg-deb --extract "$1"_*.deb . && rm -rf -- "$1"_*.deb lists
}

# Prometheus and promtool out of Debian's package.
get_prometheus() {
    [[ -x $tools/prometheus/usr/bin/promtool && -x $tools/prometheus/usr/bin/prometheus ]] && return
    command -v promtool && command -v prometheus && return
    unpack prometheus && rm -rf -- usr/share && usr/bin/promtool --version
}

# Alertmanager and amtool, likewise.
get_alertmanager() {
    local bin=$tools/prometheus-alertmanager/usr/bin
    [[ -x $bin/alertmanager && -x $bin/amtool ]] && return
    command -v alertmanager && command -v amtool && return
    unpack prometheus-alertmanager || return
    # Debian's reads its templates where they would be installed: as many bytes, but a path relative to this folder.
    sed -i 's|/usr/share/prometheus/alertmanager|usr//share/prometheus/alertmanager|g' "$bin/prometheus-alertmanager"
    # shellcheck disable=SC2016 # $0 is that of the script written here
    printf '#!/bin/sh\ncd "$(dirname "$0")/../.." && exec usr/bin/prometheus-alertmanager "$@"\n' >"$bin/alertmanager"
    chmod +x "$bin/alertmanager" && "$bin/alertmanager" --version && "$bin/amtool" --version
}

# The Go that builds what is built, where the machine's own is older than this release's first; with the sums of its modules.
go_version=1.26.8
declare -A go_sums=(
    [amd64]=h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM=
    [arm64]=h1:sYL/O6MqS68ML0kjsQ36WoYIpJqkw60TxizWUYUKQMc=
)

# Afterwards `go` is new enough: the machine's own, or target/tools/go. A release of Go is a module like any other, and
# any older Go, such as Debian's, can download it.
get_go() {
    mkdir -p -- "$tools"
    # Several tools may want it at the same time.
    (flock 9; go_is_new || download_go) 9>"$tools/go.lock" || return
    export PATH=$tools/go/bin:$PATH GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0
}

go_is_new() {
    local go version
    go=$(PATH=$tools/go/bin:$PATH command -v go) && version=$(GOTOOLCHAIN=local "$go" env GOVERSION) || return
    printf '%s\n' "${go_version%.*}" "${version#go}" | sort --version-sort --check=quiet
}

download_go() {
    local work=$tools/go.work architecture module found
    command -v go || debian golang-go || return
    architecture=$(GOTOOLCHAIN=local go env GOARCH) && module=golang.org/toolchain@v0.0.1-go$go_version.linux-$architecture || return
    rm -rf -- "$work" "$tools/go" && mkdir -p -- "$work" || return
    found=$(cd -- "$work" && GOTOOLCHAIN=local GOMODCACHE=$work GOFLAGS=-modcacherw go mod download -json "$module") ||
        { echo "$found"; return 1; }
    grep -F "\"Sum\": \"${go_sums[$architecture]:-?}\"" <<<"$found" || { echo "$module is another than it was: $found"; return 1; }
    # Modules are kept without what may be executed.
    chmod -R u+x -- "$work/$module/bin" "$work/$module/pkg/tool" && mv -- "$work/$module" "$tools/go" && rm -rf -- "$work" &&
        "$tools/go/bin/go" version
}

# go_builds MODULE VERSION SUM PROGRAM...: programs of a Go module, in target/tools/newest/ under their version.
#
# The module is built in a copy of its own folder: so its own go.mod and go.sum hold, with their replacements. What Go
# downloads and compiles on the way is some 3 GB, and goes away afterwards.
go_builds() {
    local module=$1 version=$2 sum=$3 name=${1##*/}
    shift 3
    local bin=$tools/newest/$name-$version work=$tools/newest/work program
    local -a missing=()
    for program; do [[ -x $bin/$program ]] || missing+=("$program"); done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    rm -rf -- "$tools/newest/$name"-* "$work/source" && mkdir -p -- "$work" || return
    export GOMODCACHE=$work/modules GOCACHE=$work/cache GOFLAGS=-modcacherw
    local found
    found=$(cd -- "$work" && go mod download -json "$module@v$version") || { echo "$found"; return 1; }
    grep -F "\"Sum\": \"$sum\"" <<<"$found" || { echo "$module@v$version is another than it was: $found"; return 1; }
    cp -r -- "$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' <<<"$found")" "$work/source" && chmod -R u+w -- "$work/source" || return
    # Alertmanager wants to hold its web pages, which are not in the module.
    mkdir -p -- "$work/source/ui/app/dist" && touch -- "$work/source/ui/app/dist/index.html" || return
    # Prometheus without what finds targets in clouds: that is half of the work.
    (cd -- "$work/source" && mkdir -p -- "$bin" && go build -p 2 -trimpath -buildvcs=false -tags remove_all_sd \
        -ldflags "-s -w -X github.com/prometheus/common/version.Version=$(<VERSION)" -o "$bin/" "${@/#/./cmd/}") || return
    for program; do "$bin/$program" --version; done
}

newest_prometheus=(github.com/prometheus/prometheus 0.315.0 h1:sFGZWmC2Hk9N1NBJGCnXYZb5hyLCq8yuAMoEjLAg6ac= prometheus promtool)
newest_alertmanager=(github.com/prometheus/alertmanager 0.34.2 h1:4oOnHs4J41X9n+7MucFjA3I5i5MtasjWTnIY27q5Qkw= alertmanager amtool)

# The newest Prometheus and Alertmanager, with their tools, in the place of Debian's.
get_newest() {
    get_go && go_builds "${newest_prometheus[@]}" && go_builds "${newest_alertmanager[@]}" && rm -rf -- "$tools/newest/work"
}

# curl, and the Go program that reads a scrape.
get_readers() {
    command -v curl || debian curl || return
    local program=$tools/readers/fetch source=tests/clients/fetch.go
    [[ -x $program && $program -nt $source ]] && return
    get_go && mkdir -p -- "$tools/readers" && go build -o "$program" "$source"
}

# A server on exporter-toolkit's own package, and the certificates of its tests. What Go downloads for it stays in Go's
# own cache.
get_toolkit() {
    local source=$PWD/tests/clients/toolkit program=$tools/toolkit/toolkit
    [[ -x $program && -z $(find "$source" -newer "$program" -print -quit) ]] && return
    get_go && mkdir -p -- "$tools/toolkit" && cd -- "$source" &&
        GOFLAGS='-mod=readonly -trimpath -buildvcs=false' go build -o "$program" .
}

# The browser, with all it needs a hundred megabytes and half a minute: got only where it is missing.
get_chromium() {
    command -v chromium || debian chromium
}

# The Python packages of tests/clients/requirements.txt in an environment of their own.
get_python() {
    local environment=$tools/python packages=tests/clients/requirements.txt
    cmp -s -- "$packages" "$environment/requirements.txt" && "$environment/bin/python" -c '' && return
    rm -rf -- "$environment"
    if ! python3 -m venv "$environment"; then
        rm -rf -- "$environment"
        debian python3 python3-venv && /usr/bin/python3 -m venv "$environment" || return
    fi
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --only-binary=:all: \
        --requirement "$packages" && cp -- "$packages" "$environment/requirements.txt"
}

# npm_packages PACKAGES FOLDER: those of a lock file, in target/tools/FOLDER. None of their scripts is run.
npm_packages() {
    command -v npm || debian nodejs npm || return
    local packages=$1 folder=$tools/$2
    cmp -s -- "$packages/package-lock.json" "$folder/package-lock.json" && [[ -d $folder/node_modules ]] && return
    rm -rf -- "$folder"
    mkdir -p -- "$folder" && cp -- "$packages/package.json" "$folder/" || return
    # Last of all, so that what was cut short is got again.
    cp -- "$packages/package-lock.json" "$folder/npm-shrinkwrap.json" &&
        (cd -- "$folder" && npm ci --ignore-scripts --no-audit --no-fund) &&
        cp -- "$packages/package-lock.json" "$folder/"
}

# What draws the dashboards' pictures and knows Grafana's schema: 450 MB.
get_node() { npm_packages tests/dashboards/pictures node; }

# What checks that everybody can use the status page.
get_axe() { npm_packages tests/clients/axe axe; }
