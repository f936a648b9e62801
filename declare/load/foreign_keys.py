"""Keys that Compose has and that can't mean anything over several hosts, with what to write instead."""

APP_KEYS = {
    "attach": "nothing is attached; see declare logs",
    "build": "build and push the image in CI, and write its name in image",
    "config": "put the file into the image, or into a volume",
    "configs": "put the file into the image, or give it as a secret",
    "container_name": "names are PROJECT-APP-N-G; find replicas with declare status",
    "cpu_count": "it is for Windows; use cpus",
    "cpu_percent": "it is for Windows; use cpus",
    "credential_spec": "it is for Windows; remove it",
    "depends_on": "apps start together and stay up by themselves: let the app retry, and give it a healthcheck",
    "deploy": "use replicas, mode, resources, placement and update, one level up",
    "develop": "it is for development on one machine; remove it",
    "expose": "write the container's port as port, or several as ports",
    "extends": "use a YAML anchor and <<, with the shared part below an x- field",
    "external_links": "reach other apps over their routes or published ports",
    "hooks": "remove it",
    "isolation": "it is for Windows; remove it",
    "links": "reach other apps over their routes or published ports",
    "link_local_ips": "remove it",
    "models": "remove it, and give the model's address as environment",
    "networks": "containers are reached over host ports: write port, routes or publish",
    "net": "use network_mode",
    "post_start": "put it into the image's entrypoint",
    "pre_stop": "handle stop_signal in the app",
    "profiles": "use a manifest or an inventory of its own",
    "provider": "remove it",
    "pull_refresh_after": "use pull_policy: always",
    "scale": "use replicas",
    "use_api_socket": "mount /var/run/docker.sock, and allow docker_socket",
    "volumes_from": "mount the same named volume in both apps",
    "hosts": "use placement: {require: {…}}",
    "count": "use replicas",
    "health_check": "use healthcheck",
    "cmd": "use command",
    "env": "use environment",
    "constraints": "use placement: {require: {…}}",
}

TOP_KEYS = {
    "configs": "put files into the image, or give them as secrets",
    "include": "all files below apps are read; or name several with -f",
    "name": "the project's name stands in the inventory, as project",
    "networks": "containers are reached over host ports: write port, routes or publish",
    "services": "write apps",
    "version": "remove it",
    "project": "the project's name stands in the inventory",
    "hosts": "hosts stand in the inventory",
}

PORT_KEYS = {
    "mode": "remove it",
    "name": "remove it",
    "app_protocol": "remove it",
}

HEALTHCHECK_KEYS = {"start_interval": "remove it: a replica is asked every interval from its start on"}
