#!/bin/sh
# Runs in place of workerd (MINIFLARE_WORKERD_PATH), for three things that Miniflare cannot do.

. "$(dirname "$0")/open-files.sh"

# Ctrl-C reaches every process of the terminal; workerd must stay until Node has closed in order.
trap '' INT HUP

# Miniflare does not publish the process id. The guard that survives a kill -9 of Node needs it (guard.ts).
echo "$$ $(ulimit -n)" >"$EDGEMDM_WORKERD_STATUS"
exec "$EDGEMDM_WORKERD" "$@"
