# What the container runs: nginx, and beside it what takes out of its log of errors what nobody may read. Both write to stderr. nginx
# takes this shell's place, so that it is the one who is told to end; what reads ends with it, for nginx holds the pipe's other end.
set -eu
errors=/tmp/errors
rm -f "$errors"
mkfifo "$errors"
exec 3<>"$errors" 4<"$errors"
# Ended by anything but the end of nginx, it begins again.
until LC_ALL=C stdbuf --output=L sed --regexp-extended --file=/etc/jld/nginx/errors.sed <&4 >&2; do sleep 1; done 3>&- &
exec nginx -e stderr -c /etc/jld/nginx/nginx.conf -g "worker_processes $WORKERS;" 4<&-
