# The image: one static binary, the certificates it trusts, and nothing else. deploy/README.md tells how to run it.
#
#   docker build --tag dcs-backup-exporter .

ARG RUST_IMAGE=docker.io/library/rust:1.95.0-slim-bookworm

FROM ${RUST_IMAGE} AS build

# Debian's own updates move their versions, and a pinned one is gone with the next.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates musl-tools \
    && rm -rf /var/lib/apt/lists/*
RUN rustup target add "$(uname -m)-unknown-linux-musl"

WORKDIR /source
COPY Cargo.toml Cargo.lock ./
COPY src ./src

# Told by dcs_exporter_build_info; the compiler's version is asked for.
ARG DCS_EXPORTER_REVISION=unknown

# What Cargo downloads and compiles stays on the building machine: the next build compiles what has changed.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=dcs-backup-exporter-target,target=/source/target,sharing=locked \
    target="$(uname -m)-unknown-linux-musl" \
    && version="$(rustc --version)" && version="${version#rustc }" \
    && export DCS_EXPORTER_REVISION DCS_EXPORTER_RUSTVERSION="${version%% *}" \
    && cargo build --release --locked --bin dcs-backup-exporter --target "$target" \
    && install -D --target-directory=/out "target/$target/release/dcs-backup-exporter" \
    && install -D --mode=644 --target-directory=/out /etc/ssl/certs/ca-certificates.crt \
    && install --directory --mode=700 /out/lib/dcs-backup-exporter

FROM scratch

LABEL org.opencontainers.image.title="dcs-backup-exporter" \
    org.opencontainers.image.description="Prometheus exporter for the backup and restore records of Huawei Cloud DCS instances" \
    org.opencontainers.image.source="https://github.com/dcs-backup-exporter/dcs-backup-exporter" \
    org.opencontainers.image.licenses="Apache-2.0"

COPY LICENSE /usr/share/licenses/dcs-backup-exporter/LICENSE
COPY --from=build /out/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# For `storage`: a volume that is mounted here for the first time gets its owner.
COPY --from=build --chown=65532:65532 /out/lib /var/lib
COPY --from=build /out/dcs-backup-exporter /bin/dcs-backup-exporter

USER 65532:65532
EXPOSE 10105
ENTRYPOINT ["/bin/dcs-backup-exporter"]
