#!/bin/bash
# Switches one host on: records this process, then becomes the parent of the host's own init in new namespaces.
# usage: boot.sh FOLDER NAME ADDRESS GATEWAY
set -eu
read -r -a stat < /proc/$$/stat
echo "$$ ${stat[21]}" > "$1/power.pid.new"
mv "$1/power.pid.new" "$1/power.pid"
exec unshare --net --mount --uts --ipc --pid --fork --kill-child --mount-proc --propagation private \
    /bin/bash "$(dirname "$0")/init.sh" "$@"
