#!/bin/sh
# Reloads nginx, or starts it the first time. With systemd this is: systemctl reload nginx
set -eu
pid="pid $PWD/build/nginx.pid;"
nginx -g "$pid" -c "$1" -s reload 2> /dev/null || nginx -g "$pid" -c "$1" 2> build/start.log
