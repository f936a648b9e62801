"""How a configuration can fail to come into service."""

from declare.model.errors import HostError


class ProxyRefused(HostError):
    """nginx's own test refused the configuration; nothing was changed."""


class ProxyNotAcknowledged(HostError):
    """nginx did not come to answer the new configuration's hash; `restored`: it answers the old one's."""

    def __init__(self, host: str, message: str, *, restored: bool, help: str | None = None) -> None:
        super().__init__(host, message, help=help)
        self.restored = restored
