#!/bin/bash
# The first process of a host: private /run and /etc/docker, network, sshd, engine. Its death is the host's power loss.
# SIGUSR1 starts the engine again after it ended.
set -u
folder=$1 name=$2 address=$3 gateway=$4
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C
unset DOCKER_HOST DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_CONFIG XDG_RUNTIME_DIR TMPDIR

start_engine() { "$folder/engine" >> "$folder/engine.log" 2>&1 < /dev/null & }
trap start_engine USR1

hostname "$name"
mkdir -p /etc/docker
mount --bind "$folder/run" /run
mount --bind "$folder/etc-docker" /etc/docker
mount --bind "$folder/ssh/shadow" /etc/shadow
# The controlling machine may be cut off at any time; the cable is plugged in from there.
until ip link show dev eth0 > /dev/null 2>&1; do sleep 0.02; done
ip link set lo up
ip address add "$address/24" dev eth0
ip link set eth0 up
ip route add default via "$gateway"
mkdir -p /run/sshd
"$(command -v sshd)" -D -f "$folder/ssh/sshd_config" >> "$folder/sshd.log" 2>&1 < /dev/null &
start_engine
sleep infinity &
# All orphans of the host end up here; `wait` reaps them and lets the trap run.
while :; do wait -n; done
