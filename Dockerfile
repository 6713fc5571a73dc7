# scripts/container-build.mjs runs the steps of both stages in a clean folder, from this file and .dockerignore, where
# there is no container engine. It knows the instructions that stand here, all of them in exec form, and no others.
ARG NODE_IMAGE=node:20-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
# For sqlite3, where there is no ready-made binary for the machine.
RUN ["apt-get", "update"]
RUN ["apt-get", "install", "-y", "--no-install-recommends", "build-essential", "python3"]
COPY package.json package-lock.json .npmrc ./
RUN ["npm", "ci"]
COPY nest-cli.json tsconfig.json tsconfig.build.json ./
COPY src src
RUN ["npm", "run", "build"]
RUN ["npm", "prune", "--omit=dev"]
RUN ["mkdir", "data"]

FROM ${NODE_IMAGE}
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 LOG_FORMAT=json
COPY package.json ./
COPY scripts/build-if-needed.mjs scripts/container-health.mjs scripts/
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
# For SQLite: the one folder that the service may write to.
COPY --from=build --chown=node:node /build/data data
USER node
VOLUME ["/app/data"]
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["node", "scripts/container-health.mjs"]
# Half of what Node lets the young part of the heap grow to: more stays in the caches (docs/performance.md).
CMD ["node", "--max-semi-space-size=8", "dist/main.js"]
