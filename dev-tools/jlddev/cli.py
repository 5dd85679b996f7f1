"""`jlddev`: what stands behind the Makefile's targets. Each command may be repeated, and continues after an interruption."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from jlddev import lab, up
from jlddev.clusters import providers
from jlddev.images import build
from jlddev.support.errors import MachineError, Unsupported
from jlddev.support.paths import CHECKOUT
from jlddev.support.run import say
from jlddev.tools import helm_and_kubectl, nginx

Nodes = Annotated[int, typer.Option(min=1, help="How many nodes the native cluster has at least.")]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command("tools")
def tools_command() -> None:
    """Put helm (3 and 4) and kubectl into ~/.cache/jld/bin."""
    helm_and_kubectl.fetch()


@app.command("nginx")
def nginx_command() -> None:
    """Put the image's nginx into ~/.cache/jld/bin for the render tests; says why where that cannot be."""
    try:
        nginx.install()
    except Unsupported as reason:
        say(f"{reason} Without it the tests of the running front door are skipped.")


@app.command("images")
def images_command(
    push: Annotated[str, typer.Option(help="Also push to this registry, e.g. registry.example.org/jld.")] = "",
) -> None:
    """Build the images whose sources changed, and write .jld/images.yaml, the values that name them."""
    built = build.chart_images()
    builder = build.build(built)
    overlay = build.write_overlay(built)
    if push:
        for image in built:
            for reference in (image.reference, image.alias):
                target = reference.replace(build.REGISTRY, push, 1)
                builder.tag(image.reference, target)
                builder.push(target)
        say(f"set global.imageRegistry: {push} in your site file")
    say(f"images are built; their tags are in {overlay.relative_to(CHECKOUT)}")


@app.command("cluster")
def cluster_command(nodes: Nodes = 1) -> None:
    """Have a cluster: KUBECONFIG's, kind's, or native nodes."""
    provider = providers.choose()
    say(f"cluster: {provider.what}")
    print(f"export KUBECONFIG={provider.up(nodes)}")


@app.command("cluster-down")
def cluster_down() -> None:
    """Take the local cluster away, with all that ran and was stored on it."""
    providers.choose().down()


@app.command("up")
def up_command(
    site: Annotated[Path, typer.Option(help="The site file to install.")] = CHECKOUT / "values" / "local.yaml",
    nodes: Nodes = 1,
) -> None:
    """Cluster, images, values, install; then how to log in."""
    up.up(site, nodes)


@app.command("lab")
def lab_command(
    person: Annotated[str, typer.Argument(help="Who logs in; by default the first whom the site names.")] = "",
) -> None:
    """Log in to what `up` installed, start a lab unless it runs, and print its URL."""
    print(lab.start(lab.installed(), person))


@app.command("down")
def down_command() -> None:
    """Take away what `up` made."""
    up.down()


def main() -> None:
    """Run a command; a machine that lacks something ends in a sentence and exit code 2."""
    try:
        app()
    except MachineError as error:
        say(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        say("interrupted; run the same command again to continue")
        sys.exit(130)
