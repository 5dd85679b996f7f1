"""The nginx of JLD's image, on this machine, whose own nginx is often too old for the front door's configuration."""

from jlddev.support import debian_packages, rootfs

PACKAGES = ("nginx-light", "libnginx-mod-http-lua", "lua-cjson")
# In the folder of this list of packages: another checkout may have another list.
PROGRAM = rootfs.folder("nginx", PACKAGES) / "start-nginx"


def install() -> None:
    """Unpack the image's nginx into the cache, and write a script that starts it with its own libraries.

    Nothing is installed on this machine. Raises MachineError.
    """
    debian_packages.ensure({"mmdebstrap": "mmdebstrap"}, "testing the front door's configuration with the real nginx")
    root = rootfs.unpacked("nginx", PACKAGES)
    libraries = ":".join(str(path) for path in sorted((root / "usr" / "lib").glob("*-linux-gnu")))
    (loader,) = (root / "usr" / "lib").glob("*-linux-gnu/ld-linux*.so.*")
    # nginx modules and Lua packages are searched below the unpacked root instead of below /.
    packages = next((root / "usr" / "lib").glob("*-linux-gnu/lua/5.1"))
    script = f"""#!/bin/sh
export LUA_PATH="{root}/usr/share/lua/5.1/?.lua;;" LUA_CPATH="{packages}/?.so;;"
exec "{loader}" --library-path "{libraries}" "{root}/usr/sbin/nginx" -p "{root}/usr/share/nginx/" "$@"
"""
    half_written = PROGRAM.with_suffix(".part")
    half_written.write_text(script)
    half_written.chmod(0o755)
    half_written.rename(PROGRAM)
