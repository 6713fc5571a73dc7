#!/usr/bin/env bash
# Checks ops/ with the tools whose files they are: promtool (Debian's package prometheus), nginx, systemd-analyze.
# A tool that is not installed is named at the end and its check left out; with REQUIRE_OPS_TOOLS=1, as in CI, that
# is a failure. Nothing is installed, started or written outside a temporary folder.
set -euo pipefail
cd "$(dirname "$0")/.."

# What `systemd-analyze security` may give the unit, times ten: 0 is closed, 100 is open.
readonly MOST_EXPOSURE=20
readonly UNIT=ops/systemd/wechat-token-center.service

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
skipped=()

# nginx and others stand where only root's PATH looks.
PATH="$PATH:/usr/sbin:/sbin"

has() {
  if command -v "$1" >/dev/null; then
    return 0
  fi
  skipped+=("$1")
  return 1
}

if has promtool; then
  promtool check rules ops/prometheus/alerts.yaml
  promtool test rules ops/prometheus/alerts.test.yaml
fi

if has nginx && has openssl; then
  # A certificate stands in for the operator's, the folder for nginx's own.
  openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=token.example.com \
    -keyout "$folder/privkey.pem" -out "$folder/fullchain.pem" 2>"$folder/openssl.log"
  for file in ops/nginx/*.conf; do
    sed -e "s#/etc/ssl/wechat-token-center#$folder#; s#/var/log/nginx#$folder#" \
      -e "s#/etc/ssl/certs/ca-certificates.crt#$folder/fullchain.pem#" "$file" \
      >"$folder/$(basename "$file")"
  done
  printf 'pid %s/pid; events {} http { include %s/*.conf; }\n' "$folder" "$folder" >"$folder/main"
  nginx -t -p "$folder" -c "$folder/main" -e "$folder/error.log"
fi

if has systemd-analyze; then
  systemd-analyze verify "$UNIT"
  systemd-analyze security --offline=true --no-pager --threshold="$MOST_EXPOSURE" "$UNIT" | tail -n 1
fi

if [ "${#skipped[@]}" -gt 0 ]; then
  echo "check:ops left out what wants: ${skipped[*]}" >&2
  [ "${REQUIRE_OPS_TOOLS:-}" != 1 ] || exit 1
else
  echo 'check:ops: everything checked'
fi
