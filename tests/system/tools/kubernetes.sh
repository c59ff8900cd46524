# shellcheck shell=bash
# What the tests of the chart and the manifests need: sourced by tests/run.

# go_program NAME MODULE VERSION SUM PACKAGE: a program of a Go module, as target/tools/NAME/NAME.
#
# It is built in a copy of the module's folder, so that its own go.sum holds. What Go downloads and compiles on the way is
# a gigabyte or two, and goes away afterwards.
go_program() {
    local name=$1 module=$2 version=$3 sum=$4 package=$5 folder=$tools/$1 found source
    [[ -x $folder/$name ]] && grep -qsxF "$version" "$folder/version" && return
    rm -rf -- "${folder:?}" && mkdir -p -- "$folder" || return
    get_go || return
    found=$(go_module "$module" "$version" "$sum" "$folder") || { echo "$found"; return 1; }
    source=${found##*$'\n'}
    cp -r -- "$source" "$folder/source" && chmod -R u+w -- "$folder/source" || return
    (cd -- "$folder/source" && GOMODCACHE=$folder/modules GOCACHE=$folder/cache GOFLAGS=-modcacherw \
        go build -p 2 -trimpath -buildvcs=false -ldflags '-s -w' -o "$folder/$name" "$package") || return
    rm -rf -- "$folder/source" "$folder/modules" "$folder/cache" && echo "$version" >"$folder/version"
}

# go_module MODULE VERSION SUM FOLDER: the last line is where the module lies, below FOLDER/modules.
go_module() {
    local module=$1 version=$2 sum=$3 folder=$4 found
    found=$(cd -- "$folder" && GOMODCACHE=$folder/modules GOFLAGS=-modcacherw \
        go mod download -json "$module@v$version") || { echo "$found"; return 1; }
    grep -qF "\"Sum\": \"$sum\"" <<<"$found" || { echo "$module@v$version is another than it was: $found"; return 1; }
    sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' <<<"$found"
}

# Helm, which renders the chart: a minute and a half on two cores.
get_helm() {
    go_program helm helm.sh/helm/v3 3.22.0 h1:n1if5iQgHYsujPAcO5oonH/KiSNUmqmUF0iGVjSF3AU= ./cmd/helm
}

# Kustomize, which puts the plain manifests together.
get_kustomize() {
    go_program kustomize sigs.k8s.io/kustomize/kustomize/v5 5.8.2 h1:sSNeWwgkdSMGCIavtY63JQMgBJkGv3IwOltWVZy+LFQ= .
}

# The Prometheus operator's own definitions of the objects that the chart makes for it: target/tools/operator/*.yaml.
get_operator() {
    local folder=$tools/operator version=0.85.0 found kind
    grep -qsxF "$version" "$folder/version" && return
    rm -rf -- "${folder:?}" && mkdir -p -- "$folder" || return
    get_go || return
    found=$(go_module github.com/prometheus-operator/prometheus-operator "$version" \
        h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s= "$folder") || { echo "$found"; return 1; }
    for kind in servicemonitors prometheusrules; do
        cp -- "${found##*$'\n'}/example/prometheus-operator-crd/monitoring.coreos.com_$kind.yaml" "$folder/$kind.yaml" || return
    done
    rm -rf -- "$folder/modules" && echo "$version" >"$folder/version"
}

# The schemas of Kubernetes as a Python package, with what it needs: target/tools/kubernetes.
get_kubernetes() {
    local folder=$tools/kubernetes packages=tests/system/kubernetes.txt
    cmp -s -- "$packages" "$folder/requirements.txt" && return
    rm -rf -- "${folder:?}"
    get_python && "$tools/python/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --only-binary=:all: \
        --target "$folder" --requirement "$packages" && cp -- "$packages" "$folder/requirements.txt"
}
