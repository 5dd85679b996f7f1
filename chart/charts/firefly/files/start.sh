# Starts what the image starts, with what its own settings cannot take: a password that is in no log and in no pod's description, and
# folders that are there.
set -eu
password=$(cat /etc/jld/secret/adminPassword)
if [ -n "$WORK_AREA" ]; then
  mkdir -p "$WORK_AREA" || {
    echo "firefly.workArea: user 91 may not make $WORK_AREA; make it for that user, or choose a folder that everybody may write" >&2
    exit 1
  }
  export PROPS_shared__work__directory="$WORK_AREA"
fi
# ADMIN_PASSWORD would be shown among the settings that the image logs at its start.
export PROPS_ADMIN_PASSWORD="$password"
mkdir -p /firefly/config /firefly/workarea /firefly/shared-workarea /firefly/logs/statistics /firefly/alerts
# The image renamed both once.
export baseURL="$PATH_PREFIX"
if [ -f entrypoint.py ]; then
  exec python3 entrypoint.py
fi
exec bash launchTomcat.sh
