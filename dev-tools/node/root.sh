# Read by a script in fresh mount, PID and cgroup namespaces, with `root`, `state` and the HIERARCHIES as words: makes a
# root file system of its own, with /proc, /sys, /run and cgroups, and goes there. `settle NAME` makes it the root.
# Nothing here is seen outside, and all of it goes when process 1 ends.
mount --make-rprivate /
# The root file system is shared with others, and what is written there is one's own and gone with it.
mkdir -p "$state/root"
mount -t tmpfs -o mode=755 tmpfs "$state/root"
mkdir "$state/root/written" "$state/root/work" "$state/root/merged"
mount -t overlay -o "lowerdir=$root,upperdir=$state/root/written,workdir=$state/root/work" overlay "$state/root/merged"
cd "$state/root/merged"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp

if [ "$1" = unified ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  for hierarchy in "$@"; do
    mkdir -p "sys/fs/cgroup/$hierarchy"
    case $hierarchy in
      systemd) mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd ;;
      *) mount -t cgroup -o "$hierarchy" cgroup "sys/fs/cgroup/$hierarchy" ;;
    esac
  done
fi

settle() {
  hostname "$1"
  pivot_root . mnt
  cd /
  umount -l /mnt
  mount --make-rshared /
}
