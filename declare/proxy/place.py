"""Where the files of declare's own nginx lie in its container."""

FOLDER = "/etc/nginx/declare"
CONFIG = "nginx.conf"
CANDIDATE = "candidate.conf"
PREVIOUS = "previous.conf"

# Apart from the configuration, so that reading that back never carries a key over the network.
TLS_FOLDER = "/etc/nginx/declare-tls"
