"""What a new site must answer: each question with its key, its option and its default."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jld.support.key_paths import KeyPath


@dataclass(frozen=True)
class Question:
    """One key of the site, and how it is asked for."""

    path: KeyPath
    text: str
    option: str
    default: str = ""
    many: bool = False
    needed: bool = True
    keys: bool = False  # an answer gives the keys of a map


HOSTNAME = Question(("global", "hostname"), "Host name that people type", "--hostname")
CLIENT_ID = Question(
    ("hub", "auth", "github", "clientId"), "Client ID of the OAuth app at GitHub", "--github-client-id"
)
ORGANIZATIONS = Question(
    ("hub", "auth", "github", "organizations", "allow"),
    "Organizations (or org:team) whose members are let in, with commas between",
    "--organization",
    many=True,
    needed=False,
)
PEOPLE = Question(
    ("hub", "auth", "github", "users", "allow"), "People who are let in by name", "--user", many=True, needed=False
)
CILOGON_ID = Question(("hub", "auth", "cilogon", "clientId"), "Client ID of the hub at CILogon", "--cilogon-client-id")
PROVIDERS = Question(
    ("hub", "auth", "cilogon", "identityProviders"),
    "EntityIDs of the identity providers that people come through (https://cilogon.org/idplist), with commas between",
    "--identity-provider",
    many=True,
    keys=True,
)
GROUPS = Question(
    ("hub", "auth", "cilogon", "groups", "allow"),
    "Groups of the claim isMemberOf whose members are let in, with commas between",
    "--group",
    many=True,
    needed=False,
)
CILOGON_PEOPLE = replace(PEOPLE, path=("hub", "auth", "cilogon", "users", "allow"))
TRIAL_USERS = Question(
    ("hub", "auth", "dummy", "users"), "User names of the trial", "--user", default="alice", many=True
)
ADMINS = Question(
    ("hub", "auth", "admins"), "Who administers the hub (empty: nobody)", "--admin", many=True, needed=False
)
REGISTRY = Question(
    ("global", "imageRegistry"),
    "Where the images of `make images PUSH=...` are: a registry and a folder in it (empty: on the nodes already)",
    "--image-registry",
    needed=False,
)
IMAGES = Question(
    ("hub", "lab", "images"),
    "Images of labs that people choose from, each with its tag and with commas between (empty: the one of global.imageRegistry)",
    "--image",
    many=True,
    needed=False,
)
STORAGE_CLASS = Question(
    ("storage", "claim", "storageClass"),
    "Storage class whose volumes many nodes can write (empty: the cluster's default)",
    "--storage-class",
    needed=False,
)
CAPACITY = Question(
    ("storage", "claim", "capacity"), "Size for all home directories", "--capacity", default="100Gi", needed=False
)
DISK = Question(
    ("storage", "nfs", "capacity"), "Size of the file server's disk", "--file-server", default="100Gi", needed=False
)
SERVER = Question(("storage", "external", "server"), "Name or address of the NFS server", "--nfs-server")
FOLDER = Question(
    ("storage", "hostPath", "path"), "Folder on the node", "--home-folder", default="/var/lib/jld", needed=False
)
LETSENCRYPT = Question(
    ("nginx", "tls", "letsencrypt", "email"), "E-mail address for news of the certificate", "--letsencrypt"
)
TLS_SECRET = Question(
    ("nginx", "tls", "existingSecret"), "Name of the Secret of type kubernetes.io/tls", "--tls-secret"
)
TRUSTED = Question(
    ("nginx", "trustedProxies"),
    "Networks from which the Ingress's or Gateway's controller comes, with commas between",
    "--trusted-proxy",
    many=True,
)
CERTIFICATE = Question(("nginx", "tls", "certificate"), "PEM file with certificate and chain", "--certificate")
KEY = Question(("nginx", "tls", "key"), "PEM file with the private key", "--key")


STORAGE_QUESTIONS = {"claim": (STORAGE_CLASS, CAPACITY), "nfs": (DISK,), "external": (SERVER,), "hostPath": (FOLDER,)}
