"""What the tool says about mistakes that people make."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jld.schema.chart import Chart
from jld.schema.validation import key_paths
from jld.site.tree import plain, put, tree
from jld.support.errors import Problem, SiteError
from jld.values.assembly import Sources, assemble
from jld.values.values_file import render_values

CHART = Chart(Path(__file__).resolve().parents[4] / "chart")
ANYTHING = st.recursive(
    st.sampled_from([None, True, 0, -1, 1.5, "", "x", "a\nb", "443", "\x00", "*", "0s", "é" * 300]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["", "x", "secret", "a.b"]), inner, max_size=2)
    ),
    max_leaves=4,
)
HEAD = "global: {hostname: jupyter.example.org}\n"
HUB = "hub: {auth: {dummy: {users: [alice]}}}\n"
NGINX = "nginx: {tls: {existingSecret: jupyter-tls}}\n"


def hub(rest: str) -> str:
    """A site that is right but for what `rest` adds to the hub, from line 4 on."""
    return HEAD + NGINX + "hub:\n" + rest


def hub_with_own_secret(rest: str) -> str:
    """The same, where no secret is missing because the operator has a Secret of their own."""
    return (
        HEAD + NGINX.replace("}}", "}, routes: {existingSecret: mine}}") + "hub:\n" + rest + "  existingSecret: mine\n"
    )


def whole(rest: str) -> str:
    """A site that is right but for `rest`, from line 4 on."""
    return HEAD + HUB + NGINX + rest


def service(keys: str) -> str:
    """A site that is right but for `keys` of the front door's Service, in line 3."""
    return HEAD + HUB + f"nginx: {{tls: {{existingSecret: t}}, service: {{{keys}}}}}\n"


DUMMY = "  auth: {dummy: {users: [alice]}}\n"
MISTAKES: dict[str, tuple[str, str]] = {
    "a host name with a scheme": (
        "global: {hostname: 'https://jupyter.example.org'}\n" + HUB + NGINX,
        'site.yaml:1:20: error: global.hostname: found "https://jupyter.example.org"; '
        "write a DNS name in lower case without scheme, port or path, like jupyter.example.org",
    ),
    "no host name": (
        HUB + NGINX,
        "site.yaml:1:1: error: global.hostname: missing; "
        "write a DNS name in lower case without scheme, port or path, like jupyter.example.org",
    ),
    "a host name that ends in a line break": (
        'global: {hostname: "jupyter.example.org\\n"}\n' + HUB + NGINX,
        'site.yaml:1:20: error: global.hostname: found "jupyter.example.org\\n"; '
        "write a DNS name in lower case without scheme, port or path, like jupyter.example.org",
    ),
    "the hub's Secret is one's own, and nobody told the front door": (
        HEAD + NGINX + "hub: {auth: {dummy: {users: [alice]}}, existingSecret: mine}\n",
        "site.yaml:2:1: error: nginx.routes.existingSecret: with hub.existingSecret, write the name of the Secret that "
        "holds its proxyToken here too",
    ),
    "a Secret for the front door beside the hub's": (
        HEAD + HUB + "nginx: {tls: {existingSecret: t}, routes: {existingSecret: mine}}\n",
        "site.yaml:3:60: error: nginx.routes.existingSecret: the hub's token is in hub.secret, and this would be "
        "another one; remove it, or write hub.existingSecret too",
    ),
    "the PROXY protocol of anybody": (
        HEAD + HUB + "nginx: {tls: {existingSecret: t}, proxyProtocol: true}\n",
        "site.yaml:3:1: error: nginx.trustedProxies: nobody would be believed; name the networks of the load balancers "
        "that speak the PROXY protocol",
    ),
    "an address inside of a trusted network": (
        HEAD + HUB + "nginx: {tls: {existingSecret: t}, trustedProxies: [10.1.2.3/8]}\n",
        "site.yaml:3:52: error: nginx.trustedProxies[0]: 10.1.2.3/8 is an address inside of the network 10.0.0.0/8; "
        "write 10.0.0.0/8, or 10.1.2.3/32 for that address alone",
    ),
    "an Ingress that nobody is told to believe": (
        HEAD + HUB + "nginx: {tls: {existingSecret: t}, mode: ingress}\n",
        "site.yaml:3:1: error: nginx.trustedProxies: everybody would seem to come from the Ingress or Gateway in front; "
        "name the controller's own addresses, like 10.1.2.0/24",
    ),
    "a Gateway without a name": (
        HEAD + HUB + "nginx: {mode: gateway, trustedProxies: [10.0.0.0/8]}\n",
        "site.yaml:3:1: error: nginx.gateway.name: write the name of the Gateway",
    ),
    "a certificate behind a Gateway": (
        HEAD
        + HUB
        + "nginx: {mode: gateway, gateway: {name: g}, trustedProxies: [10.0.0.0/8], tls: {selfSigned: true}}\n",
        "site.yaml:3:74: error: nginx.tls: the Gateway speaks TLS and has the certificate; remove nginx.tls",
    ),
    "a certificate behind a load balancer that has one": (
        HEAD + HUB + "nginx: {tls: {offload: true, existingSecret: t}, trustedProxies: [10.1.2.0/24]}\n",
        "site.yaml:3:9: error: nginx.tls: the load balancer speaks TLS and has the certificate; "
        "remove all but nginx.tls.offload",
    ),
    "a load balancer with the certificate that nobody is told to believe": (
        HEAD + HUB + "nginx: {tls: {offload: true}}\n",
        "site.yaml:3:1: error: nginx.trustedProxies: everybody would seem to come from the load balancer in front; name its "
        "networks, like 10.1.2.0/24, or write nginx.service.externalTrafficPolicy Local where it leaves people's "
        "addresses as they are",
    ),
    "TLS that ends at the load balancer of an Ingress": (
        HEAD + HUB + "nginx: {mode: ingress, tls: {offload: true, existingSecret: t}, trustedProxies: [10.1.2.0/24]}\n",
        "site.yaml:3:39: error: nginx.tls.offload: an Ingress or Gateway speaks TLS by itself; remove it, or write "
        "nginx.mode service",
    ),
    "a controller where there is none": (
        HEAD + HUB + "nginx: {tls: {existingSecret: t}, controllers: [{namespace: traefik}]}\n",
        "site.yaml:3:35: error: nginx.controllers: nothing is between the Service and people's load balancer; remove it, "
        "or write nginx.mode ingress or gateway",
    ),
    "an address for a Service that gets none": (
        service("type: NodePort, loadBalancerIP: 192.0.2.1"),
        "site.yaml:3:77: error: nginx.service.loadBalancerIP: only a load balancer has an address of its own; "
        "remove it, or write nginx.service.type LoadBalancer",
    ),
    "a path for the hub that is none": (
        "global: {hostname: jupyter.example.org, hubRoute: nb}\n" + HUB + NGINX,
        'site.yaml:1:51: error: global.hubRoute: found "nb"; '
        "write /, or one name of lower case letters, digits and - between slashes, like /nb/",
    ),
    "a page where the hub is": (
        HEAD + HUB + 'nginx: {tls: {existingSecret: t}, landingPage: "<p>"}\n',
        "site.yaml:3:48: error: nginx.landingPage: the hub itself is at /; remove it, or write a global.hubRoute like /nb/",
    ),
    "a drain in hours": (
        HEAD + HUB + "nginx: {tls: {existingSecret: t}, drainTimeout: 1h}\n",
        'site.yaml:3:49: error: nginx.drainTimeout: found "1h"; '
        "write a whole number of seconds from 1s to 9999s, like 120s",
    ),
    "a host name above `global`": (
        whole("hostname: jupyter.example.org\n"),
        "site.yaml:4:1: error: hostname: there is no such key; "
        "the original deploy tool's hostname is now global.hostname",
    ),
    "a port in quotes": (
        'global: {hostname: jupyter.example.org, port: "443"}\n' + HUB + NGINX,
        'site.yaml:1:47: error: global.port: found "443"; write a port number from 1 to 65535',
    ),
    "a misspelt key": (
        hub(DUMMY + "  culling: {idleTimout: 1h}\n"),
        "site.yaml:5:13: error: hub.culling.idleTimout: there is no such key; did you mean idleTimeout?",
    ),
    "a key in another spelling": (
        hub(DUMMY + "  lab: {default_size: tiny}\n"),
        "site.yaml:5:9: error: hub.lab.default_size: there is no such key; did you mean defaultSize?",
    ),
    "a key at the wrong place": (
        hub(DUMMY + "  defaultSize: tiny\n"),
        "site.yaml:5:3: error: hub.defaultSize: there is no such key; did you mean hub.lab.defaultSize?",
    ),
    "a key of the original tool": (
        whole("allowed_groups: [lsst]\n"),
        "site.yaml:4:1: error: allowed_groups: there is no such key; "
        "the original deploy tool's allowed_groups is now hub.auth.github.organizations.allow",
    ),
    "a global of one part": (
        hub(DUMMY + "  global: {port: 8443}\n"),
        "site.yaml:5:3: error: hub.global: there is one `global` only; move its keys to the `global` at the top",
    ),
    "an image tag that is a number": (
        hub(DUMMY + "  image: {tag: 1.10}\n"),
        "site.yaml:5:16: error: hub.image.tag: found the number 1.10; "
        'YAML does not read this as text; write it in quotes: "1.10"',
    ),
    "an image repository with its tag": (
        hub(DUMMY + "  lab: {image: {repository: 'lab:1.0'}}\n"),
        'site.yaml:5:29: error: hub.lab.image.repository: found "lab:1.0"; '
        "write the image's name below global.imageRegistry in lower case, without a tag, like lab",
    ),
    "memory without a unit": (
        hub(DUMMY + "  lab: {sizes: {small: {memory: 2}}}\n"),
        "site.yaml:5:33: error: hub.lab.sizes.small.memory: found the number 2; "
        "write an amount with its unit, like 512Mi or 8Gi",
    ),
    "memory in thousandths of a byte": (
        hub(DUMMY + "  lab: {sizes: {small: {memory: 512m}}}\n"),
        'site.yaml:5:33: error: hub.lab.sizes.small.memory: found "512m"; '
        "write an amount with its unit, like 512Mi or 8Gi",
    ),
    "no cores": (
        hub(DUMMY + "  lab: {sizes: {small: {cpu: 0}}}\n"),
        "site.yaml:5:30: error: hub.lab.sizes.small.cpu: found the number 0, which is less than 0.001; "
        "write a number of cores like 2, 0.5 or 500m",
    ),
    "a new size without memory": (
        hub(DUMMY + "  lab: {sizes: {huge: {cpu: 16}}}\n"),
        "site.yaml:5:17: error: hub.lab.sizes.huge.memory: missing; write an amount with its unit, like 512Mi or 8Gi",
    ),
    "a size with a name in upper case": (
        hub(DUMMY + "  lab: {sizes: {Huge: {cpu: 16, memory: 64Gi}}}\n"),
        'site.yaml:5:9: error: hub.lab.sizes: the key "Huge" is not accepted; '
        "write a name of lower case letters, digits and -, like small",
    ),
    "a default size that is no size": (
        hub(DUMMY + "  lab: {defaultSize: smal}\n"),
        'site.yaml:5:22: error: hub.lab.defaultSize: there is no size "smal" in hub.lab.sizes; did you mean small?',
    ),
    "a default size that not everybody may have": (
        hub_with_own_secret(
            "  auth: {github: {clientId: Iv1.8a61f9b3a7aba766, organizations: {allow: [my-org]}}}\n"
            "  lab: {sizes: {small: {groups: [my-org]}}}\n"
        ),
        'site.yaml:5:3: error: hub.lab.defaultSize: the size "small" is for members of its groups only; '
        "name one that everybody may have",
    ),
    "two repositories in one folder": (
        hub(DUMMY + "  lab: {repositories: ['https://a.example/x/Demo.git@main', 'https://b.example/demo']}\n"),
        "site.yaml:5:61: error: hub.lab.repositories[1]: the folder demo is another one's already; leave one out",
    ),
    "a repository that is not on the web": (
        hub(DUMMY + "  lab: {repositories: ['git@github.com:x/demo.git']}\n"),
        'site.yaml:5:24: error: hub.lab.repositories[0]: found "git@github.com:x/demo.git"; '
        "write an address with a branch, like https://github.com/my-org/tutorials.git@main",
    ),
    "a network for labs that is everything": (
        hub(DUMMY + "  lab: {network: {allow: [0.0.0.0/0]}}\n"),
        "site.yaml:5:27: error: hub.lab.network.allow[0]: 0.0.0.0/0 holds 169.254.0.0/16, where clouds hand out a node's "
        "credentials; write smaller networks",
    ),
    "a network for labs with the credentials of a cloud": (
        hub(DUMMY + "  lab: {network: {allow: ['fd00::/8']}}\n"),
        "site.yaml:5:27: error: hub.lab.network.allow[0]: fd00::/8 holds fd00:ec2::254, where clouds hand out a node's "
        "credentials; write smaller networks",
    ),
    "a network for labs that is an address": (
        hub(DUMMY + "  lab: {network: {allow: [10.20.1.5/16]}}\n"),
        "site.yaml:5:27: error: hub.lab.network.allow[0]: 10.20.1.5/16 is an address inside of the network 10.20.0.0/16; "
        "write 10.20.0.0/16, or 10.20.1.5/32 for that address alone",
    ),
    "the default size taken away": (
        hub(DUMMY + "  lab: {sizes: {small: null}}\n"),
        'site.yaml:5:3: error: hub.lab.defaultSize: there is no size "small" in hub.lab.sizes; '
        "write one of tiny, medium, large",
    ),
    "every size taken away": (
        hub(DUMMY + "  lab: {sizes: {tiny: null, small: null, medium: null, large: null}}\n"),
        "site.yaml:5:9: error: hub.lab.sizes: all of them are removed; leave at least one",
    ),
    "a ladder of a size that is none": (
        hub(DUMMY + "  lab: {ladder: {names: [small, Large]}}\n"),
        'site.yaml:5:33: error: hub.lab.ladder.names[1]: found "Large"; '
        "write a name of lower case letters, digits and -, like small",
    ),
    "a ladder without the default size": (
        hub(DUMMY + "  lab: {ladder: {names: [modest, large]}}\n"),
        'site.yaml:5:3: error: hub.lab.defaultSize: there is no size "small" in hub.lab.sizes; '
        "write one of large, modest",
    ),
    "a ladder without a step": (
        hub(DUMMY + "  lab: {ladder: {names: []}}\n"),
        "site.yaml:5:18: error: hub.lab.ladder.names: there would be no size; name one, or remove hub.lab.ladder",
    ),
    "a ladder of cores in thousandths": (
        hub(DUMMY + "  lab: {ladder: {smallestCpu: 500m}}\n"),
        'site.yaml:5:31: error: hub.lab.ladder.smallestCpu: found "500m"; '
        "write a number of cores from 0.1 to 32, like 1",
    ),
    "a quota said twice": (
        hub(DUMMY + "  lab: {quota: {labs: 26, memory: 64Gi}}\n"),
        "site.yaml:5:35: error: hub.lab.quota.memory: it follows from hub.lab.quota.labs, which says how many labs; "
        "remove one of the two",
    ),
    "a quota that the largest size does not fit": (
        hub(DUMMY + "  lab: {quota: {cpu: 3}}\n"),
        "site.yaml:5:22: error: hub.lab.quota.cpu: a lab of the size large may use 4, so none would ever start; "
        "raise it, or take hub.lab.sizes.large away",
    ),
    "a duration in words": (
        hub(DUMMY + "  culling: {idleTimeout: 12hours}\n"),
        'site.yaml:5:26: error: hub.culling.idleTimeout: found "12hours"; '
        "write 5m or more as a whole number and one unit of s, m, h or d, like 90m, or 0s for never",
    ),
    "a duration without a unit": (
        hub(DUMMY + "  culling: {idleTimeout: 43200}\n"),
        "site.yaml:5:26: error: hub.culling.idleTimeout: found the number 43200; "
        "write 5m or more as a whole number and one unit of s, m, h or d, like 90m, or 0s for never",
    ),
    "a time-out before a lab has told what it does": (
        hub(DUMMY + "  culling: {idleTimeout: 4m}\n"),
        "site.yaml:5:26: error: hub.culling.idleTimeout: labs in use would be stopped before they have told the hub; "
        "write 5m or more, or 0s for never",
    ),
    "no time to start": (
        hub(DUMMY + "  lab: {startTimeout: 0s}\n"),
        'site.yaml:5:23: error: hub.lab.startTimeout: found "0s", which is less than 1s; '
        "write a whole number above zero and one unit of s, m, h or d, like 90s or 12h",
    ),
    "yes for true": (
        hub(DUMMY + '  db: {external: "yes"}\n'),
        'site.yaml:5:18: error: hub.db.external: found "yes"; write true or false',
    ),
    "a text for a list": (
        hub("  auth: {dummy: {users: alice}}\n"),
        'site.yaml:4:25: error: hub.auth.dummy.users: found "alice"; write a list, like [first, second]',
    ),
    "text for keys": (
        hub("  auth: github\n"),
        'site.yaml:4:9: error: hub.auth: found "github"; write keys below it: admins, adminAccess, blocked, refresh, staleness, tokenLifetime, numbers, github, cilogon, other, dummy',
    ),
    "no way to log in": (
        HEAD + NGINX,
        "site.yaml:1:1: error: hub.auth: choose exactly one way to log in: "
        "hub.auth.github, hub.auth.cilogon, hub.auth.other, or hub.auth.dummy for local trials",
    ),
    "two ways to log in": (
        hub("  auth: {dummy: {users: [alice]}, github: {clientId: Iv1.abc, users: {allow: [a]}}}\n"),
        "site.yaml:4:3: error: hub.auth: choose exactly one way to log in: "
        "hub.auth.github, hub.auth.cilogon, hub.auth.other, or hub.auth.dummy for local trials",
    ),
    "nobody let in by CILogon": (
        hub_with_own_secret(
            "  auth: {cilogon: {clientId: 'cilogon:/client_id/1', identityProviders: {'https://a/idp': {}}}}\n"
        ),
        "site.yaml:4:10: error: hub.auth.cilogon: nobody could log in; write hub.auth.cilogon.groups.allow, hub.auth.cilogon.users.allow, or allowAll or "
        "allowDomains of an identity provider",
    ),
    "two names from one provider": (
        hub_with_own_secret(
            "  auth: {cilogon: {clientId: 'cilogon:/client_id/1', "
            "identityProviders: {'https://a/idp': {prefix: a, stripDomain: a.edu, allowAll: true}}}}\n"
        ),
        "site.yaml:4:74: error: hub.auth.cilogon.identityProviders.https://a/idp: a name is either stripped of its domain or "
        "given a prefix; remove one of the two",
    ),
    "administrators whose name two providers may give": (
        hub_with_own_secret(
            "  auth: {admins: [jane], cilogon: {clientId: 'cilogon:/client_id/1', "
            "identityProviders: {'https://a/idp': {stripDomain: a.edu, allowAll: true}, 'https://b/idp': {}}}}\n"
        ),
        "site.yaml:4:145: error: hub.auth.cilogon.identityProviders.https://b/idp: without a prefix, as "
        "hub.auth.cilogon.identityProviders.https://a/idp, so a name in hub.auth.admins may be somebody's of another one; "
        "give all but one a prefix",
    ),
    "somebody listed by a name that two providers may give": (
        hub_with_own_secret(
            "  auth: {cilogon: {clientId: 'cilogon:/client_id/1', users: {allow: [jane.uni.edu]}, "
            "identityProviders: {'https://a/idp': {}, 'https://b/idp': {}, 'https://c/idp': {prefix: c}}}}\n"
        ),
        "site.yaml:4:127: error: hub.auth.cilogon.identityProviders.https://b/idp: without a prefix, as "
        "hub.auth.cilogon.identityProviders.https://a/idp, so a name in hub.auth.cilogon.users.allow may be somebody's of another "
        "one; give all but one a prefix",
    ),
    "a group by its directory name": (
        hub_with_own_secret("  auth: {other: {class: globus, clientId: a, groups: {allow: ['cn=science']}}}\n"),
        "site.yaml:4:63: error: hub.auth.other.groups.allow[0]: a directory name is compared by its common name; write that alone, "
        "like lsst_users",
    ),
    "two groups in one": (
        hub_with_own_secret("  auth: {other: {class: globus, clientId: a, groups: {allow: ['science,users']}}}\n"),
        'site.yaml:4:63: error: hub.auth.other.groups.allow[0]: found "science,users"; write the name of a group, like lsst_users '
        "or /science",
    ),
    "a size for a group in a trial": (
        hub("  auth: {dummy: {users: [alice]}}\n  lab: {sizes: {gpu: {cpu: 1, memory: 1Gi, groups: [science]}}}\n"),
        "site.yaml:5:53: error: hub.lab.sizes.gpu.groups[0]: nobody is in a group with hub.auth.dummy, so nobody would be offered "
        "this; leave groups out",
    ),
    "a size for what is no organization": (
        hub_with_own_secret(
            "  auth: {github: {clientId: Iv1.8a61f9b3a7aba766, organizations: {allow: [a]}}}\n"
            "  lab: {sizes: {gpu: {cpu: 1, memory: 1Gi, groups: [/science]}}}\n"
        ),
        'site.yaml:5:53: error: hub.lab.sizes.gpu.groups[0]: GitHub has no organization or team "/science"; write my-org, or '
        "my-org:my-team",
    ),
    "an identity provider that is a domain": (
        hub_with_own_secret(
            "  auth: {cilogon: {clientId: 'cilogon:/client_id/1', identityProviders: {uni.edu: {allowAll: true}}}}\n"
        ),
        'site.yaml:4:54: error: hub.auth.cilogon.identityProviders: the key "uni.edu" is not accepted; write an EntityID, '
        "like https://idp.ncsa.illinois.edu/idp/shibboleth",
    ),
    "nobody let in by another provider": (
        hub_with_own_secret("  auth: {other: {class: globus, clientId: a}}\n"),
        "site.yaml:4:10: error: hub.auth.other: nobody could log in; write hub.auth.other.groups.allow, hub.auth.other.users.allow, or allowAll",
    ),
    "numbers that are no range": (
        hub("  auth: {numbers: {first: 6000, last: 5000}, dummy: {users: [alice]}}\n"),
        "site.yaml:4:10: error: hub.auth.numbers: last (5000) is below first (6000); exchange them",
    ),
    "a question with every page": (
        hub("  auth: {refresh: 10s, dummy: {users: [alice]}}\n"),
        "site.yaml:4:19: error: hub.auth.refresh: the provider would be asked with nearly every page; write 1m or more",
    ),
    "answers that do not last until the next question": (
        hub("  auth: {staleness: 20m, dummy: {users: [alice]}}\n"),
        "site.yaml:4:21: error: hub.auth.staleness: shorter than hub.auth.refresh, so every session would end; write a longer one",
    ),
    "nobody let in": (
        hub("  auth: {github: {clientId: Iv1.abc, organizations: {allow: []}}}\n"),
        "site.yaml:4:10: error: hub.auth.github: nobody could log in; name somebody in "
        "hub.auth.github.organizations.allow or hub.auth.github.users.allow",
    ),
    "no dummy users": (
        hub("  auth: {dummy: {users: []}}\n"),
        "site.yaml:4:18: error: hub.auth.dummy.users: nobody could log in; name somebody in hub.auth.dummy.users",
    ),
    "a user name with @": (
        hub('  auth: {admins: ["@alice"], dummy: {users: [alice]}}\n'),
        'site.yaml:4:19: error: hub.auth.admins[0]: found "@alice"; '
        "write a user name as it is in the hub, of letters, digits, -, _ and ., like octocat",
    ),
    "a team with a slash": (
        hub("  auth: {github: {clientId: Iv1.abc, organizations: {allow: [my-org/team]}}}\n"),
        'site.yaml:4:62: error: hub.auth.github.organizations.allow[0]: found "my-org/team"; '
        "write an organisation (my-org) or a team of one (my-org:my-team)",
    ),
    "an organisation twice": (
        hub("  auth: {github: {clientId: Iv1.abc, organizations: {allow: [my-org, my-org]}}}\n"),
        "site.yaml:4:54: error: hub.auth.github.organizations.allow: holds the same entry twice; remove one",
    ),
    "no client ID": (
        hub("  auth: {github: {users: {allow: [octocat]}}}\n"),
        "site.yaml:4:10: error: hub.auth.github.clientId: missing; "
        "write the client ID that GitHub shows for your OAuth app, like Iv1.8a61f9b3a7aba766",
    ),
    "a secret in the site file": (
        hub("  auth: {github: {clientId: Iv1.abc, clientSecret: s3cr3t, users: {allow: [octocat]}}}\n"),
        "site.yaml:4:38: error: hub.auth.github.clientSecret: there is no such key; a site file holds no secrets. "
        "Give GitHub's client secret as JLD_GITHUB_CLIENT_SECRET, or any secret below hub.secret in secrets.yaml "
        "beside the site file",
    ),
    "a secret that is not base64": (
        hub(DUMMY + "  secret: {proxyToken: s3cr3t!}\n"),
        "site.yaml:5:24: error: hub.secret.proxyToken: what stands here (not shown) is wrong; "
        "write base64, as `data` of a Secret holds it; `jld values --secrets FILE` takes plain text and encodes it",
    ),
    "a secret of another form": (
        hub(DUMMY + "  secret: {proxyToken: czNjcjN0}\n"),
        "site.yaml:5:24: error: hub.secret.proxyToken: what it decodes to (not shown) is not 64 hex digits; "
        "write that, or remove the key",
    ),
    "an external database without an address": (
        hub(DUMMY + "  db: {external: true}\n"),
        "site.yaml:3:1: error: hub.secret.dbUrl: missing; "
        "give the database's address as JLD_DB_URL, or below hub.secret in secrets.yaml beside the site file",
    ),
    "hub configuration that is not Python": (
        hub(DUMMY + "  extraConfig: {50-greeting.py: 'c.x = ='}\n"),
        'site.yaml:5:33: error: hub.extraConfig."50-greeting.py": not Python: invalid syntax in its line 1; correct it',
    ),
    "hub configuration with a name that nothing defines": (
        hub(DUMMY + "  extraConfig:\n    50-a.py: |\n      import os\n      c.x = os.environ, datbase\n"),
        'site.yaml:6:14: error: hub.extraConfig."50-a.py": nothing defines the name datbase in its line 2, '
        "and the hub ends there; correct it",
    ),
    "hub configuration with a name that another file defines": (
        hub(DUMMY + "  extraConfig: {50-a.py: 'import os', 60-b.py: 'c.y = os.environ'}\n"),
        'site.yaml:5:48: error: hub.extraConfig."60-b.py": nothing defines the name os in its line 1, '
        "and the hub ends there; correct it",
    ),
    "hub configuration without a number": (
        hub(DUMMY + "  extraConfig: {greeting.py: 'x = 1'}\n"),
        'site.yaml:5:3: error: hub.extraConfig: the key "greeting.py" is not accepted; '
        "write a file name like 50-greeting.py",
    ),
    "more reserved than may be used": (
        hub(DUMMY + "  resources: {requests: {memory: 2Gi}}\n"),
        "site.yaml:5:34: error: hub.resources.requests.memory: 2Gi is more than the limit 1Gi; "
        "lower it, or raise hub.resources.limits.memory",
    ),
    "a backup that has no claim": (
        whole("storage: {backup: {schedule: '0 2 * * *'}}\n"),
        "site.yaml:4:11: error: storage.backup.claim: missing; write the name of a claim that takes the archives",
    ),
    "a backup at no time": (
        whole("storage: {backup: {claim: archives, schedule: every night}}\n"),
        'site.yaml:4:47: error: storage.backup.schedule: found "every night"; write five fields as cron writes them, '
        'like "0 2 * * *" for two o\'clock every night, or ""',
    ),
    "a backup of a volume that is not there": (
        whole("storage: {backup: {claim: archives, volumes: [home, homes]}}\n"),
        "site.yaml:4:53: error: storage.backup.volumes[1]: there is no storage.volumes.homes; write one of home",
    ),
    "an unknown storage mode": (
        whole("storage: {mode: nfs4}\n"),
        'site.yaml:4:17: error: storage.mode: found "nfs4"; write claim, nfs, external or hostPath',
    ),
    "a class for a disk that exists": (
        whole("storage: {mode: nfs, nfs: {existingClaim: disk, storageClass: fast}}\n"),
        "site.yaml:4:63: error: storage.nfs.storageClass: it says how to make a claim, "
        "but storage.nfs.existingClaim names one that is there; remove one of the two",
    ),
    "a class to make, without a name": (
        whole("storage: {mode: nfs, nfs: {provisioner: pd.csi.storage.gke.io}}\n"),
        "site.yaml:4:22: error: storage.nfs.storageClass: missing; "
        "write the name of the storage class that storage.nfs.provisioner makes",
    ),
    "an external file server without a name": (
        whole("storage: {mode: external}\n"),
        "site.yaml:4:1: error: storage.external.server: missing; write the name or the address of your NFS server",
    ),
    "a machine in place of a network": (
        whole("storage: {mode: nfs, nfs: {clients: [10.1.2.3/16]}}\n"),
        "site.yaml:4:38: error: storage.nfs.clients[0]: 10.1.2.3/16 is an address inside of the network 10.1.0.0/16; "
        "write 10.1.0.0/16, or 10.1.2.3/32 for that address alone",
    ),
    "a volume inside the homes": (
        whole("storage: {volumes: {extra: {mountPath: /home/extra}}}\n"),
        "site.yaml:4:40: error: storage.volumes.extra.mountPath: /home/extra lies in the folder of "
        "storage.volumes.home; write another one",
    ),
    "a volume over the lab's own folders": (
        whole("storage: {volumes: {tools: {mountPath: /usr/local}}}\n"),
        "site.yaml:4:40: error: storage.volumes.tools.mountPath: would hide what a lab's image has in /usr; "
        "write a folder of its own, like /tools",
    ),
    "a volume of the chart's own name": (
        whole("storage: {volumes: {file-server: {mountPath: /files}}}\n"),
        "site.yaml:4:21: error: storage.volumes.file-server: file-server is what the chart calls the file server's "
        "disk; write another name",
    ),
    "two volumes that the file server cannot tell apart": (
        whole("storage: {mode: nfs, volumes: {envs65: {mountPath: /envs}, tables30: {mountPath: /tables}}}\n"),
        "site.yaml:4:60: error: storage.volumes.tables30: the file server would give tables30 and envs65 the same "
        "number; write another name",
    ),
    "a file server without a volume": (
        whole("storage: {mode: nfs, volumes: {home: {existingClaim: homes}}}\n"),
        "site.yaml:4:17: error: storage.mode: every volume has an existingClaim, and a file server without volumes does "
        "not start; write storage.mode claim, or remove the existingClaim of a volume that the file server shall hold",
    ),
    "a file server's disk for many nodes": (
        whole("storage: {mode: nfs, nfs: {accessMode: ReadWriteMany, clients: [10.0.0.0/8]}}\n"),
        'site.yaml:4:40: error: storage.nfs.accessMode: found "ReadWriteMany"; write ReadWriteOnce or ReadWriteOncePod',
    ),
    "a toleration of the file server that names no taint": (
        whole(
            "storage: {mode: nfs, nfs: {clients: [10.0.0.0/8], pod: {tolerations: [{operator: Equal, value: 'yes'}]}}}\n"
        ),
        "site.yaml:4:71: error: storage.nfs.pod.tolerations[0].key: missing; write the key of a taint, like services",
    ),
    "a toleration of the file server that compares what it does not look at": (
        whole(
            "storage: {mode: nfs, nfs: {clients: [10.0.0.0/8], pod: {tolerations: [{operator: Exists, value: 'yes'}]}}}\n"
        ),
        "site.yaml:4:97: error: storage.nfs.pod.tolerations[0].value: with operator Exists no value is compared; "
        "remove it, or write operator: Equal",
    ),
    "a toleration of the file server that ends where nothing is ended": (
        whole(
            "storage: {mode: nfs, nfs: {clients: [10.0.0.0/8], "
            "pod: {tolerations: [{operator: Exists, effect: NoSchedule, tolerationSeconds: 9}]}}}\n"
        ),
        "site.yaml:4:98: error: storage.nfs.pod.tolerations[0].effect: only a taint of the effect NoExecute ends pods; "
        "write it, or remove tolerationSeconds",
    ),
    "the root folder for homes": (
        whole("storage: {mode: hostPath, hostPath: {path: /}}\n"),
        'site.yaml:4:44: error: storage.hostPath.path: found "/"; '
        "write an absolute path other than / and not below /proc or /sys, like /var/lib/jld",
    ),
    "a way out of the folder for homes": (
        whole("storage: {mode: hostPath, hostPath: {path: /home/../etc}}\n"),
        'site.yaml:4:44: error: storage.hostPath.path: found "/home/../etc"; '
        "write an absolute path other than / and not below /proc or /sys, like /var/lib/jld",
    ),
    "a storage class in upper case": (
        whole("storage: {claim: {storageClass: Fast}}\n"),
        'site.yaml:4:33: error: storage.claim.storageClass: found "Fast"; '
        'write the name of a Kubernetes object (lower case letters, digits, - and .), or ""',
    ),
    "no certificate": (
        HEAD + HUB,
        "site.yaml:1:1: error: nginx.tls: give the certificate in exactly one way: nginx.tls.letsencrypt.email, or nginx.tls.issuer.name, or nginx.tls.certificate and "
        "nginx.tls.key, or nginx.tls.existingSecret, or nginx.tls.selfSigned: true",
    ),
    "a certificate without its key": (
        HEAD + HUB + "nginx: {tls: {certificate: tls.pem}}\n",
        "site.yaml:3:9: error: nginx.tls: give the certificate in exactly one way: nginx.tls.letsencrypt.email, or nginx.tls.issuer.name, or nginx.tls.certificate and "
        "nginx.tls.key, or nginx.tls.existingSecret, or nginx.tls.selfSigned: true",
    ),
    "an upload size with a wrong unit": (
        HEAD + HUB + "nginx: {maxBodySize: 2GB, tls: {existingSecret: t}}\n",
        'site.yaml:3:22: error: nginx.maxBodySize: found "2GB"; '
        'write a size in quotes in the words of nginx, like "100m" or "2g", or "0" for no limit',
    ),
    "an upload size without quotes": (
        HEAD + HUB + "nginx: {maxBodySize: 0, tls: {existingSecret: t}}\n",
        "site.yaml:3:22: error: nginx.maxBodySize: found the number 0; "
        'YAML does not read this as text; write it in quotes: "0"',
    ),
    "node ports of a Service without": (
        HEAD + HUB + "nginx: {tls: {existingSecret: t}, service: {type: ClusterIP, nodePorts: {http: 30080}}}\n",
        "site.yaml:3:80: error: nginx.service.nodePorts.http: a Service of type ClusterIP has no node ports; "
        "remove it, or write nginx.service.type NodePort",
    ),
    "one node port for both": (
        HEAD
        + HUB
        + "nginx: {tls: {existingSecret: t}, service: {type: NodePort, nodePorts: {http: 30080, https: 30080}}}\n",
        "site.yaml:3:93: error: nginx.service.nodePorts.https: the same port as for http; write another one",
    ),
    "an address for a network": (
        service("loadBalancerSourceRanges: [192.0.2.0/24, 10.1.2.3/16]"),
        "site.yaml:3:86: error: nginx.service.loadBalancerSourceRanges[1]: 10.1.2.3/16 is an address inside of the "
        "network 10.1.0.0/16; write 10.1.0.0/16, or 10.1.2.3/32 for that address alone",
    ),
    "an IPv6 address for a network": (
        service('loadBalancerSourceRanges: ["2001:db8::1/32"]'),
        "site.yaml:3:72: error: nginx.service.loadBalancerSourceRanges[0]: 2001:db8::1/32 is an address inside of the "
        "network 2001:db8::/32; write 2001:db8::/32, or 2001:db8::1/128 for that address alone",
    ),
    "colons that are no IPv6": (
        service('loadBalancerSourceRanges: ["1::2::/64"]'),
        'site.yaml:3:72: error: nginx.service.loadBalancerSourceRanges[0]: found "1::2::/64"; '
        "write a network with its length, like 2001:db8::/32",
    ),
    "a network without its length": (
        service("loadBalancerSourceRanges: [192.0.2.7]"),
        'site.yaml:3:72: error: nginx.service.loadBalancerSourceRanges[0]: found "192.0.2.7"; '
        "write a network with its length, like 192.0.2.0/24 or 2001:db8::/32",
    ),
    "a network with too long a length": (
        service("loadBalancerSourceRanges: [192.0.2.0/33]"),
        'site.yaml:3:72: error: nginx.service.loadBalancerSourceRanges[0]: found "192.0.2.0/33"; '
        "write a network with its length, like 192.0.2.0/24 or 2001:db8::/32",
    ),
    "networks of a Service without a load balancer": (
        service("type: NodePort, loadBalancerSourceRanges: [192.0.2.0/24]"),
        "site.yaml:3:61: error: nginx.service.loadBalancerSourceRanges: only a load balancer keeps others out; "
        "remove it, or write nginx.service.type LoadBalancer",
    ),
    "an annotation that is not text": (
        HEAD + HUB + "nginx: {tls: {existingSecret: t}, service: {annotations: {internal: true}}}\n",
        "site.yaml:3:69: error: nginx.service.annotations.internal: found true; "
        'YAML does not read this as text; write it in quotes: "true"',
    ),
}


@pytest.mark.parametrize(("text", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_answered_with_place_cause_and_remedy(
    text: str, sentence: str, complaints: Callable[[str], list[str]]
) -> None:
    assert complaints(text) == [sentence]


def test_all_mistakes_are_said_in_one_run_in_the_order_of_the_file(complaints: Callable[[str], list[str]]) -> None:
    found = complaints(
        "global: {hostname: A, ports: 1}\n"
        "hub: {auth: {dummy: {users: [Alice]}}, lab: {sizeRange: 0}}\n"
        "nginx: {replicas: 0, tls: {}}\n"
    )
    assert [line.split(": error: ")[1].split(": ")[0] for line in found] == [
        "global.hostname",
        "global.ports",
        "hub.auth.dummy.users[0]",
        "hub.lab.sizeRange",
        "nginx.replicas",
        "nginx.tls",
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(changes={("prepuller", "pod", "topologySpread"): [None, None]})
@example(changes={("hub", "files"): {"": "text", "etc": "text"}})
@given(changes=st.dictionaries(st.sampled_from(list(key_paths(CHART.schema()))), ANYTHING, min_size=1, max_size=3))
def test_whatever_stands_at_a_key_the_answer_is_a_sentence(
    changes: dict[tuple[str, ...], object], tmp_path: Path
) -> None:
    site = tree(yaml.safe_load(HEAD + HUB + "nginx: {tls: {selfSigned: true}}\n"))
    for path, value in changes.items():
        site = put(site, path, tree(value))
    file = tmp_path / "site.yaml"
    file.write_bytes(render_values(plain(site)))
    for problem in problems(file):
        assert problem.place
        assert len(problem.sentence) > 10
        assert "None" not in problem.sentence


def problems(file: Path) -> list[Problem]:
    try:
        assemble(Sources([file], environment={"JLD_GITHUB_CLIENT_SECRET": "abc"}), CHART, datetime.now(UTC))
    except SiteError as error:
        return error.problems
    return []
