# Read by workerd.sh, and by guard.ts to know the limit beforehand.
# Node has raised the soft limit to the hard one already; root may go beyond it.
# Each object in memory holds 3 descriptors.
limit=$(ulimit -n)
if [ "$limit" != unlimited ] && [ "$limit" -lt 65536 ] && (ulimit -n 65536) 2>/dev/null; then
  ulimit -n 65536
fi
