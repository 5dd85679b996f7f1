"""The certificate that cert-manager gets: what the chart asks of it, and that whoever needs the certificate finds it."""

from __future__ import annotations

from pathlib import Path

import pytest
from rendering import Question, Render, refusal, render

NONE_BEFORE = ('nginx.tls.existingSecret=""',)
BY_LETSENCRYPT = (*NONE_BEFORE, 'nginx.tls.letsencrypt.email="operator@example.org"')
BY_ISSUER = (*NONE_BEFORE, 'nginx.tls.issuer={"name": "ours", "kind": "Issuer", "group": "awspca.cert-manager.io"}')
BEHIND = ('nginx.mode="ingress"', 'nginx.trustedProxies=["10.0.0.0/8"]')
SOLVER = {
    "app.kubernetes.io/name": "jld",
    "app.kubernetes.io/instance": "jld",
    "app.kubernetes.io/component": "proof",
}


def of(values: dict[str, Path], *changes: str) -> Render:
    return render(Question(values["minimal"], changes))


def secrets_of(rendered: Render) -> set[str]:
    """The Secrets in which somebody looks for the certificate."""
    mounted = {
        volume["secret"]["secretName"]
        for pod in rendered.pods
        for volume in pod.spec.get("volumes", [])
        if volume["name"] == "tls" and pod.component in ("nginx", "test")
    }
    return mounted | {entry["secretName"] for each in rendered.of_kind("Ingress") for entry in each["spec"]["tls"]}


def test_lets_encrypt_takes_an_address_and_no_more(values: dict[str, Path]) -> None:
    rendered = of(values, *BY_LETSENCRYPT)

    assert rendered.one("Certificate", "jld-certificate")["spec"] == {
        "secretName": "jld-certificate",
        "dnsNames": ["jupyter.example.org"],
        "usages": ["digital signature", "key encipherment", "server auth"],
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "issuerRef": {"name": "jld-letsencrypt", "kind": "Issuer", "group": "cert-manager.io"},
    }
    assert rendered.one("Issuer", "jld-letsencrypt")["spec"] == {
        "acme": {
            "email": "operator@example.org",
            "server": "https://acme-v02.api.letsencrypt.org/directory",
            "privateKeySecretRef": {"name": "jld-letsencrypt"},
            "solvers": [
                {
                    "http01": {
                        "ingress": {
                            "ingressClassName": "jld-nginx",
                            "serviceType": "ClusterIP",
                            "podTemplate": {"metadata": {"labels": SOLVER}, "spec": {"imagePullSecrets": []}},
                        }
                    }
                }
            ],
        }
    }


def test_the_front_door_starts_before_there_is_a_certificate(values: dict[str, Path]) -> None:
    """cert-manager then makes one by itself: nginx needs a pair to start, and the proof goes through nginx."""
    annotations = of(values, *BY_LETSENCRYPT).one("Certificate", "jld-certificate")["metadata"]["annotations"]
    assert annotations == {"cert-manager.io/issue-temporary-certificate": "true"}


def test_the_proof_is_found_by_its_labels_and_only_through_nginx(values: dict[str, Path]) -> None:
    rendered = of(values, *BY_LETSENCRYPT)
    service, policy = rendered.one("Service", "jld-proof")["spec"], rendered.one("NetworkPolicy", "jld-proof")["spec"]
    (front_door,) = [
        rule["to"]
        for rule in rendered.one("NetworkPolicy", "jld-nginx")["spec"]["egress"]
        if {"port": 8089} in rule["ports"]
    ]

    assert service["selector"] == policy["podSelector"]["matchLabels"] == SOLVER
    assert front_door == [{"podSelector": {"matchLabels": SOLVER}}]
    assert [rule["from"] for rule in policy["ingress"]] == [
        [{"podSelector": {"matchLabels": {**SOLVER, "app.kubernetes.io/component": "nginx"}}}]
    ]
    assert (policy["policyTypes"], policy.get("egress")) == (["Ingress", "Egress"], None)


def test_behind_an_ingress_its_controller_shows_the_proof(values: dict[str, Path]) -> None:
    rendered = of(values, *BY_LETSENCRYPT, *BEHIND, 'nginx.ingress.className="traefik"')
    (solver,) = rendered.one("Issuer", "jld-letsencrypt")["spec"]["acme"]["solvers"]

    assert solver["http01"]["ingress"]["ingressClassName"] == "traefik"
    assert "from" not in rendered.one("NetworkPolicy", "jld-proof")["spec"]["ingress"][0]
    assert [each for each in rendered.of_kind("Service") if each["metadata"]["name"] == "jld-proof"] == []


def test_an_issuer_of_the_clusters_is_named(values: dict[str, Path]) -> None:
    rendered = of(values, *BY_ISSUER)

    assert rendered.one("Certificate", "jld-certificate")["spec"]["issuerRef"] == {
        "name": "ours",
        "kind": "Issuer",
        "group": "awspca.cert-manager.io",
    }
    assert rendered.of_kind("Issuer") == []
    assert "jld-proof" not in [each["metadata"]["name"] for each in rendered.of_kind("NetworkPolicy")]


def test_dhe_takes_a_certificate_of_rsa(values: dict[str, Path]) -> None:
    found = of(values, *BY_ISSUER, "nginx.tls.dhe=true").one("Certificate", "jld-certificate")
    assert found["spec"]["privateKey"] == {"algorithm": "RSA", "size": 2048, "rotationPolicy": "Always"}


@pytest.mark.parametrize(
    ("way", "secret"),
    [((), "jupyter-tls"), (BY_LETSENCRYPT, "jld-certificate"), (BY_ISSUER, "jld-certificate")],
    ids=["existing", "letsencrypt", "issuer"],
)
@pytest.mark.parametrize("mode", [(), BEHIND], ids=["service", "ingress"])
def test_whoever_needs_the_certificate_looks_in_one_place(
    values: dict[str, Path], way: tuple[str, ...], mode: tuple[str, ...], secret: str
) -> None:
    rendered = of(values, *way, *mode)

    assert secrets_of(rendered) == {secret}
    assert {each["spec"]["secretName"] for each in rendered.of_kind("Certificate")} <= {secret}


@pytest.mark.parametrize(
    "changes",
    [
        (*BY_LETSENCRYPT, 'nginx.tls.issuer.name="ours"'),
        ('nginx.tls.letsencrypt.email="operator@example.org"',),  # beside existingSecret
        ('nginx.tls.issuer.name="ours"',),
        (*BY_LETSENCRYPT, "nginx.tls.selfSigned=true"),
        (*BY_LETSENCRYPT, "nginx.tls.offload=true"),
        (*BY_LETSENCRYPT, 'global.hostname="192.0.2.1"'),
        (*BY_LETSENCRYPT, 'global.hostname="jupyter"'),
        (*NONE_BEFORE, 'nginx.tls.letsencrypt.email="operator"'),
        (*NONE_BEFORE, 'nginx.tls.letsencrypt.email="a@b.org\\n  server: evil"'),
        (*BY_LETSENCRYPT, 'nginx.tls.letsencrypt.server="http://acme.example.org"'),
        (*BY_LETSENCRYPT, 'nginx.tls.letsencrypt.server="https://user:word@acme.example.org/"'),
        (*NONE_BEFORE, 'nginx.tls.issuer={"name": "Ours!"}'),
        (*BY_ISSUER, 'nginx.mode="gateway"', 'nginx.gateway.name="public"', 'nginx.trustedProxies=["10.0.0.0/8"]'),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, Path], changes: tuple[str, ...]) -> None:
    assert "nginx" in refusal(Question(values["minimal"], changes)) or "hostname" in refusal(
        Question(values["minimal"], changes)
    )
