"""The spawner of labs: KubeSpawner with JLD's settings, through its own traits and hooks."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from jupyterhub.handlers import BaseHandler
from kubernetes_asyncio.client import V1Container, V1Pod, V1Volume, V1VolumeMount
from kubespawner import KubeSpawner
from kubespawner.utils import get_k8s_model
from traitlets import Instance

from jldhub.identity import Identity, IdentityError, lab_identity
from jldhub.images.nodes import ImageOnNodes
from jldhub.labs.additions import add_to_pod, disk_bytes, site_files
from jldhub.labs.environment import lab_environment
from jldhub.labs.etc_files import gitconfig_file, group_file, passwd_file
from jldhub.labs.homes import home_claim, homes_config, person_slug
from jldhub.labs.inside import inside_files
from jldhub.labs.menu import choices, page
from jldhub.labs.menu.handler import StartPage
from jldhub.labs.menu.images import ChosenImage, Images, image_environment
from jldhub.labs.menu.sizes import check_size, chosen_size, size_profiles
from jldhub.labs.namespaces.manifests import lab_namespace, namespace_config
from jldhub.labs.namespaces.provisioning import NamespaceProvisioner, NamespaceUnusable
from jldhub.labs.obstacle import Obstacle
from jldhub.labs.owner import service_account_uid
from jldhub.labs.placing import place_pod
from jldhub.labs.pod import (
    HOME,
    LAB_SECURITY,
    POD_SECURITY,
    START_COMMAND,
    claim_volume,
    files_volume,
    home_init_container,
    home_path,
    lab_disk,
    lab_mounts,
    lab_pod_fields,
    lab_volumes,
    owner_reference,
    person_mounts,
    pod_reference,
    with_claims,
)
from jldhub.labs.secret import FILES, GIT_CREDENTIAL, HUB_TOKEN, git_address, git_credential, lab_secret, write_secret
from jldhub.labs.start.guarded_spawner import ANSWER_SECONDS, GuardedSpawner, guarded_spawner_config, outer_timeout
from jldhub.labs.start.unbound import unbound_home
from jldhub.labs.start.watching import WATCH_CONFIG
from jldhub.settings.lab import Push
from jldhub.settings.names import UserNamespaces
from jldhub.settings.settings import Settings
from jldhub.support.outbound import AUTHORITIES, site_authorities
from jldhub.support.refusal import Refusal

IMAGE_ANNOTATION = "jld.lsst.org/image"  # the image as it was chosen: the pod's own names its digest
_TOKENS = frozenset({"JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN"})


class LabSpawner(GuardedSpawner):
    """The lab of one person."""

    settings = Instance(Settings, help="What the chart handed to the hub.").tag(config=True)
    images = Instance(Images, help="The images of labs.").tag(config=True)
    identity: Identity | None = None
    chosen_image: ChosenImage | None = None
    submitted: Mapping[str, str] | None = None  # the last form, which is shown again where it was refused
    git_token: str = ""
    files: Mapping[str, str]  # the content of the lab's Secret
    handler: BaseHandler | None

    async def start(self) -> str:
        """Start the lab in the namespace of the current settings.

        The stored state of an earlier lab may name another one.
        """
        self.namespace = lab_namespace(self.settings.names, self.user.name)
        self.pvc_name = home_claim(self.settings.names, self.user.name)
        self._pvc_exists = False  # somebody may have deleted it, and another namespace has another one
        return await super().start()

    async def explained(self, why: Obstacle | None) -> Obstacle | None:
        """With a home of its own: what is wrong with its volume, of which the pod's status and events tell nothing."""
        if not self.settings.has_own_homes or (why and why.reason not in ("volume", "timeout")):
            return why
        seconds = self.k8s_api_request_timeout
        return await unbound_home(self.api, self.namespace, self.pvc_name, seconds, late=why is not None) or why

    async def pod_created(self, pod: V1Pod) -> None:
        """Write the Secret that the pod mounts, once, owned by the pod. Raises TimeoutError and ApiException."""
        owners = [pod_reference(pod.metadata.name, pod.metadata.uid)]
        secret = lab_secret(self.files_secret, self.settings.names.object_labels, self.files, owners)
        seconds = self.k8s_api_request_timeout, self.k8s_api_request_retry_timeout
        await write_secret(self.api, self.namespace, secret, *seconds)

    @property
    def preselected(self) -> page.Preselection:
        """What the page shows as chosen: a link's choice, that of a form which was refused, or that of the last start."""
        if isinstance(self.handler, StartPage) and self.handler.preselected != page.Preselection():
            return self.handler.preselected
        if self.submitted is not None and self.handler is None:
            return page.preselection(self.submitted)
        last = self.orm_spawner.user_options if self.orm_spawner is not None else None
        return page.preselection({name: value for name, value in (last or {}).items() if isinstance(value, str)})

    @cached_property
    def site_image(self) -> str:
        """The image of a site without `hub.lab.images`, as it was before anybody chose one."""
        return str(self.image)

    def on_nodes(self, reference: str) -> ImageOnNodes | None:
        return self.images.nodes.image(reference)

    @property
    def files_secret(self) -> str:
        """The name of this start's Secret."""
        return f"{self.pod_name}-{self.start_id}"

    async def run_options_from_form(self, form_data: dict[str, list[str]]) -> dict[str, Any]:
        """The user options of a form. Raises a Refusal for an invalid choice before anything is stored or started."""
        self.handler = None  # this form is newer than what a link preselected
        self.submitted = choices.chosen_fields(form_data)
        options = choices.from_form(form_data)
        # Group memberships may have changed since the form was rendered.
        await self.run_auth_state_hook(await self.user.get_auth_state())
        check_options(self, options)
        return options

    def get_env(self) -> dict[str, str]:
        """The environment without the lab's API token, which everybody with permission to list pods could read.

        The lab reads the token from a file.
        """
        environment: dict[str, str] = super().get_env() | choices.check(self.user_options).variables
        environment |= image_environment(self.chosen_image)
        return {name: value for name, value in environment.items() if name not in _TOKENS}


LabSpawner.__name__ = KubeSpawner.__name__  # as in hub.traits, in what traitlets says of a trait


def spawner_config(settings: Settings) -> dict[str, dict[str, Any]]:
    """Trait values by class. Raises SettingsError for images that cannot be used."""
    names, lab = settings.names, settings.hub.lab
    return {
        "JupyterHub": {"spawner_class": LabSpawner, "template_paths": [str(page.TEMPLATES)]},
        "GuardedSpawner": {"settings": settings, "images": Images(settings), **guarded_spawner_config(settings)},
        "ResourceReflector": WATCH_CONFIG,
        # All else is set for KubeSpawner, so that an operator's own configuration file can override it under the usual
        # name.
        "KubeSpawner": {
            "namespace": names.namespace,
            **namespace_config(names.user_namespaces),
            "pod_name_template": f"{names.lab_pod}-{{user_server}}",
            "common_labels": names.object_labels,
            "component_label": names.lab_labels.get("app.kubernetes.io/component", "lab"),
            "service_account": names.lab_service_account,
            "automount_service_account_token": False,
            "image": names.lab_image,
            "image_pull_policy": "IfNotPresent",
            "image_pull_secrets": list(names.image_pull_secrets),
            # Not `cmd`, which sets the arguments of the image's entry point.
            "extra_container_config": {
                "command": START_COMMAND,
                # The kubelet then copies the end of the container's log into the pod's status.
                "terminationMessagePolicy": "FallbackToLogsOnError",
            },
            "extra_pod_config": lab_pod_fields(lab.quota),
            "default_url": "/lab",
            "environment": lab_environment(settings),
            "lifecycle_hooks": lab.pod.lifecycle,
            # Every address of the pod, IPv4 and IPv6: Jupyter Server takes `*` for that.
            "ip": "*",
            "port": 8888,
            "uid": lambda spawner: _identity(spawner).uid,
            "gid": lambda spawner: _identity(spawner).gid,
            "supplemental_gids": lambda spawner: [group.gid for group in _identity(spawner).groups],
            # No fs_gid: with it the kubelet changes the group of every file on the shared volume.
            "pod_security_context": POD_SECURITY,
            "container_security_context": LAB_SECURITY,
            "volumes": lab_volumes(settings.shared_volumes, lab.tmp_size),
            "volume_mounts": lab_mounts(names.volumes),
            **homes_config(settings),
            "start_timeout": outer_timeout(settings),
            "http_timeout": ANSWER_SECONDS,
            "profile_list": lambda spawner: size_profiles(lab, _identity(spawner)),
            "options_form": options_form,
            "delete_grace_period": 5,
            "k8s_api_request_timeout": 30,
            "k8s_api_request_retry_timeout": 120,
            # Never: JupyterHub would stop the hub for everybody after that many failed spawns in a row.
            "consecutive_failure_limit": 0,
            "auth_state_hook": set_identity,
            "apply_user_options": check_options,
            "modify_pod_hook": complete_pod,
        },
    }


def options_form(spawner: LabSpawner) -> str:
    """JupyterHub's `options_form`."""
    notices = list(spawner.settings.hub.lab.notices.values())
    return page.render(spawner.images, _identity(spawner), notices, spawner.preselected)


async def set_identity(spawner: LabSpawner, auth_state: dict[str, Any] | None) -> None:
    """JupyterHub's `auth_state_hook`, before the form is rendered and before each start. Raises a Refusal."""
    await spawner.images.refresh()
    spawner.git_token = ""
    try:
        if spawner.settings.hub.auth.github and spawner.settings.hub.lab.git.push is not Push.NONE:
            spawner.git_token = str((auth_state or {}).get("access_token") or "")
        spawner.identity = lab_identity(spawner.settings.hub.auth, auth_state, spawner.user.name, spawner.user.id)
    except IdentityError as error:
        raise Refusal(403, str(error)) from error


def check_options(spawner: LabSpawner, options: object) -> None:
    """JupyterHub's `apply_user_options`. Raises a Refusal: KubeSpawner's own check is later, with a status 500."""
    if not isinstance(options, dict):
        raise Refusal(400, 'The options of a lab are an object, such as {"profile": "small"}.')
    lab, identity, size = spawner.settings.hub.lab, _identity(spawner), options.get(choices.SIZE)
    check_size(lab, identity, size)
    choices.check(options)
    site_image = spawner.site_image
    spawner.chosen_image = spawner.images.choose(identity, options.get(choices.IMAGE), size or lab.default_size)
    spawner.image = spawner.chosen_image.reference if spawner.chosen_image else site_image
    if spawner.orm_spawner is not None and choices.ONCE & set(options):
        # JupyterHub uses the stored options for a later start without options.
        spawner.orm_spawner.user_options = {name: value for name, value in options.items() if name not in choices.ONCE}


async def complete_pod(spawner: LabSpawner, pod: V1Pod) -> V1Pod:
    """KubeSpawner's `modify_pod_hook`: add what depends on the person.

    Raises StartFailed, a Refusal, and ApiException.
    """
    names, username, identity = spawner.settings.names, spawner.user.name, _identity(spawner)
    if spawner.chosen_image:
        pod.metadata.annotations = {**(pod.metadata.annotations or {}), IMAGE_ANNOTATION: spawner.chosen_image.spec}
    home_name = person_slug(username)
    lab = pod.spec.containers[0]
    # Not by the traits extra_resource_guarantees and extra_resource_limits, which a site may set for its GPUs.
    requests, limits = lab_disk(spawner.settings.hub.lab.tmp_size + disk_bytes(spawner.settings.hub.lab))
    lab.resources.requests, lab.resources.limits = requests | lab.resources.requests, limits | lab.resources.limits
    lab.working_dir = home_path(names.volumes, username)
    if spawner.settings.has_own_homes:
        pod.spec.volumes.append(get_k8s_model(V1Volume, claim_volume(HOME, home_claim(names, username))))
    for mount in person_mounts(lab.working_dir, home_name):
        lab.volume_mounts.append(get_k8s_model(V1VolumeMount, mount))
    size = chosen_size(spawner.settings.hub.lab, spawner.user_options.get(choices.SIZE))
    place_pod(pod, spawner.settings.hub.lab, size, names.lab_labels)
    add_to_pod(pod, spawner.settings.hub.lab, size, identity)
    spawner.files = lab_files(spawner, identity, lab.working_dir)
    pod.spec.volumes.append(get_k8s_model(V1Volume, files_volume(spawner.files_secret, spawner.files)))
    if spawner.settings.hub.lab.provision_homes:
        init_home = home_init_container(names.hub_image, home_name, identity)
        pod.spec.init_containers = [get_k8s_model(V1Container, init_home), *(pod.spec.init_containers or [])]
    if names.user_namespaces:
        claims = await _provision_namespace(spawner, names.user_namespaces)
        pod.spec.volumes = with_claims(pod.spec.volumes, claims)
    account_uid = await service_account_uid(spawner.api, names.lab_service_account, spawner.namespace)
    pod.metadata.owner_references = [owner_reference(names.lab_service_account, account_uid)]
    return pod


async def _provision_namespace(spawner: LabSpawner, user_namespaces: UserNamespaces) -> dict[str, str]:
    """Provision the person's namespace, which KubeSpawner has created. Returns the names of its claims by volume.

    Raises StartFailed.
    """
    provisioner = NamespaceProvisioner(spawner.api.api_client, spawner.k8s_api_request_timeout)
    try:
        return await provisioner.provision(spawner.namespace, spawner.settings, user_namespaces)
    except NamespaceUnusable as unusable:
        raise spawner.failure(unusable.why) from None


def lab_files(spawner: LabSpawner, identity: Identity, home: str) -> dict[str, str]:
    """The files of the lab's Secret. None is ever omitted, because a mount of a missing key fails."""
    github, token, username = spawner.settings.hub.auth.github, spawner.git_token, spawner.user.name
    address = git_address(github) if github and token else ""
    return {
        **site_files(spawner.settings.hub.lab),
        **inside_files(),
        "passwd": passwd_file(identity, username, home),
        "group": group_file(identity, username),
        "gitconfig": gitconfig_file(identity, address, f"{FILES}/{GIT_CREDENTIAL}"),
        HUB_TOKEN: spawner.api_token,
        AUTHORITIES: site_authorities(spawner.settings.trust_directory),
        "motd": choices.motd(spawner.settings.hub.lab.notices.values()),
        GIT_CREDENTIAL: git_credential(token) if token else "",
    }


def _identity(spawner: LabSpawner) -> Identity:
    if spawner.identity is None:
        raise Refusal(403, "The hub does not know who this lab is for. Log out and log in again.")
    return spawner.identity
