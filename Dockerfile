# The gateway in a container; docs/packages.md says how to build it, run it and check it.
ARG NODE=24
ARG DEBIAN=trixie

# On the processor of the builder, whatever processor the image is for: nothing has to be emulated.
FROM --platform=$BUILDPLATFORM node:${NODE}-${DEBIAN}-slim AS build
WORKDIR /turnpike
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
RUN npm run build

# The example call, with all that it takes; only built when it is asked for.
FROM build AS call
COPY examples examples
USER 10001:10001
CMD ["node", "examples/one2one-call/main.ts"]

# What the gateway needs when it runs, the optional packages too, for the processor of the image; npm has its own names
# for those.
FROM build AS production
ARG TARGETARCH
ENV npm_config_ignore_scripts=true npm_config_audit=false npm_config_fund=false npm_config_omit=dev npm_config_os=linux
RUN export npm_config_cpu="$(echo "$TARGETARCH" | sed 's/^amd64$/x64/')" && npm ci && \
  npm install --no-save --save-prod acme-client@5.4.0 werift@0.24.4

FROM node:${NODE}-${DEBIAN}-slim AS node

FROM debian:${DEBIAN}-slim
LABEL org.opencontainers.image.title="Turnpike" \
  org.opencontainers.image.description="TURN and STUN gateway for WebRTC" \
  org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY LICENSE package.json /opt/turnpike/
COPY --from=production /turnpike/node_modules /opt/turnpike/node_modules
COPY --from=production /turnpike/dist /opt/turnpike/dist
# No name is needed, and nothing in the image is this user's.
USER 10001:10001
EXPOSE 3478/udp 3478/tcp 5349/tcp 8080/tcp 8086/tcp 8088/tcp
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["/usr/local/bin/node", "--eval", "fetch(process.env.TURNPIKE_LIVE_URL ?? 'http://127.0.0.1:8086/live').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/usr/local/bin/node", "/opt/turnpike/dist/main.js"]
CMD ["start", "-c", "/etc/turnpike/turnpike.yaml"]
