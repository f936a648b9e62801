"""An image registry on the fleet's bridge, with its storage in the fleet's folder; on request it asks for a login."""

import http.client
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.fleet.errors import wait_until
from tests.fleet.processes import Process

USER = "declare"
PASSWORD = "fleet-password"
_PASSWORD_BCRYPT = "$2b$04$93BKozyOZWCjr5m5EcrQaesWbJ/v7cxUo/O2Lm3FsuRnzIQYG2MGq"

_CONFIG = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: false}}}}
storage: {{filesystem: {{rootdirectory: {folder}/storage}}, delete: {{enabled: true}}}}
http: {{addr: "{address}"}}
{auth}
"""


@dataclass(frozen=True, slots=True)
class Registry:
    folder: Path
    gateway: str
    auth: bool = False

    @property
    def address(self) -> str:
        """The first part of its images' names."""
        return f"{self.gateway}:5000"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        login = f"auth: {{htpasswd: {{realm: fleet, path: {self.folder}/htpasswd}}}}" if self.auth else ""
        (self.folder / "htpasswd").write_text(f"{USER}:{_PASSWORD_BCRYPT}\n")
        config = self.folder / "config.yml"
        config.write_text(_CONFIG.format(folder=self.folder, address=self.address, auth=login))
        script = 'read -r -a stat < /proc/$$/stat; echo "$$ ${stat[21]}" > "$1/pid"; exec docker-registry serve "$2"'
        with (self.folder / "log").open("ab") as log:
            command: list[str | Path] = ["setsid", "--fork", "/bin/bash", "-c", script, "registry", self.folder, config]
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True, cwd="/")
        wait_until(self.answers, what=f"the registry answers (see {self.folder}/log)")

    def stop(self) -> None:
        if process := Process.recorded(self.folder / "pid"):
            process.kill()

    def answers(self) -> bool:
        connection = http.client.HTTPConnection(self.address, timeout=2)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status in (200, 401)
        except OSError:
            return False
        finally:
            connection.close()
