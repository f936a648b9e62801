"""The files of a new project, short and ready to be changed."""

from collections.abc import Mapping

from declare.load.schema import FOLDER

_INVENTORY = """\
# yaml-language-server: $schema={schemas}/inventory.schema.json
project: {project}

hosts:
  host-1:
    engine: unix:///var/run/docker.sock   # or ssh://user@host, or tcp://host:2376 with tls: {{ca, cert, key}}
    # address: 10.0.0.11                  # the IP where its ports are bound; needed beside other hosts
    # labels: {{zone: a}}

# proxy: {{hosts: [host-1], image: "nginx:1.28"}}   # balances over the replicas of apps with routes

vars: {{TAG: "1.28"}}                       # for ${{…}} in manifests; the environment and .env win over them
"""

_WEB = """\
# yaml-language-server: $schema={schemas}/manifest.schema.json
apps:
  web:
    image: nginx:${{TAG}}
    replicas: 2
    port: 80                              # the container's port; host ports are allocated
    healthcheck: {{path: /}}
    # routes: [www.example.com]           # needs proxy: in the inventory
    # environment: {{LOG_LEVEL: info}}
    # secrets: [db_password]

# secrets:
#   db_password: {{env: DB_PASSWORD}}       # or file: PATH, or command: [words]
"""

_GITIGNORE = """\
.env
*.plan.json
"""

_ENV_EXAMPLE = """\
# Copy to .env: variables for ${...} on this machine alone. Never commit .env.
# TAG=1.28
"""


def new_project(project: str, *, schemas: str | None = None) -> Mapping[str, str]:
    """The texts of a new project's files, by path from its folder.

    `schemas`: the URL or folder where editors find the schemas; by default the one that is installed.
    """
    schemas = schemas or str(FOLDER)
    return {
        "inventory.yaml": _INVENTORY.format(project=project, schemas=schemas),
        "apps/web.yaml": _WEB.format(schemas=schemas),
        ".gitignore": _GITIGNORE,
        ".env.example": _ENV_EXAMPLE,
    }
