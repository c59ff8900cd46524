# shellcheck shell=bash
# What the tests of the image and of compose need: sourced by tests/run.

# hadolint, and the schema of compose files, in an environment of their own.
get_linters() {
    local environment=$tools/linters packages=tests/system/linters.txt
    cmp -s -- "$packages" "$environment/requirements.txt" && "$environment/bin/hadolint" --version && return
    rm -rf -- "$environment"
    if ! python3 -m venv "$environment"; then
        rm -rf -- "$environment"
        debian python3 python3-venv && /usr/bin/python3 -m venv "$environment" || return
    fi
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --only-binary=:all: --no-deps \
        --requirement "$packages" && cp -- "$packages" "$environment/requirements.txt"
}

# What builds and runs the image, and a static binary for it. crun, podman's own choice, refuses machines whose control
# groups are of both kinds.
get_images() {
    local missing=() program
    for program in buildah podman runc openssl; do command -v "$program" || missing+=("$program"); done
    command -v musl-gcc || missing+=(musl-tools)
    [[ ${#missing[@]} -eq 0 ]] || debian "${missing[@]}" || return
    rustup target add "$(uname -m)-unknown-linux-musl"
}
