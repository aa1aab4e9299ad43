#!/bin/sh
# Stands in for workerd (MINIFLARE_WORKERD_PATH), for three things that Miniflare cannot do.

# Node has raised the soft limit to the hard one already; root may go beyond it. Each resident object holds 3 descriptors.
limit=$(ulimit -n)
if [ "$limit" != unlimited ] && [ "$limit" -lt 65536 ] && (ulimit -n 65536) 2>/dev/null; then
  ulimit -n 65536
fi

# Ctrl-C reaches every process of the terminal; workerd must stay until Node has closed in order.
trap '' INT HUP

# Miniflare keeps the process id to itself; whoever survives a kill -9 of Node needs it (guard.ts).
echo "$$ $(ulimit -n)" >"$EDGEMDM_WORKERD_STATUS"
exec "$EDGEMDM_WORKERD" "$@"
