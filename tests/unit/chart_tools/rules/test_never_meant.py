"""What a site may write that never works, or never was what somebody meant: one row each, with the whole message."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any

import pytest
import yaml
from cryptography import x509
from jld.secrets import formats, self_signed
from jld.secrets.certificates import covers, faults

HEAD = "global: {hostname: jupyter.lab.uni.edu, imageRegistry: ghcr.io/my-org"
GITHUB = "github: {clientId: Iv1.8a61f9b3a7aba766, organizations: {allow: [my-org]}}"
SECRET = "0f" * 20
NOW = datetime(2026, 11, 30, tzinfo=UTC)


def site(rest: str = "", auth: str = GITHUB, hub: str = "", nginx: str = "", shared: str = "") -> str:
    """A site that is right but for what is added: `rest` begins in line 4."""
    return f"{HEAD}{shared}}}\nhub: {{auth: {{{auth}}}{hub}}}\nnginx: {{tls: {{existingSecret: t}}{nginx}}}\n{rest}"


def github(lists: str, client: str = "Iv1.8a61f9b3a7aba766") -> str:
    return f"github: {{clientId: {client}, {lists}}}"


def host_path(folder: str) -> str:
    return site(f"storage: {{mode: hostPath, hostPath: {{path: {folder}}}}}\n")


def size(text: str) -> str:
    return site(hub=f", lab: {{sizes: {{small: {{{text}}}}}}}")


def named(hostname: str, auth: str = "dummy: {users: [alice]}") -> str:
    return site(auth=auth).replace("jupyter.lab.uni.edu", hostname)


WINS = "nobody is let in by it, for {} wins; remove it from one of the two lists"
BLOCKED = "not let in, for hub.auth.blocked wins; remove the name from one of the two, unless that is meant"
DENIED = "hub.auth.github.organizations.deny[0]"
IN_A_TEMPLATE = "this is what stands in a template; write the client ID that the provider shows"
EXCHANGED = (
    "has the form of a client secret, which now whoever reads this file knows: make a new one at the provider, give that as {}, "
    "and write the client ID here"
)
TRIAL = (
    "whoever knows the one password is anybody here, and {} may be known to all the internet; write hub.auth.github, "
    "cilogon or other, or remove it"
)
OF_THE_NODE = "{} belongs to the node's own system; write a folder of its own, like /var/lib/jld"
EMPTIED = "nodes empty {} when they start, or earlier, and {} with it; write a folder that stays, like /var/lib/jld"
TOO_SMALL = "no lab starts in that: its server takes 90Mi, and each notebook 50Mi at least; write 512Mi or more"
SMALL = (
    "a lab's server takes 90Mi, and each notebook 50Mi at least, so Kubernetes would soon end it; write 512Mi or more"
)
SLOW = "a lab's server alone takes 200 seconds to start with 0.01; write 0.5 or more"
FULL = "{} is full after a few files; write an amount like 10Gi"
BELIEVED = (
    "{} holds a whole private range, so that a lab there is believed whatever address it claims; "
    "name the load balancer's own network"
)
CLAIMS = "allowAll: true, groups: {allow: [a, b], deny: [b]}"
OIDC = (
    "class: generic-oauth, options: {authorize_url: 'https://id.uni.edu/a', token_url: 'https://id.uni.edu/t', "
    "userdata_url: 'https://id.uni.edu/u'}"
)
ERRORS = {
    "an organisation that is allowed and denied": (
        site(auth=github("organizations: {allow: [My-Org], deny: [my-org]}")),
        "hub.auth.github.organizations.allow[0]: " + WINS.format(DENIED),
    ),
    "a team of a denied organisation": (
        site(auth=github("organizations: {allow: ['my-org:a'], deny: [my-org]}")),
        "hub.auth.github.organizations.allow[0]: " + WINS.format(DENIED),
    ),
    "a team that is allowed and denied": (
        site(auth=github("organizations: {allow: ['my-org:a'], deny: ['my-org:A']}")),
        "hub.auth.github.organizations.allow[0]: " + WINS.format(DENIED),
    ),
    "a group that is allowed and denied": (
        site(auth=f"other: {{clientId: jld, {OIDC}, {CLAIMS}}}"),
        "hub.auth.other.groups.allow[1]: " + WINS.format("hub.auth.other.groups.deny[0]"),
    ),
    "a system's user in a trial": (
        named("jld.localhost", "dummy: {users: [alice, daemon]}"),
        "hub.auth.dummy.users[1]: the name of a system account, which nobody gets; write another one",
    ),
    **{
        f"a client ID from a template: {text}": (
            site(auth=github("organizations: {allow: [my-org]}", client=text)),
            f"hub.auth.github.clientId: {IN_A_TEMPLATE}",
        )
        for text in (
            "changeme",
            "CHANGE_ME",
            "xxxx",
            "YOUR_CLIENT_ID",
            "your-id",
            "client_id",
            "replace-me",
            "TODO",
            "insert-id-here",
        )
    },
    "a secret as client ID": (
        site(auth=github("organizations: {allow: [my-org]}", client="1e" * 20)),
        "hub.auth.github.clientId: " + EXCHANGED.format("JLD_GITHUB_CLIENT_SECRET"),
    ),
    "Google's secret as client ID": (
        site(auth=f"other: {{clientId: GOCSPX-{'a1' * 14}, {OIDC}, allowAll: true}}"),
        "hub.auth.other.clientId: " + EXCHANGED.format("JLD_OTHER_CLIENT_SECRET"),
    ),
    "homes that are read-only": (
        site("storage: {volumes: {home: {readOnly: true}}}\n"),
        "storage.volumes.home.readOnly: nobody could save anything, and no home be made; remove it",
    ),
    "homes in a folder of the kernel": (
        host_path("/proc/jld"),
        "storage.hostPath.path: nobody can make a folder there; write an absolute path like /var/lib/jld",
    ),
    **{
        f"a lab of {text}": (size(f"memory: {text}"), f"hub.lab.sizes.small.memory: {TOO_SMALL}")
        for text in ("1Mi", "31Mi", "20M", "0.01Gi", "0.03G")
    },
    "a hub at Firefly's route": (
        site("firefly: {enabled: true}\n", shared=", hubRoute: /firefly/"),
        "global.hubRoute: /firefly is firefly.route, below which nobody would reach the hub; write another one",
    ),
}
WARNINGS = {
    "somebody who is allowed and blocked": (
        site(auth=github("users: {allow: [ada, Mallory]}") + ", blocked: [mallory]"),
        f"hub.auth.github.users.allow[1]: {BLOCKED}",
    ),
    "somebody of a trial who is blocked": (
        named("jld.localhost", "dummy: {users: [alice, bob]}, blocked: [bob]"),
        f"hub.auth.dummy.users[1]: {BLOCKED}",
    ),
    "a size for a denied organisation": (
        site(
            auth=github("organizations: {allow: [my-org], deny: [other]}"),
            hub=", lab: {sizes: {large: {groups: ['other:team']}}}",
        ),
        f"hub.lab.sizes.large.groups[0]: none of other:team can log in, for {DENIED} keeps them out; remove it from one of the two",
    ),
    "a role for an organisation that nobody comes from": (
        site(hub=", roles: {teachers: {scopes: ['list:users'], groups: ['my-ogr:teachers']}}"),
        "hub.roles.teachers.groups[0]: hub.auth.github.organizations.allow lets in nobody of my-ogr:teachers, so only who is in one of "
        "those too has a use for it; correct the name, or let my-ogr:teachers in, unless that is meant",
    ),
    "a trial on a public name": (
        named("jupyter.lab.uni.edu"),
        "hub.auth.dummy: " + TRIAL.format("jupyter.lab.uni.edu"),
    ),
    "a trial on a public address": (named("9.9.9.9"), "hub.auth.dummy: " + TRIAL.format("9.9.9.9")),
    **{
        f"homes in {folder}": (host_path(folder), "storage.hostPath.path: " + OF_THE_NODE.format(folder))
        for folder in ("/etc", "/usr/lib/jld", "/var/lib/kubelet", "/boot", "/var")
    },
    **{
        f"homes in {folder}": (host_path(folder), "storage.hostPath.path: " + EMPTIED.format(folder, "people's files"))
        for folder in ("/tmp/jld", "/run/jld", "/dev/shm/jld")
    },
    "a little lab": (size("memory: 64Mi"), f"hub.lab.sizes.small.memory: {SMALL}"),
    "a slow lab": (size("cpu: 0.01"), f"hub.lab.sizes.small.cpu: {SLOW}"),
    "a volume of nothing": (
        site("storage: {claim: {capacity: 1Mi}}\n"),
        "storage.claim.capacity: " + FULL.format("1Mi"),
    ),
    "a database of nothing": (site(hub=", db: {capacity: 1Mi}"), "hub.db.capacity: " + FULL.format("1Mi")),
    "a hub of nothing": (
        site(hub=", resources: {requests: {memory: 1Mi}, limits: {memory: 2Mi}}"),
        "hub.resources.limits.memory: nothing starts with 2Mi; remove it, for the default was measured, or write more",
    ),
    **{
        f"everybody is believed: {text}": (
            site(nginx=f", trustedProxies: ['{text}']"),
            "nginx.trustedProxies[0]: " + BELIEVED.format(text),
        )
        for text in ("0.0.0.0/0", "128.0.0.0/1", "::/0", "10.0.0.0/8")
    },
}
# Right, though it looks like one of the above.
GOOD = {
    "a team of an allowed organisation is denied": site(
        auth=github("organizations: {allow: [my-org], deny: ['my-org:a']}")
    ),
    "groups that differ in their letters": site(
        auth=f"other: {{clientId: jld, {OIDC}, groups: {{allow: [A], deny: [a]}}}}"
    ),
    "a team for which nobody is let in": site(hub=", lab: {sizes: {large: {groups: ['my-org:gpu']}}}"),
    "people by name, and an organisation": site(
        auth=github("users: {allow: [ada]}"), hub=", lab: {sizes: {large: {groups: [elsewhere]}}}"
    ),
    "a client that is called so by its operator": site(auth=f"other: {{clientId: client, {OIDC}, allowAll: true}}"),
    "a trial on this machine": named("jld.localhost"),
    "a trial in a network of one's own": named("10.0.0.7"),
    "a trial without a domain": named("jupyter"),
    "a folder of the site": host_path("/opt/jld"),
    "a folder beside the system's": host_path("/var/lib/rancher/k3s/storage/jld"),
    "a volume of other people's": site("storage: {mode: external, external: {server: nfs.uni.edu, capacity: 1Mi}}\n"),
    "the hub beside Firefly": site("firefly: {enabled: true}\n", shared=", hubRoute: /nb/"),
    "read-only files": site("storage: {volumes: {data: {mountPath: /data, readOnly: true}}}\n"),
    "a balancer's networks": site(nginx=", trustedProxies: [130.211.0.0/22, 35.191.0.0/16, '2600:2d00::/32']"),
}


@pytest.fixture
def said(desk: Any) -> Any:
    def check(text: str, secret: str = SECRET) -> tuple[int, list[str]]:
        desk.write("site.yaml", text)
        given = {f"JLD_{way}_CLIENT_SECRET": secret for way in ("GITHUB", "OTHER")}
        result = desk.run("check", "site.yaml", **given)
        lines = [line.split(": ", 1)[1] for line in result.stderr.splitlines() if ": " in line]
        return result.exit_code, [line for line in lines if line.startswith(("error: ", "warning: "))]

    return check


@pytest.mark.parametrize(("text", "message"), ERRORS.values(), ids=ERRORS)
def test_what_never_works_is_an_error(text: str, message: str, said: Any) -> None:
    assert said(text) == (1, [f"error: {message}"])


@pytest.mark.parametrize(("text", "message"), WARNINGS.values(), ids=WARNINGS)
def test_what_is_hardly_meant_is_a_warning(text: str, message: str, said: Any) -> None:
    assert said(text) == (0, [f"warning: {message}"])


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_what_works_and_is_meant_is_good(text: str, said: Any) -> None:
    assert said(text) == (0, [])


@pytest.mark.parametrize(
    "secret", ["changeme", "<client-secret>", "xxx", "YOUR_CLIENT_SECRET", "${CLIENT_SECRET}", "secret", "..."]
)
def test_a_secret_from_a_template_is_an_error_where_the_provider_makes_it(secret: str, desk: Any) -> None:
    desk.write("site.yaml", site())
    desk.write("secrets.yaml", yaml.safe_dump({"hub": {"secret": {"githubClientSecret": secret}}}))
    result = desk.run("check", "site.yaml", "--secrets", "secrets.yaml")
    told = "hub.secret.githubClientSecret: this is what stands in a template; give the client's own secret, as JLD_GITHUB_CLIENT_SECRET"
    assert (result.exit_code, told in result.stderr, secret in result.stderr) == (1, True, secret in told), (
        result.stderr
    )


def test_a_secret_that_an_operator_may_have_chosen_is_a_warning(said: Any) -> None:
    told = "hub.secret.otherClientSecret: this is what stands in a template; give the client's own secret, as JLD_OTHER_CLIENT_SECRET"
    assert said(site(auth=f"other: {{clientId: jld, {OIDC}, allowAll: true}}"), "changeme") == (0, [f"warning: {told}"])


def test_a_client_id_is_no_secret(said: Any) -> None:
    code, (message,) = said(site(), "Iv1.8a61f9b3a7aba766")
    assert (code, message) == (
        1,
        "error: hub.secret.githubClientSecret: the same as hub.auth.github.clientId; give the secret that belongs to it",
    )
    code, (message,) = said(site(), "Ov23liA1b2C3d4E5f6G7")
    assert (
        message
        == "error: hub.secret.githubClientSecret: has the form of a client ID; give the client secret as JLD_GITHUB_CLIENT_SECRET"
    )


def test_an_address_is_in_its_certificate_as_browsers_look_for_it(desk: Any) -> None:
    desk.write(
        "site.yaml",
        "global: {hostname: 10.0.0.7, port: 8443}\nhub: {auth: {dummy: {users: [alice]}}}\nnginx: {tls: {selfSigned: true}}\n",
    )
    assert desk.run("values", "site.yaml").exit_code == 0
    made = desk.read("values.yaml")["nginx"]["secret"]["certificate"]
    certificate = x509.load_pem_x509_certificate(formats.decode(made) or b"")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [IPv4Address("10.0.0.7")]
    assert names.get_values_for_type(x509.DNSName) == []


def test_an_address_is_none_of_a_certificate_s_names() -> None:
    of_an_address = self_signed.generate("10.0.0.7", NOW).pair
    certificate = x509.load_pem_x509_certificate(of_an_address.certificate)
    assert [covers(certificate, each) for each in ("10.0.0.7", "10.0.0.8", "jupyter.uni.edu")] == [True, False, False]
    (fault,) = [each for each in faults(of_an_address, "jupyter.uni.edu", NOW) if not each.warning]
    assert fault.sentence == "it is for 10.0.0.7, not for jupyter.uni.edu; get one that names jupyter.uni.edu"
